using System.Diagnostics;
using System.Net.Http.Headers;

namespace Hindcast.Bench.Ingest;

/// <summary>The real server in a process of its own, on a data directory of its own.</summary>
sealed class HindcastProcess : IAsyncDisposable
{
    public const string Key = "bench-admin-key-0123456789";

    readonly Process _process;
    readonly string _folder;

    HindcastProcess(Process process, string folder, Uri address)
    {
        (_process, _folder, Address) = (process, folder, address);
    }

    public Uri Address { get; }
    public string Folder => _folder;

    public static async Task<HindcastProcess> StartAsync(string folder, int port, IReadOnlyDictionary<string, string> settings)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll")]) { WorkingDirectory = folder };
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        start.Environment["Hindcast__DataDirectory"] = folder;
        start.Environment["Hindcast__AdminKey"] = Key;
        start.Environment["Hindcast__Limits__RequestsPerMinute"] = "100000000";
        start.Environment["Hindcast__Limits__QueriesPerMinute"] = "100000000";
        start.Environment["Hindcast__Limits__BytesPerMinute"] = "1000000000000";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach (var (name, value) in settings) start.Environment[name] = value;
        var server = new HindcastProcess(Process.Start(start)!, folder, address);

        using var http = server.Client();
        for (var attempt = 0; attempt < 200; attempt++)
        {
            try
            {
                if ((await http.GetAsync("/health/live")).IsSuccessStatusCode) return server;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(100);
        }
        throw new InvalidOperationException("The server did not start.");
    }

    public HttpClient Client()
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        return http;
    }

    /// <summary>Resident memory in MiB.</summary>
    public double Memory()
    {
        _process.Refresh();
        return _process.WorkingSet64 / 1048576.0;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}

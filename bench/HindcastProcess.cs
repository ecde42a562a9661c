using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Hindcast.Bench;

/// <summary>The real server in a process of its own, on a data directory of its own; benches measure it and tests kill it.</summary>
public sealed class HindcastProcess : IAsyncDisposable
{
    public const string Key = "an-admin-key-of-24-chars";

    const int MostLines = 200;

    readonly string _folder;
    readonly IReadOnlyDictionary<string, string> _settings;
    Process? _process;

    HindcastProcess(string folder, IReadOnlyDictionary<string, string> settings) => (_folder, _settings) = (folder, settings);

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public string Folder => _folder;

    /// <summary>The first lines it wrote since it was started.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Starts a server; it is listening when this returns.</summary>
    public static async Task<HindcastProcess> StartAsync(string folder, IReadOnlyDictionary<string, string>? settings = null)
    {
        var server = new HindcastProcess(folder, settings ?? new Dictionary<string, string>());
        await server.StartAsync();
        return server;
    }

    /// <summary>Until the views can be read: a server listens before they stand.</summary>
    public async Task UntilReadyAsync()
    {
        using var http = Client();
        while (!(await http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) await Task.Delay(50);
    }

    /// <summary>Starts it again on the same directory.</summary>
    public async Task StartAsync()
    {
        // Between finding a port and listening on it, somebody else may take it.
        for (var attempt = 0; attempt < 3; attempt++)
            if (await ListensAsync())
                return;
        throw new InvalidOperationException("The server ended instead of listening.");
    }

    /// <returns>False if it ended instead.</returns>
    async Task<bool> ListensAsync()
    {
        Address = new($"http://127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll")]) { WorkingDirectory = _folder, RedirectStandardOutput = true };
        start.Environment["ASPNETCORE_URLS"] = Address.ToString();
        start.Environment["Hindcast__DataDirectory"] = _folder;
        start.Environment["Hindcast__AdminKey"] = Key;
        start.Environment["Hindcast__Limits__RequestsPerMinute"] = "100000000";
        start.Environment["Hindcast__Limits__QueriesPerMinute"] = "100000000";
        start.Environment["Hindcast__Limits__BytesPerMinute"] = "1000000000000";
        // Servers side by side cannot share its port; who wants it names one.
        start.Environment["Hindcast__Otlp__GrpcEndpoint"] = "";
        foreach (var (name, value) in _settings) start.Environment[name] = value;
        _process = Process.Start(start)!;
        Said.Clear();
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } said && Said.Count < MostLines) Said.Enqueue(said);
        };
        _process.BeginOutputReadLine();

        using var http = Client();
        for (var attempt = 0; attempt < 600; attempt++)
        {
            try
            {
                if ((await http.GetAsync(new Uri("/health/live", UriKind.Relative))).IsSuccessStatusCode) return true;
            }
            catch (Exception e) when (e is HttpRequestException or System.Net.Sockets.SocketException)
            {
                // Not listening yet, or never.
                if (_process.HasExited) return false;
            }
            await Task.Delay(50);
        }
        throw new TimeoutException("The server did not start.");
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
        _process!.Refresh();
        return _process.WorkingSet64 / 1048576.0;
    }

    /// <summary>Processor time so far, in µs: unlike the clock it does not care what else the machine does.</summary>
    public double ProcessorMicros()
    {
        _process!.Refresh();
        return _process.TotalProcessorTime.TotalMicroseconds;
    }

    /// <summary>SIGSTOP: it does nothing more, and does not know it.</summary>
    public Task FreezeAsync() => SignalAsync("-STOP");

    /// <summary>SIGCONT: it goes on where it was.</summary>
    public Task ThawAsync() => SignalAsync("-CONT");

    async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [signal, $"{_process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGTERM: it ends as it likes.</summary>
    public async Task StopAsync()
    {
        await SignalAsync("-TERM");
        await _process!.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGKILL: no warning, no last words.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await KillAsync();
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

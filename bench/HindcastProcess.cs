using System.Diagnostics;
using System.Net.Http.Headers;

namespace Hindcast.Bench;

/// <summary>The real server in a process of its own, on a data directory of its own; benches measure it and tests kill it.</summary>
public sealed class HindcastProcess : IAsyncDisposable
{
    public const string Key = "an-admin-key-of-24-chars";

    /// <summary>The line that names its address, once it listens.</summary>
    const string Listening = "Console: ";

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

    /// <summary>Starts it again on the same directory, at another address.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll")]) { WorkingDirectory = _folder, RedirectStandardOutput = true };
        // The system finds the port and the server says which. One that was found here could be another server's by the time this one
        // listens, and that one would be taken for it.
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
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
        var listens = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not { } said)
            {
                listens.TrySetException(new InvalidOperationException($"The server ended instead of listening. It said: {string.Join('\n', Said)}"));
                return;
            }
            if (Said.Count < MostLines) Said.Enqueue(said);
            if (said.StartsWith(Listening, StringComparison.Ordinal)) listens.TrySetResult(new(new Uri(said[Listening.Length..].Split(' ')[0]), "/"));
        };
        _process.BeginOutputReadLine();
        Address = await listens.Task.WaitAsync(TimeSpan.FromSeconds(60));
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
}

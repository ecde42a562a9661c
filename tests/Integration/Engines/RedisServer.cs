using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hindcast.Integration.Engines;

/// <summary>
/// A private Redis on a loopback port, which a test can stop, freeze and bring back on the same port. Where there is no <c>redis-server</c>,
/// tests are skipped and say why; in CI they fail.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    const string Program = "redis-server";

    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-redis-").FullName;
    readonly int _port = FreePort();
    Process? _process;

    public string ConnectionString => $"127.0.0.1:{_port}";

    public static async Task<RedisServer> StartNewAsync()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, Program))))
        {
            const string why = "no redis-server is installed (./test installs it)";
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException($"Redis is needed in CI: {why}");
            Assert.Skip($"Redis: {why}");
        }
        var server = new RedisServer();
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts it, or starts it again on the same port; it answers when this returns.</summary>
    public async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo(Program,
            ["--port", $"{_port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder]) { RedirectStandardOutput = true })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        while (!await AnswersAsync())
        {
            if (_process.HasExited) throw new InvalidOperationException($"redis-server ended instead of listening on port {_port}.");
            await Task.Delay(20);
        }
    }

    public async Task StopAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: connections stay open and nobody answers.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    public Task ThawAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await StopAsync();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>This one, and not somebody else who took the port between its finding and its use.</summary>
    async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            await client.GetStream().WriteAsync("INFO server\r\n"u8.ToArray());
            var answer = new byte[4096];
            return Encoding.ASCII.GetString(answer, 0, await client.GetStream().ReadAsync(answer)).Contains($"process_id:{_process!.Id}\r\n", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

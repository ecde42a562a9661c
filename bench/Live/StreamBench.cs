using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Hindcast.Bench.Live;

/// <summary>
/// Many WebSocket subscribers of <c>/api/v1/stream</c>, one in a hundred of which stops reading: how late the others hear, and what memory the server takes.
/// The subscribers are in this process, on the same processors.
/// </summary>
static class StreamBench
{
    const int PerSecond = 10;
    static readonly TimeSpan s_measured = TimeSpan.FromSeconds(25);

    public static async Task RunAsync(int subscribers)
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-bench-").FullName;
        await using (var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string>
        {
            ["Hindcast__Live__Sockets"] = "20000",
            ["Hindcast__Live__SocketsPerKey"] = "20000",
        }))
        {
            using var http = server.Client();
            // Past enough to fill the lines of those who do not read it.
            for (var i = 0; i < 80; i++) await WriteAsync(http, new string('x', 100_000));

            var begun = Stopwatch.GetTimestamp();
            var (healthy, stalled) = (new List<Socket>(), new List<Socket>());
            await Parallel.ForEachAsync(Enumerable.Range(0, subscribers), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, ct) =>
            {
                var stalls = i % 100 == 99;
                var socket = await OpenAsync(server.Address, stalls ? "start" : "now", ct);
                var list = stalls ? stalled : healthy;
                lock (list) list.Add(socket);
            });
            Console.WriteLine($"{healthy.Count} who read and {stalled.Count} who do not, connected in {Stopwatch.GetElapsedTime(begun).TotalSeconds:n1} s; server at {server.Memory():n0} MiB");

            using var end = new CancellationTokenSource();
            var reading = healthy.ConvertAll(s => ReadAsync(s, end.Token));
            var (sent, most) = (0, 0.0);
            using var every = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / PerSecond));
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < s_measured; sent++)
            {
                await WriteAsync(http, Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture));
                most = Math.Max(most, server.Memory());
                await every.WaitForNextTickAsync();
            }
            await Task.Delay(2_000);
            await end.CancelAsync();
            var heard = (await Task.WhenAll(reading)).SelectMany(h => h).ToArray();
            Array.Sort(heard);
            var cut = 0;
            foreach (var socket in stalled)
                if (await IsCutAsync(socket)) cut++;

            Console.WriteLine($"{sent} events at {PerSecond}/s: {heard.Length:n0} of {(long)sent * healthy.Count:n0} deliveries, {heard.Length / s_measured.TotalSeconds:n0}/s");
            if (heard.Length > 0) Console.WriteLine($"from before it was sent to heard: p50 {At(heard, 0.5):n0} ms, p99 {At(heard, 0.99):n0} ms, the last {heard[^1]:n0} ms");
            Console.WriteLine($"server's memory at most {most:n0} MiB; {cut} of {stalled.Count} who did not read were cut off");
        }
        Directory.Delete(folder, recursive: true);
    }

    static double At(double[] sorted, double part) => sorted[(int)(part * (sorted.Length - 1))];

    static async Task WriteAsync(HttpClient http, string content) =>
        (await http.PostAsJsonAsync(new Uri("/api/v1/events", UriKind.Relative), new { type = "user_message", trace_id = $"t{Random.Shared.Next(100)}", content })).EnsureSuccessStatusCode();

    static async Task<Socket> OpenAsync(Uri server, string from, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (from == "start") socket.ReceiveBufferSize = 4096;
        await socket.ConnectAsync(server.Host, server.Port, ct);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /api/v1/stream?from={from} HTTP/1.1\r\nHost: {server.Authority}\r\nX-API-Key: {HindcastProcess.Key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), ct);
        var answer = new byte[1];
        for (var matched = 0; matched < 4;)
        {
            if (await socket.ReceiveAsync(answer, ct) == 0) throw new InvalidOperationException("The server refused a socket.");
            matched = answer[0] == "\r\n\r\n"[matched] ? matched + 1 : answer[0] == '\r' ? 1 : 0;
        }
        return socket;
    }

    /// <summary>How late each message was, in ms.</summary>
    static async Task<List<double>> ReadAsync(Socket socket, CancellationToken ct)
    {
        var late = new List<double>();
        using var web = WebSocket.CreateFromStream(new NetworkStream(socket, ownsSocket: true), new WebSocketCreationOptions());
        var buffer = new byte[2048];
        try
        {
            while (true)
            {
                var part = await web.ReceiveAsync(buffer.AsMemory(), ct);
                var now = Stopwatch.GetTimestamp();
                if (part.MessageType == WebSocketMessageType.Close) return late;
                if (!part.EndOfMessage) continue;
                using var message = JsonDocument.Parse(buffer.AsMemory(0, part.Count));
                if (message.RootElement.TryGetProperty("data", out var data) && long.TryParse(data.GetProperty("content").GetString(), CultureInfo.InvariantCulture, out var sent))
                    late.Add((now - sent) * 1000.0 / Stopwatch.Frequency);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            return late;
        }
    }

    /// <summary>What is on the line still comes; then it ends, or goes on for one who was not cut off.</summary>
    static async Task<bool> IsCutAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var (buffer, read) = (new byte[1 << 16], 0L);
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var part)
                if ((read += part) > 8_000_000) return false;
            return true;
        }
        catch (SocketException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            socket.Dispose();
        }
    }
}

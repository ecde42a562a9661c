using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// Durable ingestion over HTTP, with projections paused and running: batches of 100 on four connections (performance goal G2), or one event a
/// request on 32 (G1). The baseline is the same load, from the same generator, into a bare server that appends raw with the same SQLite settings and groups, so that the
/// generator's share of the two cores is counted in both. What SQLite takes with nothing around it is printed beside it.
/// </summary>
sealed class IngestBench(int batchSize, int connections)
{
    /// <summary>The settings of the log, and one table.</summary>
    public const string Settings = """
        PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536;
        CREATE TABLE events(position INTEGER PRIMARY KEY, content BLOB NOT NULL);
        """;

    const int BarePort = 8195;

    public async Task RunAsync(int events)
    {
        Console.WriteLine($"{events:N0} events, {batchSize} a request, on {connections} connections; SQLite {SqliteRuntime.Version}; {Machine.Describe()}");
        var root = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-ingest")).FullName;
        try
        {
            Console.WriteLine($"SQLite alone, in process, groups of 100: {Alone(Path.Combine(root, "alone.db"), Math.Min(events, 300_000)),9:N0} events/s");
            var before = await BareAsync(root, events / 2);
            var paused = await ServedAsync(Path.Combine(root, "paused"), events, paused: true);
            var running = await ServedAsync(Path.Combine(root, "running"), events, paused: false);
            var after = await BareAsync(root, events / 2);
            var bare = (before + after) / 2;
            Console.WriteLine($"bare server, raw appends:  {bare,9:N0} events/s ({before:N0} before, {after:N0} after)");
            Console.WriteLine($"projections paused:        {paused,9:N0} events/s = {paused / bare:P0} (goal 50 %)");
            Console.WriteLine($"projections running:       {running,9:N0} events/s = {running / bare:P0} (goal 25 %)");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>The load alone, for a server that runs already (with the key of <see cref="HindcastProcess"/>): for profiling it.</summary>
    public async Task SendToAsync(Uri address, int events)
    {
        using var http = new HttpClient { BaseAddress = address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", HindcastProcess.Key);
        Console.WriteLine($"{await SendAsync(http, events, _ => { }, Environment.ProcessId * 1_000):N0} events/s");
    }

    static double Alone(string path, int events)
    {
        var (body, _) = new Load(1).Next();
        using var database = Database.Open(path, OpenAs.Create);
        database.Exec(Settings);
        using var insert = database.Prepare("INSERT INTO events VALUES(?1, ?2)");
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < events;)
        {
            database.Exec("BEGIN IMMEDIATE");
            for (var n = 0; n < 100 && i < events; n++, i++) insert.Bind(1, i + 1L).BindBlob(2, body).Run();
            database.Exec("COMMIT");
        }
        return events / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    async Task<double> BareAsync(string root, int events)
    {
        var path = Path.Combine(root, "bare.db");
        foreach (var suffix in new[] { "", "-wal", "-shm" }) File.Delete(path + suffix);
        using var server = Process.Start(new ProcessStartInfo("dotnet", [typeof(IngestBench).Assembly.Location, "bare-server", $"{BarePort}", path]))!;
        try
        {
            using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{BarePort}") };
            while (true)
            {
                try
                {
                    await http.GetStringAsync("/health/live");
                    break;
                }
                catch (HttpRequestException) when (!server.HasExited)
                {
                    await Task.Delay(50);
                }
            }
            return await SendAsync(http, events, _ => { });
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    async Task<double> ServedAsync(string folder, int events, bool paused)
    {
        Directory.CreateDirectory(folder);
        await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Projections__Paused"] = $"{paused}" });
        using var http = server.Client();
        var (memoryAt20, processorAt20, started) = (0.0, 0.0, Stopwatch.GetTimestamp());
        var rate = await SendAsync(http, events, sent =>
        {
            if (memoryAt20 == 0 && sent >= events / 5) (memoryAt20, processorAt20) = (server.Memory(), server.ProcessorMicros());
        });
        var memory = server.Memory();
        Console.WriteLine($"{(paused ? "paused" : "running")}: {rate:N0} events/s; RSS {memoryAt20:N0} MiB at 20 %, {memory:N0} MiB at the end = {memory / memoryAt20:N2} x; "
            + $"{(server.ProcessorMicros() - processorAt20) / (events * 0.8):N1} µs of processor an event");
        if (!paused) await CatchUpAsync(http, events, started);
        return rate;
    }

    public async Task<double> SendAsync(HttpClient http, int events, Action<int> sentSoFar, int firstTrace = 0)
    {
        var load = new Load(batchSize, firstTrace);
        var sent = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
        {
            while (Interlocked.Add(ref sent, batchSize) <= events)
            {
                using var content = new ByteArrayContent(load.Next().Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var response = await http.PostAsync("/api/v1/events", content);
                response.EnsureSuccessStatusCode();
                sentSoFar(Volatile.Read(ref sent));
            }
        }));
        return events / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    static async Task CatchUpAsync(HttpClient http, int events, long started)
    {
        while (true)
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync("/api/v1/projections"));
            if (answer.RootElement.EnumerateArray().All(p => p.GetProperty("lag_events").GetInt64() == 0)) break;
            await Task.Delay(100);
        }
        Console.WriteLine($"every projection caught up: {events / Stopwatch.GetElapsedTime(started).TotalSeconds:N0} events/s from first byte to readable");
    }
}

using System.Net.Http.Headers;
using System.Text.Json;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// Durable ingestion over HTTP (performance goal G2): batches of 100 on four connections, load generator and server on the same cores,
/// against the same SQLite settings appended raw with the same group size. First with projections paused, then with them running.
/// </summary>
static class IngestBench
{
    const int BatchSize = 100, Connections = 4;

    public static async Task RunAsync(int events)
    {
        Console.WriteLine($"{events:N0} events in batches of {BatchSize} on {Connections} connections; SQLite {SqliteRuntime.Version}; {Machine.Describe()}");
        var root = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-ingest")).FullName;
        try
        {
            var before = Raw(Path.Combine(root, "raw.db"), Math.Min(events, 300_000));
            Console.WriteLine($"raw SQLite, groups of {BatchSize}:        {before,9:N0} events/s");
            var paused = await ServedAsync(Path.Combine(root, "paused"), events, paused: true);
            var running = await ServedAsync(Path.Combine(root, "running"), events, paused: false);
            var after = Raw(Path.Combine(root, "raw.db"), Math.Min(events, 300_000));
            Console.WriteLine($"raw SQLite again:                 {after,9:N0} events/s");
            var raw = (before + after) / 2;
            Console.WriteLine($"projections paused:  {paused,9:N0} events/s = {paused / raw:P0} of raw (goal 50 %)");
            Console.WriteLine($"projections running: {running,9:N0} events/s = {running / raw:P0} of raw (goal 25 %)");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>What the settings of the log take with nothing around them: one table, the bytes of an event, a commit each group.</summary>
    static double Raw(string path, int events)
    {
        foreach (var suffix in new[] { "", "-wal", "-shm" }) File.Delete(path + suffix);
        var (body, _) = new Load(1).Next();
        using var database = Database.Open(path, OpenAs.Create);
        database.Exec("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536");
        database.Exec("CREATE TABLE events(position INTEGER PRIMARY KEY, content BLOB NOT NULL)");
        using var insert = database.Prepare("INSERT INTO events VALUES(?1, ?2)");
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < events;)
        {
            database.Exec("BEGIN IMMEDIATE");
            for (var n = 0; n < BatchSize && i < events; n++, i++) insert.Bind(1, i + 1L).BindBlob(2, body).Run();
            database.Exec("COMMIT");
        }
        return events / TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    static async Task<double> ServedAsync(string folder, int events, bool paused)
    {
        Directory.CreateDirectory(folder);
        await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Projections__Paused"] = $"{paused}" });
        using var http = server.Client();
        var load = new Load(BatchSize);
        var (sent, memoryAt20) = (0, 0.0);
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            while (Interlocked.Add(ref sent, BatchSize) <= events)
            {
                using var content = new ByteArrayContent(load.Next().Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var response = await http.PostAsync("/api/v1/events", content);
                response.EnsureSuccessStatusCode();
                if (memoryAt20 == 0 && Volatile.Read(ref sent) >= events / 5) memoryAt20 = server.Memory();
            }
        }));
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        var memory = server.Memory();
        Console.WriteLine($"{(paused ? "paused" : "running")}: {events / seconds:N0} events/s; RSS {memoryAt20:N0} MiB at 20 %, {memory:N0} MiB at the end = {memory / memoryAt20:N2} x");
        if (!paused) await CatchUpAsync(http, events, started);
        return events / seconds;
    }

    static async Task CatchUpAsync(HttpClient http, int events, long started)
    {
        while (true)
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync("/api/v1/projections"));
            if (answer.RootElement.EnumerateArray().All(p => p.GetProperty("lag_events").GetInt64() == 0)) break;
            await Task.Delay(100);
        }
        Console.WriteLine($"every projection caught up: {events / TimeProvider.System.GetElapsedTime(started).TotalSeconds:N0} events/s from first byte to readable");
    }
}

using System.Diagnostics;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Bench.Ingest;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Infrastructure.ReadModels;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Infrastructure.ReadModels.Sqlite;
using Npgsql;

namespace Hindcast.Bench.Rebuild;

/// <summary>
/// A rebuild on PostgreSQL beside the serving generation (performance goal G5), while events come and reads are answered. The baseline, under
/// the same load in the same run, is the best that does no work: read the log, parse each event, COPY a span row and a fact row of it, and
/// build the same indexes. The rows that serve in the end are compared with a build from zero on SQLite.
/// </summary>
static class RebuildBench
{
    const int BatchSize = 100, Connections = 4;

    public static async Task RunAsync(int events, string? postgres)
    {
        var database = postgres ?? throw new InvalidOperationException("Name a PostgreSQL: rebuild 200000 'Host=/tmp/pg;Username=hindcast;Database=bench'. Its database is made anew.");
        Console.WriteLine($"{events:N0} events, PostgreSQL {await EmptyAsync(database)}; {Machine.Describe()}");
        var folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-rebuild")).FullName;
        try
        {
            var (ours, baseline) = (new List<double>(), new List<double>());
            await using (var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["ConnectionStrings__Postgres"] = database }))
            {
                using var http = server.Client();
                await FillAsync(http, events);
                for (var round = 0; round < (events > 500_000 ? 1 : 2); round++)
                {
                    await using (var load = new SideLoad(http))
                    {
                        baseline.Add(await BaselineAsync(folder, database));
                        Console.WriteLine($"  beside it: {load.Counts}");
                    }
                    await using (var load = new SideLoad(http))
                    {
                        ours.Add(await OursAsync(server, http));
                        Console.WriteLine($"  beside it: {load.Counts}");
                    }
                }
                await CaughtUpAsync(http);
            }
            Console.WriteLine($"baseline {baseline.Average():N0} events/s, ours {ours.Average():N0} events/s = {ours.Average() / baseline.Average():P0} (goal 50 %)");
            await CompareAsync(folder, database);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static async Task<string> EmptyAsync(string database)
    {
        var settings = new NpgsqlConnectionStringBuilder(database);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Database = "postgres" }.ToString());
        await using var connection = await source.OpenConnectionAsync();
        await connection.RunAsync($"DROP DATABASE IF EXISTS {settings.Database} WITH (FORCE)", default);
        await connection.RunAsync($"CREATE DATABASE {settings.Database} TEMPLATE template0", default);
        return connection.PostgreSqlVersion.ToString();
    }

    static async Task FillAsync(HttpClient http, int events)
    {
        var (load, sent, started) = (new Load(BatchSize), 0, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            while (Interlocked.Add(ref sent, BatchSize) <= events) (await http.PostAsync("/api/v1/events", load.Next().Content())).EnsureSuccessStatusCode();
        }));
        await CaughtUpAsync(http);
        Console.WriteLine($"written and followed on PostgreSQL: {events / Stopwatch.GetElapsedTime(started).TotalSeconds:N0} events/s");
    }

    static async Task<double> OursAsync(HindcastProcess server, HttpClient http)
    {
        var (generation, processor) = ((await StatusAsync(http)).GetProperty("generation").GetInt32(), server.ProcessorMicros());
        (await http.PostAsync("/api/v1/projections/traces/rebuild", null)).EnsureSuccessStatusCode();
        while (true)
        {
            var p = await StatusAsync(http);
            if (p.GetProperty("generation").GetInt32() > generation && p.GetProperty("last_rebuild") is { ValueKind: JsonValueKind.Object } done)
            {
                var (events, seconds) = (done.GetProperty("events").GetInt64(), done.GetProperty("seconds").GetDouble());
                Console.WriteLine($"ours: {events:N0} events in {seconds:N1} s = {events / seconds:N0} events/s; {(server.ProcessorMicros() - processor) / events:N1} µs of the server's processor an event");
                return events / seconds;
            }
            await Task.Delay(100);
        }
    }

    static async Task<double> BaselineAsync(string folder, string database)
    {
        const string Schema = "hindcast_traces_9999";
        await using var store = new PostgresReadStore(database, "bench");
        var projection = new TracesProjection(new FactReader([]));
        var generation = new Generation(projection.Name, 9999, projection.Version, Guid.NewGuid(), Serving: false);
        await using var source = NpgsqlDataSource.Create(database);
        await using (var make = await source.OpenConnectionAsync())
        {
            await using var db = store.Open(projection, 9999, forWork: true);
            await make.RunAsync($"DROP SCHEMA IF EXISTS {Schema} CASCADE", default);
            // In one piece: partitions are our own wish.
            foreach (var sql in TableScript.Of(db).Tables) await make.RunAsync(sql.Replace(" PARTITION BY LIST (day)", "", StringComparison.Ordinal), default);
        }
        await using var spanConnection = await source.OpenConnectionAsync();
        await using var factConnection = await source.OpenConnectionAsync();
        PostgresCopy<SpanRow> spans;
        PostgresCopy<FactRow> facts;
        await using (var db = store.Open(projection, 9999, forWork: true)) (spans, facts) = (new(Schema, RowMap<SpanRow>.Of(db)), new(Schema, RowMap<FactRow>.Of(db)));

        var (started, reader, events, at) = (Stopwatch.GetTimestamp(), new FactReader(Dialects()), 0L, 0L);
        using var log = new LogReader(Path.Combine(folder, "log.db"));
        var writing = Task.CompletedTask;
        while (log.Page(at, 4_000, 16 << 20) is { Records.Count: > 0 } page)
        {
            var (spanRows, factRows) = (new List<SpanRow>(page.Records.Count), new List<FactRow>(page.Records.Count));
            foreach (var record in page.Records)
            {
                at = record.Position.Value;
                if (Fact.TryOf(record, out _) is not { Header.TraceId: not null } fact) continue;
                var e = reader.Read(fact);
                factRows.Add(FactRow.Of(fact, e));
                spanRows.Add(RowOf(fact, e));
            }
            events += factRows.Count;
            await writing;
            // The next page is parsed while this one is written.
            writing = Task.WhenAll(Task.Run(() => spans.WriteAsync(spanConnection, spanRows, default)), Task.Run(() => facts.WriteAsync(factConnection, factRows, default)));
        }
        await writing;
        var loaded = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await store.FinishAsync(projection, 9999, default);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await store.DropAsync(generation, default);
        Console.WriteLine($"baseline: {events:N0} events in {seconds:N1} s ({loaded:N1} s without the indexes) = {events / seconds:N0} events/s");
        return events / seconds;
    }

    /// <summary>One row an event, with what the event itself says.</summary>
    static SpanRow RowOf(Fact fact, Domain.Traces.SpanEvent e) => new()
    {
        Project = fact.Header.Project, TraceId = e.TraceId, SpanId = $"{e.SpanId}-{e.EventId:n}", ParentSpanId = e.ParentSpanId, Step = e.Step, Kind = e.Kind ?? "",
        Name = e.Name ?? "", Provider = e.Provider, Model = e.Model, StartedAt = e.At.Micros(), EndedAt = e.At.Micros(), Duration = e.Latency?.Micros(),
        InputTokens = e.Usage?.Input, OutputTokens = e.Usage?.Output, TotalTokens = e.Usage?.Total, Environment = e.Environment, UserId = e.UserId, SessionId = e.SessionId,
        Input = (e as Domain.Traces.Opening)?.Input ?? (e as Domain.Traces.UserMessage)?.Input, Output = (e as Domain.Traces.Closing)?.Output, Merge = new byte[31],
    };

    static IEnumerable<IPayloadReader> Dialects() => typeof(Api.Positions).Assembly.GetTypes()
        .Where(t => t.IsAssignableTo(typeof(IPayloadReader)) && !t.IsAbstract).Select(t => (IPayloadReader)Activator.CreateInstance(t)!);

    static async Task<JsonElement> StatusAsync(HttpClient http) => JsonDocument.Parse(await http.GetStringAsync("/api/v1/projections")).RootElement
        .EnumerateArray().Single(p => p.GetProperty("name").GetString() == "traces");

    static async Task CaughtUpAsync(HttpClient http)
    {
        while ((await StatusAsync(http)).GetProperty("lag_events").GetInt64() != 0) await Task.Delay(100);
    }

    static async Task CompareAsync(string folder, string database)
    {
        var projection = new TracesProjection(new FactReader(Dialects()));
        await using var postgres = new PostgresReadStore(database, "bench");
        using var sqlite = new SqliteReadStore(Path.Combine(folder, "again"));
        await using var log = SqliteEventLog.Open(Path.Combine(folder, "log.db"), TimeProvider.System);
        var generation = new Generation(projection.Name, 1, projection.Version, log.Id, Serving: false);
        await sqlite.CreateAsync(projection, generation, default);
        var (follower, at) = (new Follower(projection, generation, sqlite, TimeProvider.System), LogPosition.Start);
        await foreach (var page in log.FollowAheadAsync(at, default))
        {
            if (page.Records.Count > 0) at = await follower.ApplyAsync(page, at, default);
            if (page.AtHead) break;
        }
        var serving = (await postgres.GenerationsAsync(default)).Single(g => g.Serving && g.Projection == projection.Name);
        await using var here = postgres.Open(projection, serving.Number, forWork: true);
        await using var there = sqlite.Open(projection, 1);
        var (flipped, again) = (await CanonicalDump.HashAsync(here, default), await CanonicalDump.HashAsync(there, default));
        Console.WriteLine($"generation {serving.Number}: {flipped.Rows:N0} rows, {(flipped == again ? "equal to" : "DIFFERENT from")} a build from zero ({flipped.Sha256[..16]})");
    }
}

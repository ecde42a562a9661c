using System.Collections.Concurrent;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Bench;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Integration.Engines;
using Npgsql;

namespace Hindcast.Integration.Projections;

/// <summary>
/// F22: two real servers on one database. The embedded log belongs to one process, so each has a copy of the same one: same id, same facts,
/// same positions, which is all a follower knows of a log.
/// </summary>
public sealed class NodesTests : IAsyncLifetime
{
    const int Traces = 400, EventsPerTrace = 60;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly string _root = Directory.CreateTempSubdirectory("hindcast-nodes-").FullName;
    // Nodes have vaults of their own, so what they share is in clear.
    readonly Dictionary<string, string> _settings = new() { ["Hindcast__Sealing"] = "false" };
    string _database = "", _expected = "";
    HindcastProcess _a = null!, _b = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServer.DatabaseAsync();
        _settings["ConnectionStrings__Postgres"] = _database;
        var folder = Path.Combine(_root, "a");
        Directory.CreateDirectory(folder);
        // Written by a server that leaves the read models alone.
        await using (var writer = await HindcastProcess.StartAsync(folder, new Dictionary<string, string>(_settings) { ["Hindcast__Projections__Paused"] = "true" }))
        {
            using var http = writer.Client();
            for (var trace = 0; trace < Traces; trace += 10)
            {
                var events = Enumerable.Range(0, 10 * EventsPerTrace).Select(i => new
                {
                    type = i % 3 == 0 ? "user_message" : "llm_response", trace_id = $"t{trace + (i % 10)}", span_id = $"s{i % 70}", provider = "openai", model = "gpt-4o-mini",
                    latency_ms = i, usage = new { input = i, output = 2 * i }, content = $"text {i}",
                });
                (await http.PostAsync("/api/v1/events", new StringContent(JsonSerializer.Serialize(events), null, "application/json"), Ct)).EnsureSuccessStatusCode();
            }
        }
        await using (var log = SqliteEventLog.Open(Path.Combine(folder, "log.db"), TimeProvider.System))
            _expected = await log.HashAsync(new TracesProjection(new FactReader(Dialects())));
        Directory.CreateDirectory(Path.Combine(_root, "b"));
        File.Copy(Path.Combine(folder, "log.db"), Path.Combine(_root, "b", "log.db"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { _a, _b })
            if (node is not null) await node.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task F22_a_frozen_owner_is_replaced_and_has_no_effect_when_it_wakes()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var checkpoints = WatchCheckpointAsync(stop.Token);
        _a = await HindcastProcess.StartAsync(Path.Combine(_root, "a"), _settings);
        _b = await HindcastProcess.StartAsync(Path.Combine(_root, "b"), _settings);
        using var b = _b.Client();
        await UntilAsync(async () => await CheckpointAsync() > 0);
        await _a.FreezeAsync();
        var frozenAt = await CheckpointAsync();
        frozenAt.Should().BeLessThan(Traces * EventsPerTrace, "it was frozen in the middle of its work");

        var frozen = System.Diagnostics.Stopwatch.StartNew();
        await UntilAsync(async () => await StatusAsync(b) is { } p && p.GetProperty("owner").GetString()!.EndsWith("/b", StringComparison.Ordinal));
        TestContext.Current.TestOutputHelper!.WriteLine($"frozen at {frozenAt}; taken over after {frozen.Elapsed.TotalSeconds:N1} s");
        frozen.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(30), "it takes about 8 s, on a machine with nothing else to do");
        await UntilAsync(async () => await StatusAsync(b) is { } p && p.GetProperty("state").GetString() == "live");

        await _a.ThawAsync();
        using var a = _a.Client();
        await UntilAsync(async () => await StatusAsync(a) is { } p && p.GetProperty("state").GetString() == "live" && p.GetProperty("owner").GetString()!.EndsWith("/b", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(3), Ct);
        await stop.CancelAsync();
        (await checkpoints).Should().BeInAscendingOrder().And.HaveCountGreaterThan(2);

        // The node that owns nothing answers all the same, and knows how far it is.
        using var read = new HttpRequestMessage(HttpMethod.Get, "/api/v1/traces?limit=1") { Headers = { { "X-Min-Position", $"{Traces * EventsPerTrace}" } } };
        (await a.SendAsync(read, Ct)).EnsureSuccessStatusCode();
        (await ServingHashAsync()).Should().Be(_expected);
    }

    [Fact]
    public async Task A_change_over_by_one_node_fails_no_read_on_another_and_a_killed_owner_is_replaced()
    {
        _a = await HindcastProcess.StartAsync(Path.Combine(_root, "a"), _settings);
        using var a = _a.Client();
        await UntilAsync(async () => await StatusAsync(a) is { } p && p.GetProperty("state").GetString() == "live");
        _b = await HindcastProcess.StartAsync(Path.Combine(_root, "b"), _settings);
        using var b = _b.Client();
        await UntilAsync(async () => await StatusAsync(b) is { } p && p.GetProperty("state").GetString() == "live");

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var failures = new ConcurrentBag<string>();
        var readers = new[] { a, b, b }.Select(async http =>
        {
            for (var trace = 0; !stop.IsCancellationRequested; trace = (trace + 1) % Traces)
            {
                using var answer = await http.GetAsync($"/api/v1/traces/t{trace}/tree", CancellationToken.None);
                var text = await answer.Content.ReadAsStringAsync(CancellationToken.None);
                var whole = answer.IsSuccessStatusCode && JsonDocument.Parse(text).RootElement.GetProperty("event_count").GetInt32() == EventsPerTrace;
                if (!whole) failures.Add($"{(int)answer.StatusCode} {text[..Math.Min(200, text.Length)]}");
            }
        }).ToList();

        // Asked of the node that does not own it; the old generation goes ten seconds after the change.
        (await b.PostAsync("/api/v1/projections/traces/rebuild", null, Ct)).EnsureSuccessStatusCode();
        await UntilAsync(async () => await StatusAsync(b) is { } p && p.GetProperty("generation").GetInt32() == 2);
        await UntilAsync(async () => await SchemasAsync() == 1);
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        failures.Should().BeEmpty();

        // A node that slept through a change-over finds what it knew gone, and looks again.
        await _b.FreezeAsync();
        (await a.PostAsync("/api/v1/projections/traces/rebuild", null, Ct)).EnsureSuccessStatusCode();
        await UntilAsync(async () => await StatusAsync(a) is { } p && p.GetProperty("generation").GetInt32() == 3);
        await UntilAsync(async () => await SchemasAsync() == 1);
        await _b.ThawAsync();
        (await b.GetAsync("/api/v1/traces/t1/tree", Ct)).EnsureSuccessStatusCode();

        await _a.KillAsync();
        await UntilAsync(async () => await StatusAsync(b) is { } p && p.GetProperty("owner").GetString()!.EndsWith("/b", StringComparison.Ordinal));
        (await ServingHashAsync()).Should().Be(_expected);
    }

    static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(90));
        while (!await holds()) await Task.Delay(20, patience.Token);
    }

    static async Task<JsonElement?> StatusAsync(HttpClient node)
    {
        using var answer = await node.GetAsync("/api/v1/projections", Ct);
        var p = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement.EnumerateArray().Single(p => p.GetProperty("name").GetString() == "traces");
        return p.GetProperty("owner").ValueKind == JsonValueKind.String ? p : null;
    }

    async Task<long> CheckpointAsync()
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(_database);
            await using var ask = source.CreateCommand("SELECT position FROM hindcast_traces_1.checkpoint");
            return (long)(await ask.ExecuteScalarAsync(Ct))!;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return -1;
        }
    }

    async Task<long> SchemasAsync()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var ask = source.CreateCommand("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'hindcast\\_traces\\_%'");
        return (long)(await ask.ExecuteScalarAsync(Ct))!;
    }

    async Task<List<long>> WatchCheckpointAsync(CancellationToken stop)
    {
        var seen = new List<long>();
        while (!stop.IsCancellationRequested)
        {
            seen.Add(await CheckpointAsync());
            await Task.Delay(10, CancellationToken.None);
        }
        return seen;
    }

    async Task<string> ServingHashAsync()
    {
        await using var store = new PostgresReadStore(_database);
        var serving = (await store.GenerationsAsync(Ct)).Should().ContainSingle(g => g.Serving && g.Projection == "traces").Which;
        return await Logs.HashAsync(store, new TracesProjection(new FactReader([])), serving.Number);
    }

    /// <summary>The payload readers that the server has.</summary>
    static IEnumerable<IPayloadReader> Dialects() =>
        typeof(Positions).Assembly.GetTypes().Where(t => t.IsAssignableTo(typeof(IPayloadReader)) && !t.IsAbstract).Select(t => (IPayloadReader)Activator.CreateInstance(t)!);
}

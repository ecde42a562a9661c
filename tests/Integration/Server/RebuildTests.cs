using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Bench;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Infrastructure.ReadModels.Sqlite;
using Hindcast.Integration.Engines;
using Npgsql;

namespace Hindcast.Integration.Server;

/// <summary>The log is all there is to lose: read models that were deleted come back row for row, on either engine, and equal on both.</summary>
public abstract class RebuildTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A server on an engine; <see cref="Store"/> opens its read models while it is stopped.</summary>
    protected abstract class Subject : LiveServer
    {
        public abstract IReadStore Store();

        public abstract Task DeleteReadModelsAsync();
    }

    protected sealed class OnSqlite : Subject
    {
        public override IReadStore Store() => new SqliteReadStore(Path.Combine(Folder, "read"));

        public override Task DeleteReadModelsAsync()
        {
            Directory.Delete(Path.Combine(Folder, "read"), recursive: true);
            return Task.CompletedTask;
        }
    }

    protected sealed class OnPostgres : Subject
    {
        string _database = "";

        public override IReadStore Store() => new PostgresReadStore(_database);

        protected override async Task<Dictionary<string, string>> SettingsAsync() =>
            new() { ["ConnectionStrings__Postgres"] = _database = await PostgresServer.DatabaseAsync() };

        public override async Task DeleteReadModelsAsync()
        {
            await using var source = NpgsqlDataSource.Create(_database);
            await using var drop = source.CreateCommand("""
                DO $$ DECLARE s text; BEGIN
                    FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hindcast%' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP;
                END $$
                """);
            await drop.ExecuteNonQueryAsync(Ct);
        }
    }

    protected abstract Subject Make();

    [Fact]
    public async Task What_is_built_again_is_what_was_there()
    {
        await using var server = Make();
        await server.InitializeAsync();
        await MixedTraffic.SendAsync(server);
        var before = await DumpOfStoppedAsync(server);

        await server.DeleteReadModelsAsync();
        await server.StartAgainAsync();
        var after = await DumpOfStoppedAsync(server);

        before.Rows.Should().BeGreaterThan(400);
        after.Should().Be(before);
    }

    static readonly string[] s_moves = ["log.db*", "vault.db*", "kek"];

    [Fact]
    public async Task Another_engine_makes_the_same_of_the_same_log()
    {
        await using var server = Make();
        await using Subject other = server is OnSqlite ? new OnPostgres() : new OnSqlite();
        await server.InitializeAsync();
        await MixedTraffic.SendAsync(server);
        var here = await DumpOfStoppedAsync(server);

        await other.InitializeAsync();
        await other.Process.KillAsync();
        // The log moves, and the vault that opens it; what the other server has for read models was built from another log, and it notices.
        foreach (var file in s_moves.SelectMany(name => Directory.GetFiles(other.Folder, name))) File.Delete(file);
        foreach (var file in s_moves.SelectMany(name => Directory.GetFiles(server.Folder, name))) File.Copy(file, Path.Combine(other.Folder, Path.GetFileName(file)));
        await other.StartAgainAsync();
        (await DumpOfStoppedAsync(other, expecting: server.Written)).Should().Be(here);
    }

    [Fact]
    public async Task A_rebuild_under_load_survives_a_kill_at_any_moment_and_ends_in_the_same_rows()
    {
        const int Kills = 4, Traces = 6_000;
        await using var server = Make();
        await server.InitializeAsync();
        for (var n = 0; n < Traces; n += 100) await WriteAsync(n, 100);

        var random = new Random(7);
        (await server.PostAsync("/api/v1/projections/traces/rebuild", "")).Status.Should().Be(202);
        var (killed, written) = (0, Traces);
        while (killed < Kills)
        {
            await WriteAsync(written, 50);
            written += 50;
            await Task.Delay(random.Next(0, 250), Ct);
            if (!await IsRebuildingAsync())
            {
                // It was too quick for this one: another.
                await server.PostAsync("/api/v1/projections/traces/rebuild", "");
                continue;
            }
            await server.Process.KillAsync();
            killed++;
            await server.StartAgainAsync();
            // Old or new, never half: what was acknowledged before is there now.
            (await server.JsonAsync($"/api/v1/traces/killed-{random.Next(written)}/tree")).Spans().Should().HaveCount(1);
        }
        while (await IsRebuildingAsync()) await Task.Delay(50, Ct);
        var after = await DumpOfStoppedAsync(server);

        await server.DeleteReadModelsAsync();
        await server.StartAgainAsync();
        (await DumpOfStoppedAsync(server)).Should().Be(after);

        async Task WriteAsync(int from, int count)
        {
            var events = Enumerable.Range(from, count).Select(i =>
                $$"""{"type":"llm_response","trace_id":"killed-{{i}}","span_id":"s","content":"answer {{i}}","usage":{"output":7,"input":{{i}} } }""");
            (await server.PostAsync("/api/v1/events", $"[{string.Join(',', events)}]")).Status.Should().Be(202);
        }

        async Task<bool> IsRebuildingAsync() => (await server.JsonAsync("/api/v1/projections")).EnumerateArray().Any(p => p.Text("state") == "rebuilding");
    }

    static async Task<(string Sha256, long Rows)> DumpOfStoppedAsync(Subject server, string? expecting = null)
    {
        (await server.GetAsync("/api/v1/traces?limit=1", HindcastProcess.Key, ("X-Min-Position", (expecting ?? server.Written)!))).Status.Should().Be(200);
        (await server.JsonAsync("/api/v1/projections"))[0].GetProperty("parked").GetInt32().Should().Be(0);
        await server.Process.KillAsync();

        var store = server.Store();
        var projection = new TracesProjection(new FactReader([]));
        try
        {
            var serving = (await store.GenerationsAsync(Ct)).Should().ContainSingle(g => g.Serving && g.Projection == "traces").Which;
            await using var db = store.Open(projection, serving.Number);
            return await CanonicalDump.HashAsync(db, Ct);
        }
        finally
        {
            if (store is IAsyncDisposable async) await async.DisposeAsync();
            else ((IDisposable)store).Dispose();
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        }
    }
}

public sealed class SqliteRebuildTests : RebuildTests
{
    protected override Subject Make() => new OnSqlite();
}

public sealed class PostgresRebuildTests : RebuildTests
{
    protected override Subject Make() => new OnPostgres();
}

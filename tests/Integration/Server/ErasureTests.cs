using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Api.CommandLine;
using Hindcast.Application.Erasure;
using Hindcast.Bench;
using Hindcast.Infrastructure.Secrets;
using Hindcast.Integration.Engines;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Hindcast.Integration.Server;

public sealed class ErasureOnSqlite(SealedServer server) : ErasureTests(server), IClassFixture<SealedServer>;

public sealed class ErasureOnPostgres(SealedOnPostgres server) : ErasureTests(server), IClassFixture<SealedOnPostgres>;

/// <summary>As it comes: nobody has to ask for contents to be sealed.</summary>
public class SealedServer : LiveServer
{
    /// <summary>Whether what the engine knows of its tables' values holds a text.</summary>
    public virtual bool SampledWith(string text) => false;
}

public sealed class SealedOnPostgres : SealedServer
{
    string _database = "";

    protected override async Task<Dictionary<string, string>> SettingsAsync() =>
        new(await base.SettingsAsync()) { ["ConnectionStrings__Postgres"] = _database = await PostgresServer.DatabaseAsync() };

    public override bool SampledWith(string text)
    {
        using var source = NpgsqlDataSource.Create(_database);
        using var ask = source.CreateCommand("SELECT EXISTS (SELECT FROM pg_stats WHERE concat(most_common_vals, histogram_bounds) LIKE '%' || $1 || '%')");
        ask.Parameters.Add(new() { Value = text });
        return (bool)ask.ExecuteScalar()!;
    }

    /// <summary>The files of the database; those of the write-ahead log are everybody's, and not ours to rewrite.</summary>
    protected override IEnumerable<string> Folders
    {
        get
        {
            using var source = NpgsqlDataSource.Create(_database);
            using (var checkpoint = source.CreateCommand("CHECKPOINT")) checkpoint.ExecuteNonQuery();
            using var where = source.CreateCommand("SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()");
            return [Folder, (string)where.ExecuteScalar()!];
        }
    }
}

/// <summary>P16: what is erased is gone, and nothing else is.</summary>
public abstract class ErasureTests(SealedServer server)
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A text that stands nowhere else.</summary>
    static string Word(string who) => $"quokka{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(who)))[..12]}";

    /// <summary>A conversation: the user names itself once, and the rest goes without.</summary>
    static string Conversation(string user, string trace) => JsonSerializer.Serialize(new object[]
    {
        new { type = "user_message", trace_id = trace, user_id = user, span_id = "ask", content = $"I am {Word(user)}" },
        new { type = "llm_response", trace_id = trace, span_id = "answer", model = "gpt-4o-mini", provider = "openai", latency_ms = 120, usage = new { input = 10, output = 5 }, content = $"Hello {Word(user)}" },
        new { type = "error", trace_id = trace, span_id = "failed", name = Word(user), content = new { message = $"no {Word(user)} here" } },
        new { type = "score", trace_id = trace, span_id = "answer", name = "thumbs", content = new { value = 1, comment = Word(user) } },
    });

    [Fact]
    public async Task A_user_of_many_is_erased_under_load_and_nobody_else_is()
    {
        const int Users = 200;
        for (var first = 0; first < Users; first += 20)
            await Task.WhenAll(Enumerable.Range(first, 20).Select(async i => (await server.PostAsync("/api/v1/events", Conversation($"user-{i}", $"trace-{i}"))).Status.Should().Be(202)));
        // A trace of somebody else's in which this one has a part.
        (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(new object[]
        {
            new { type = "user_message", trace_id = "trace-8", user_id = "user-7", span_id = "guest", content = $"also {Word("user-7")}" },
        }))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/trace-8/tree");
        server.FilesWith(Word("user-7")).Select(Path.GetFileName).Should().NotContain(name => name!.StartsWith("log", StringComparison.Ordinal), "the log holds ciphertext from the first").And.NotBeEmpty();
        var before = await RowsAsync(but: "trace-7");
        (await ShownAsync(Word("user-7"))).Should().NotBeEmpty("it is there before");

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var load = LoadAsync(stop.Token);
        var answer = await server.SendAsync(HttpMethod.Delete, "/api/v1/users/user-7", null, HindcastProcess.Key);
        answer.Status.Should().Be(200, answer.Text);
        answer.Json.GetProperty("traces").GetInt32().Should().Be(1);
        answer.Json.GetProperty("shared_traces").GetInt32().Should().Be(1);
        answer.Json.GetProperty("clear_facts").GetInt32().Should().Be(0);
        answer.Json.GetProperty("forgotten").GetBoolean().Should().BeTrue();
        (await ShownAsync(Word("user-7"))).Should().BeEmpty("no door shows it");
        (await ShownAsync("user-7\"")).Should().BeEmpty("nor who it was");
        await stop.CancelAsync();
        await load;

        var tree = await server.JsonAsync("/api/v1/traces/trace-7/tree");
        tree.GetProperty("totals").GetProperty("tokens").GetProperty("total").GetInt32().Should().Be(15, "figures stay");
        (await server.JsonAsync("/api/v1/traces/trace-8/tree")).GetRawText().Should().Contain(Word("user-8"));
        (await RowsAsync(but: "trace-7")).Should().Equal(before);

        // Neither a late word nor a repetition brings it back; the user may come back as somebody new.
        (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(new object[] { new { type = "user_message", trace_id = "trace-7", content = Word("late") } }))).Status.Should().Be(400);
        (await server.PostAsync("/api/v1/events", Conversation("user-7", "trace-new"))).Status.Should().Be(202);
        (await server.JsonAsync("/api/v1/traces/trace-new/tree")).GetRawText().Should().Contain(Word("user-7"));
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/trace-new", null, HindcastProcess.Key)).Status.Should().Be(200);

        (await server.PostAsync("/api/v1/scrub", "{}")).Status.Should().Be(200);
        server.FilesWith(Word("user-7")).Should().BeEmpty("no file holds it");
        server.FilesWith(Word("user-8")).Should().NotBeEmpty("this test can find what is there");
        // Files are rewritten, and words still lead to the texts they stand in.
        foreach (var i in (int[])[0, 8, 50, 111, 199])
        {
            (await SearchAsync(Word($"user-{i}"))).EnumerateArray().Select(s => s.Text("trace_id")).Should().NotBeEmpty().And.OnlyContain(id => id == $"trace-{i}");
        }
    }

    [Fact]
    public async Task A_rebuild_after_an_erasure_gives_the_same_rows()
    {
        (await server.PostAsync("/api/v1/events", Conversation("ida", "of-ida"))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/of-ida/tree");
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/of-ida", null, HindcastProcess.Key)).Status.Should().Be(200);
        await RebuildAsync();
        (await server.JsonAsync("/api/v1/projections")).EnumerateArray().Should().OnlyContain(p => p.GetProperty("parked").GetInt64() == 0);
    }

    [Fact]
    public async Task Only_what_is_there_and_ones_own_can_be_erased()
    {
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/users/nobody", null, HindcastProcess.Key)).Status.Should().Be(404);
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/nothing", null, HindcastProcess.Key)).Status.Should().Be(404);
        (await server.PostAsync("/api/v1/events", Conversation("eve", "of-eve"))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/of-eve/tree");
        var rival = (await server.PostAsync("/api/v1/keys", """{"project_id":"rival","name":"r","scopes":["admin"]}""")).Json.Text("key")!;
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/users/eve", null, rival)).Status.Should().Be(404);
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/of-eve?project_id=default", null, rival)).Status.Should().Be(404);
        (await server.JsonAsync("/api/v1/traces/of-eve/tree")).GetRawText().Should().Contain(Word("eve"));
    }

    [Fact]
    public async Task A_death_between_the_keys_and_the_tombstones_is_no_half_erasure()
    {
        (await server.PostAsync("/api/v1/events", Conversation("mortal", "of-mortal"))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/of-mortal/tree");
        await server.Process.KillAsync();
        // As far as the server would have come: the vault has committed, and the log knows nothing of it.
        var vault = Path.Combine(server.Folder, "vault.db");
        using (var store = GatewayStore.Open(vault))
        using (var keys = SubjectKeys.Open(vault, MasterKey.Of(store, KeySeal.Open(server.Folder, null))))
        {
            keys.Destroy(new(Guid.CreateVersion7(), "default", "k", null, ["of-mortal"], []), [(KeyOwner.Trace("of-mortal"), keys.RootsOf("default"))]);
            keys.Begun().Should().ContainSingle();
        }

        for (var start = 0; start < 2; start++)
        {
            await server.StartAgainAsync();
            var timeline = await UntilAsync(async () => await server.JsonAsync("/api/v1/traces/of-mortal/timeline"), t => t.GetProperty("items").GetArrayLength() > 4);
            timeline.GetProperty("items").EnumerateArray().Select(i => i.Text("type")).Should().Equal("user_message", "llm_response", "error", "score", "trace_erased");
            timeline.GetRawText().Should().NotContain(Word("mortal"));
            await UntilAsync(async () => await server.JsonAsync("/api/v1/traces/of-mortal/tree"), t => !t.GetRawText().Contains(Word("mortal"), StringComparison.Ordinal));
            (await server.PostAsync("/api/v1/events", Conversation("mortal", "of-mortal"))).Status.Should().Be(400, "it is erased");
            await server.Process.KillAsync();
        }
        using (var store = GatewayStore.Open(vault))
        using (var keys = SubjectKeys.Open(vault, MasterKey.Of(store, KeySeal.Open(server.Folder, null))))
            keys.Begun().Should().BeEmpty("it is done, once");
        await server.StartAgainAsync();
    }

    [Fact]
    public async Task The_command_leaves_no_byte_in_any_file_exports_forget_and_the_chain_holds()
    {
        for (var i = 0; i < 5; i++) (await server.PostAsync("/api/v1/events", Conversation("paula", $"of-paula-{i}"))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/of-paula-4/tree");
        // What is built anew has its statistics taken, and those keep samples of what they saw.
        await RebuildAsync();
        server.SampledWith(Word("paula")).Should().Be(server is SealedOnPostgres);
        var export = await server.PostAsync("/api/v1/export/traces", """{"format":"csv"}""");
        export.Status.Should().Be(202, export.Text);
        await UntilAsync(async () => (await server.GetAsync(export.Json.Text("status_url")!)).Json, job => job.Text("status") is "completed");
        server.FilesWith(Word("paula")).Should().NotBeEmpty("the rows hold it, and the export");
        var download = (await server.GetAsync(export.Json.Text("status_url")!)).Json.Text("download_url")!;
        (await server.GetAsync(download)).Text.Should().Contain(Word("paula"));

        (await server.SendAsync(HttpMethod.Delete, "/api/v1/users/paula", null, HindcastProcess.Key)).Status.Should().Be(200);
        (await server.GetAsync(download)).Text.Should().NotContain(Word("paula"));
        (await RunAsync("erase", "--scrub", "--url", server.Process.Address.ToString(), "--key", HindcastProcess.Key)).Should().Be(0);
        server.FilesWith(Word("paula")).Should().BeEmpty("with the server running");
        server.SampledWith(Word("paula")).Should().BeFalse("statistics forget too, where they are packed so that no file shows it");

        (await server.PostAsync("/api/v1/events", Conversation("peter", "of-peter"))).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/of-peter/tree");
        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/of-peter", null, HindcastProcess.Key)).Status.Should().Be(200);
        await server.Process.KillAsync();
        (await RunAsync("erase", "--scrub", "--data-directory", server.Folder)).Should().Be(0);
        (await RunAsync("log", "verify", "--data-directory", server.Folder)).Should().Be(0);
        server.FilesWith(Word("peter")).Should().BeEmpty("with the server stopped");
        await server.StartAgainAsync();
    }

    async Task RebuildAsync()
    {
        foreach (var projection in new[] { "traces", "texts" })
        {
            var before = (await StatusAsync(projection)).GetProperty("generation").GetInt32();
            (await server.PostAsync($"/api/v1/projections/{projection}/rebuild", "{}")).Status.Should().Be(202);
            JsonElement last;
            do
            {
                await Task.Delay(100, Ct);
                last = await StatusAsync(projection);
            }
            while (!(last.TryGetProperty("last_rebuild", out last) && last.ValueKind == JsonValueKind.Object && last.GetProperty("generation").GetInt32() > before && last.TryGetProperty("equal", out _)));
            last.GetProperty("equal").GetBoolean().Should().BeTrue(last.GetRawText());
        }
    }

    async Task<JsonElement> StatusAsync(string projection) => (await server.JsonAsync("/api/v1/projections")).EnumerateArray().Single(p => p.Text("name") == projection);

    async Task<int> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        var settings = server.Settings.ToDictionary(s => s.Key.Replace("__", ":", StringComparison.Ordinal), s => (string?)s.Value);
        return await CommandLine.RunAsync(
            args, Hosting.Build, (services, configuration) => Hosting.AddHindcast(services, new ConfigurationBuilder().AddConfiguration(configuration).AddInMemoryCollection(settings).Build()), new(output, output, forPeople: false));
    }

    static async Task<T> UntilAsync<T>(Func<Task<T>> ask, Predicate<T> done)
    {
        for (var attempt = 0; ; attempt++)
        {
            var answer = await ask();
            if (done(answer)) return answer;
            attempt.Should().BeLessThan(400, $"{answer}");
            await Task.Delay(25, Ct);
        }
    }

    /// <summary>Everybody writes and reads meanwhile; reading fills the caches.</summary>
    async Task LoadAsync(CancellationToken ct)
    {
        for (var i = 0; !ct.IsCancellationRequested; i++)
        {
            await server.PostAsync("/api/v1/events", Conversation($"busy-{i}", $"busy-{i}"));
            await server.GetAsync("/api/v1/traces?limit=100");
            await server.GetAsync("/api/v1/runs?user_id=user-7");
        }
    }

    /// <summary>The doors that show a text.</summary>
    async Task<List<string>> ShownAsync(string text)
    {
        string[] doors =
        [
            "/api/v1/traces?limit=1000", "/api/v1/runs?limit=1000", "/api/v1/traces?user_id=user-7", "/api/v1/runs?user_id=user-7", "/api/v1/traces/trace-7", "/api/v1/traces/trace-7/tree", "/api/v1/traces/trace-7/timeline",
            "/api/v1/traces/trace-7/state?as_of_revision=3", "/api/v1/traces/trace-8/tree", "/api/v1/traces/trace-8/timeline", "/api/v1/traces/trace-8/state?as_of_revision=9", "/api/v1/failures/groups",
            "/traces?limit=1000", "/traces/trace-7", "/failures", "/analytics", "/api/events?limit=100&traceId=trace-7", "/api/threads/trace-7", "/api/threads?limit=100", "/api/threads/trace-7/graph", "/api/visualize/trace-7/mermaid",
        ];
        var shown = new List<string>();
        foreach (var door in doors)
            if ((await server.ReadAsync(door)).Text.Contains(text, StringComparison.Ordinal)) shown.Add(door);
        var found = await SearchAsync(text);
        if (found.GetArrayLength() > 0) shown.Add($"search: {found}");
        return shown;
    }

    async Task<JsonElement> SearchAsync(string word)
    {
        // A page that shows all that was written, texts too.
        await server.JsonAsync("/api/v1/traces?limit=1&search=nothing");
        var answer = await server.PostAsync("/api/v1/traces/search", JsonSerializer.Serialize(new { filter = new { field = "input_text", @operator = "search", value = word } }));
        answer.Status.Should().Be(200, answer.Text);
        return answer.Json.GetProperty("data");
    }

    /// <summary>All spans but a trace's, and but those of the load.</summary>
    async Task<List<string>> RowsAsync(string but)
    {
        var rows = new List<string>();
        for (var i = 0; i < 200; i++)
            if ($"trace-{i}" != but && i != 8) rows.Add((await server.JsonAsync($"/api/v1/traces/trace-{i}/tree")).GetRawText());
        return rows;
    }
}

using System.Globalization;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Both ledgers of every source, the doors' and the log's, on the real server: what was sent is somewhere in them, whatever became of it.</summary>
public abstract class CompletenessTests<TServer> where TServer : LiveServer, new()
{
    protected const string Native = "/api/v1/events";

    static async Task<TServer> StartAsync()
    {
        var server = new TServer();
        await server.InitializeAsync();
        return server;
    }

    /// <summary>The figures of a dialect's only source, in one line: what is 0 is left out.</summary>
    protected static string Of(JsonElement completeness, string? dialect)
    {
        var source = completeness.GetProperty("sources").EnumerateArray().Single(s => (s.TryGetProperty("dialect", out var d) ? d.GetString() : null) == dialect);
        return string.Join(", ", source.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.Number && m.Value.GetInt64() != 0).Select(m => $"{m.Name} {m.Value}"));
    }

    [Fact]
    public async Task Whatever_is_sent_is_counted_at_every_door()
    {
        await using var server = await StartAsync();
        const string Batch = """[{"type":"user_message","trace_id":"t","event_id":"1"},{"type":"nonsense","trace_id":"t"},{"type":"user_message","trace_id":"t","event_id":"2"}]""";
        for (var time = 0; time < 2; time++) (await server.PostAsync(Native, Batch)).Status.Should().Be(400);
        // The second time the answer comes from memory, and nothing goes to the log.
        for (var time = 0; time < 2; time++)
            (await server.PostAsync(Native, """[{"type":"user_message","trace_id":"t"},7]""", headers: ("Idempotency-Key", "k"))).Status.Should().Be(400);
        (await server.PostAsync(Native, "{")).Status.Should().Be(400);
        (await server.PostAsync("/api/v1/traces/t/scores", """{"name":"n"}""")).Status.Should().Be(400);

        const string Event = """{"eventType":"user_message","traceId":"w","agentName":"a","timestamp":"2026-11-01T00:00:00Z","content":[{"role":"user","content":"c"}]}""";
        (await server.PostAsync("/api/events", $"[{Event},{{}}]")).Status.Should().Be(400);
        for (var time = 0; time < 2; time++)
            (await server.PostAsync("/api/ingestion/publish_llm_events", """[{"user_id":"u","prompt":"p","generation":"g","timestamp":"2026-11-01T00:00:00Z"},{}]""")).Status.Should().Be(422);
        (await server.PostAsync("/api/ingestion/publish_events", "{}")).Status.Should().Be(422);
        (await server.PostAsync("/traces", """[{"trace_id":"l","user_query":"q","steps":[]},7]""")).Status.Should().Be(422);
        const string Span = """{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","name":"n","startTimeUnixNano":"1","endTimeUnixNano":"2"}""";
        var export = $$"""{"resourceSpans":[{"scopeSpans":[{"spans":[{{Span}},{"traceId":"00","spanId":"00"}]}]}]}""";
        for (var time = 0; time < 2; time++) (await server.PostAsync("/v1/traces", export)).Status.Should().Be(200);
        (await server.PostAsync("/v1/logs", """{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}""")).Status.Should().Be(200);

        var all = await server.JsonAsync("/api/v1/completeness");
        all.GetProperty("lag_events").GetInt64().Should().Be(0);
        all.GetProperty("gaps").GetArrayLength().Should().Be(0);
        Of(all, "native").Should().Be("received 11, acknowledged 3, stored 3, duplicate 3, refused 5, refused_requests 1, projected 3");
        Of(all, "whyops").Should().Be("received 2, acknowledged 1, stored 1, refused 1, projected 1");
        Of(all, "trubrics").Should().Be("received 6, acknowledged 2, stored 2, duplicate 2, refused 2, refused_requests 1, projected 2");
        Of(all, "otlp").Should().Be("received 5, acknowledged 1, stored 1, duplicate 1, refused 2, dropped 1, projected 1");
        var saved = (await server.JsonAsync("/api/v1/traces/l/timeline")).GetProperty("items").GetArrayLength();
        Of(all, "tracellm").Should().Be($"received {saved + 1}, acknowledged {saved}, stored {saved}, refused 1, projected {saved}");
    }

    [Fact]
    public async Task A_project_sees_its_own_and_a_time_what_came_in_it()
    {
        await using var server = await StartAsync();
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"elsewhere","name":"k","scopes":["read","ingest"]}""")).Json;
        foreach (var by in (string[])[HindcastProcess.Key, key.Text("key")!]) (await server.PostAsync(Native, """{"type":"user_message","trace_id":"t"}""", by)).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces/t/tree");

        var theirs = (await server.GetAsync("/api/v1/completeness", key.Text("key"), ("X-Min-Position", server.Written!))).Json.GetProperty("sources").EnumerateArray().Should().ContainSingle().Subject;
        (theirs.Text("project_id"), theirs.Text("dialect"), theirs.Text("key_id"), theirs.GetProperty("stored").GetInt64()).Should().Be(("elsewhere", "native", key.Text("id"), 1));
        (await server.JsonAsync("/api/v1/completeness?to=2026-01-01")).GetProperty("sources").GetArrayLength().Should().Be(0, "nothing had come by then");
        foreach (var bad in (string[])["from=x", "to=2026-13-01", "from=2026-01-02&to=2026-01-01", "from=2026-01-01&to=2026-01-01", "to=9999-12-31T23:59:59Z", "from=0001-01-01"])
            (await server.GetAsync($"/api/v1/completeness?{bad}")).Status.Should().Be(400, bad);
    }

    [Fact]
    public async Task Counts_outlive_a_restart_and_a_killed_process_says_what_it_could_not_count()
    {
        await using var server = await StartAsync();
        const int Sent = 20;
        await WriteAsync("before");
        await server.Process.StopAsync();
        await server.StartAgainAsync();
        var kept = await server.JsonAsync("/api/v1/completeness");
        Of(kept, "native").Should().Be("received 20, acknowledged 20, stored 20, projected 20");
        kept.GetProperty("gaps").GetArrayLength().Should().Be(0, "it ended in order");

        await WriteAsync("after");
        await server.Process.KillAsync();
        await server.StartAgainAsync();
        var cut = await server.JsonAsync("/api/v1/completeness");
        var source = cut.GetProperty("sources").EnumerateArray().Should().ContainSingle().Subject;
        var (acknowledged, stored, uncounted) = (source.GetProperty("acknowledged").GetInt64(), source.GetProperty("stored").GetInt64(), source.GetProperty("uncounted").GetInt64());
        stored.Should().Be(2 * Sent, "what was acknowledged is durable");
        acknowledged.Should().BeInRange(Sent, stored);
        (uncounted, source.GetProperty("missing").GetInt64()).Should().Be((stored - acknowledged, 0));
        var gap = cut.GetProperty("gaps").EnumerateArray().Should().ContainSingle("whoever was killed may have counted more").Subject;
        TimeOf(gap, "from").Should().BeBefore(TimeOf(gap, "to")).And.BeAfter(TimeOf(cut, "counted_from"));
        TimeOf(cut, "counted_until").Should().BeAfter(TimeOf(gap, "to"));

        async Task WriteAsync(string trace)
        {
            var batch = string.Join(',', Enumerable.Range(0, Sent).Select(i => $$"""{"type":"user_message","trace_id":"{{trace}}-{{i}}"}"""));
            (await server.PostAsync(Native, $"[{batch}]")).Status.Should().Be(202);
        }
    }

    static DateTimeOffset TimeOf(JsonElement of, string name) => DateTimeOffset.Parse(of.Text(name)!, CultureInfo.InvariantCulture);
}

public sealed class CompletenessOnSqliteTests : CompletenessTests<LiveServer>
{
    /// <summary>What a paused projection has not read is counted from the log itself.</summary>
    [Fact]
    public async Task What_is_not_projected_yet_is_pending()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-e2e-").FullName;
        await using (var server = await HindcastProcess.StartAsync(folder))
        {
            await server.UntilReadyAsync();
            await WriteAsync(server);
            using (var http = server.Client())
                while (!(await http.GetStringAsync(new Uri("/api/v1/completeness", UriKind.Relative), Ct)).Contains("\"projected\":1", StringComparison.Ordinal)) await Task.Delay(20, Ct);
            await server.StopAsync();
        }
        await using (var paused = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Projections__Paused"] = "true" }))
        {
            await WriteAsync(paused);
            await WriteAsync(paused);
            using var http = paused.Client();
            var said = JsonDocument.Parse(await http.GetStringAsync(new Uri("/api/v1/completeness", UriKind.Relative), Ct)).RootElement;
            Of(said, "native").Should().Be("received 3, acknowledged 3, stored 3, projected 1, pending 2");
        }
        Directory.Delete(folder, recursive: true);

        static async Task WriteAsync(HindcastProcess server)
        {
            using var http = server.Client();
            using var body = new StringContent("""{"type":"user_message","trace_id":"t"}""", System.Text.Encoding.UTF8, "application/json");
            (await http.PostAsync(new Uri(Native, UriKind.Relative), body, Ct)).EnsureSuccessStatusCode();
        }
    }

    /// <summary>What cannot be applied is parked, under its source where a header tells it, else under none.</summary>
    [Fact]
    public async Task What_cannot_be_projected_is_parked()
    {
        await using var server = new ParkedTests.Spoilt();
        await ((IAsyncLifetime)server).InitializeAsync();
        while ((await server.GetAsync("/api/v1/projections")).Json[0].GetProperty("parked").GetInt32() < 4) await Task.Delay(20, Ct);
        var all = await server.JsonAsync("/api/v1/completeness");
        Of(all, "native").Should().Contain("stored 6, projected 4, parked 2", "how much the killed process had counted is another matter");
        Of(all, null).Should().Be("stored 2, parked 2, uncounted 2");
    }

    static CancellationToken Ct => TestContext.Current.CancellationToken;
}

public sealed class CompletenessOnPostgresTests : CompletenessTests<PostgresServerProcess>;

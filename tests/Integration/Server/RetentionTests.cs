using System.Text.Json;
using Hindcast.Application.Erasure;
using Hindcast.Application.Retention;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

public sealed class RetentionOnSqlite(AgingHost host) : RetentionTests(host), IClassFixture<AgingHost>;

public sealed class RetentionInClear(ClearAging host) : RetentionTests(host), IClassFixture<ClearAging>;

public sealed class RetentionOnPostgres(PostgresAging host) : RetentionTests(host), IClassFixture<PostgresAging>;

/// <summary>What is older than its project keeps it is gone from every door, also after a rebuild; what is younger, or another's, stays.</summary>
public abstract class RetentionTests(AgingHost host)
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<string> KeyAsync(string project) =>
        (await host.SendAsync(HttpMethod.Post, "/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest", "read", "admin"] }))).Json.Text("key")!;

    async Task<Answer> WriteAsync(string key, params string[] traces) => await host.SendAsync(HttpMethod.Post, "/api/v1/events", JsonSerializer.Serialize(traces.SelectMany(t => new object[]
    {
        new { type = "user_message", trace_id = t, user_id = $"user-of-{t}", span_id = "ask", content = $"Word{t}" },
        new { type = "llm_response", trace_id = t, span_id = "answer", model = "gpt-4o-mini", provider = "openai", latency_ms = 20, usage = new { input = 10, output = 5 }, content = $"Word{t}" },
        new { type = "error", trace_id = t, span_id = "failed", content = new { message = $"Word{t}" } },
        new { type = "score", trace_id = t, name = "word", content = new { value = $"Word{t}" } },
        new { type = "score", trace_id = t, span_id = "answer", name = "length", content = new { value = t.Length } },
    })), key);

    Task<Answer> SetAsync(string key, string body, string query = "") => host.SendAsync(HttpMethod.Put, $"/api/v1/retention{query}", body, key);

    async Task<JsonElement> SweptAsync(string key)
    {
        await host.Services.GetRequiredService<RetentionSweep>().SweepAsync(Ct);
        return (await host.SendAsync(HttpMethod.Get, "/api/v1/retention", null, key)).Json;
    }

    /// <summary>The doors that show anything of a trace, by its name or its words.</summary>
    async Task<List<string>> ShownAsync(string key, string trace)
    {
        string[] doors =
        [
            "/api/v1/traces?limit=1000", "/api/v1/runs?limit=1000", $"/api/v1/runs?user_id=user-of-{trace}", "/api/v1/users", $"/api/v1/traces/{trace}", $"/api/v1/traces/{trace}/tree", $"/api/v1/traces/{trace}/timeline",
            $"/api/v1/traces/{trace}/timeline?after_revision=0", $"/api/v1/traces/{trace}/state?as_of_revision=2", $"/api/v1/traces/{trace}/diff?from_revision=0", "/api/v1/failures/groups", "/traces?limit=1000", $"/traces/{trace}", "/failures",
            "/api/events?limit=100", $"/api/events?limit=100&traceId={trace}", $"/api/threads/{trace}", "/api/threads?limit=100", $"/api/threads/{trace}/graph", $"/api/visualize/{trace}/mermaid",
        ];
        var shown = new List<string>();
        foreach (var door in doors)
        {
            var answer = await host.SendAsync(HttpMethod.Get, door, null, key);
            if (answer.Status == 200 && (answer.Text.Contains($"Word{trace}", StringComparison.Ordinal) || answer.Text.Contains($"\"{trace}\"", StringComparison.Ordinal))) shown.Add(door);
        }
        foreach (var (field, @operator) in new[] { ("input_text", "search"), ("score.word", "eq") })
        {
            var found = await host.SendAsync(HttpMethod.Post, "/api/v1/traces/search", JsonSerializer.Serialize(new { filter = new { field, @operator, value = $"Word{trace}" } }), key);
            if (found.Json.GetProperty("data").GetArrayLength() > 0) shown.Add($"search of {field}");
        }
        return shown;
    }

    /// <summary>The mean of the numbers given in a project in the last forty days; null when there are none.</summary>
    async Task<double?> FeedbackAsync(string key)
    {
        var now = host.Now;
        var answer = await host.SendAsync(HttpMethod.Get, $"/api/v1/analytics/quality?start_time={now.AddDays(-40):yyyy-MM-dd}T00:00:00Z&end_time={now.AddDays(1):yyyy-MM-dd}T00:00:00Z&granularity=1day", null, key);
        answer.Status.Should().Be(200, answer.Text);
        var mean = answer.Json.GetProperty("avg_feedback_score");
        return mean.ValueKind == JsonValueKind.Null ? null : mean.GetDouble();
    }

    [Fact]
    public async Task What_is_too_old_goes_from_every_door_and_a_rebuild_does_not_bring_it_back()
    {
        var (key, other) = (await KeyAsync("aging"), await KeyAsync("ageless"));
        await WriteAsync(key, "old", "alive");
        await WriteAsync(other, "old");
        host.PutForward(TimeSpan.FromDays(20));
        await WriteAsync(key, "young");
        (await host.SendAsync(HttpMethod.Post, "/api/v1/events", """[{"type":"user_message","trace_id":"alive","content":"still here"}]""", key)).Status.Should().Be(202);
        host.PutForward(TimeSpan.FromDays(15));
        (await ShownAsync(key, "old")).Should().HaveCountGreaterThan(15, "it is there before").And.Contain("search of score.word");
        (await FeedbackAsync(key)).Should().BeApproximately((3 + 5 + 5) / 3.0, 1e-9);

        var dry = (await SetAsync(key, """{"days":30}""", "?dry_run=true")).Json;
        (dry.GetProperty("traces").GetInt32(), dry.GetProperty("expired").GetInt32(), dry.GetProperty("dry_run").GetBoolean()).Should().Be((3, 1, true));
        (await SweptAsync(key)).TryGetProperty("days", out _).Should().BeFalse("nothing was set");
        (await ShownAsync(key, "old")).Should().NotBeEmpty();

        var costs = (await host.SendAsync(HttpMethod.Get, "/api/v1/costs", null, key)).Json;
        (await SetAsync(key, """{"days":30}""")).Json.GetProperty("expired").GetInt32().Should().BeInRange(0, 1);
        var swept = await SweptAsync(key);
        (swept.GetProperty("days").GetInt32(), swept.GetProperty("traces").GetInt32(), swept.GetProperty("expired").GetInt32(), swept.GetProperty("sweep").GetProperty("running").GetBoolean()).Should().Be((30, 2, 0, false));
        (await ShownAsync(key, "old")).Should().BeEmpty();
        foreach (var there in new[] { "alive", "young" }) (await ShownAsync(key, there)).Should().HaveCountGreaterThan(15, there);
        (await ShownAsync(other, "old")).Should().HaveCountGreaterThan(15, "another project keeps everything");
        var after = (await host.SendAsync(HttpMethod.Get, "/api/v1/costs", null, key)).Json;
        (after.GetProperty("total_usd").GetDecimal(), after.GetProperty("requests").GetInt32()).Should().Be((costs.GetProperty("total_usd").GetDecimal(), 3), "sums stay");
        (await FeedbackAsync(key), await FeedbackAsync(other)).Should().Be((5, 3), "what was said of a trace goes with it");

        // Neither a late word nor a repetition opens it again.
        var late = await WriteAsync(key, "old");
        late.Status.Should().Be(400, late.Text);
        late.Text.Should().Contain("trace_erased");
        (await host.SendAsync(HttpMethod.Delete, "/api/v1/traces/old", null, key)).Status.Should().Be(404);

        foreach (var projection in new[] { "traces", "texts" }) await RebuildAsync(projection);
        (await ShownAsync(key, "old")).Should().BeEmpty("a rebuild reads the same log");
        (await ShownAsync(key, "young")).Should().HaveCountGreaterThan(15);
        (await ShownAsync(other, "old")).Should().HaveCountGreaterThan(15);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/costs", null, key)).Json.GetRawText().Should().Be(after.GetRawText());
        (await FeedbackAsync(key), await FeedbackAsync(other)).Should().Be((5, 3));
        (await host.SendAsync(HttpMethod.Get, "/api/v1/projections")).Json.EnumerateArray().Should().OnlyContain(p => p.GetProperty("parked").GetInt64() == 0);

        var keys = host.Services.GetRequiredService<ISubjectKeys>();
        keys.RootsOf("aging").Should().HaveCount(keys.RootsOf("ageless").Count == 0 ? 0 : 2, "what is alive keeps its first week's keys, and the young one its own");
        // Two weeks on, the last trace of the first week has gone, and its keys with it.
        host.PutForward(TimeSpan.FromDays(16));
        (await SweptAsync(key)).GetProperty("traces").GetInt32().Should().Be(0);
        keys.RootsOf("aging").Should().HaveCountLessThanOrEqualTo(1, "keys of whole weeks are destroyed once nothing that is kept was recorded in them");
        host.PutForward(TimeSpan.FromDays(7));
        await SweptAsync(key);
        keys.RootsOf("aging").Should().BeEmpty();
        (await SetAsync(key, """{"days":null}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task More_than_a_tenth_goes_only_when_somebody_says_so_whatever_the_clock_does()
    {
        var key = await KeyAsync("braked");
        for (var i = 0; i < 3; i++) (await WriteAsync(key, [.. Enumerable.Range(i * 50, 50).Select(n => $"b{n}")])).Status.Should().Be(202);
        await host.SendAsync(HttpMethod.Get, "/api/v1/traces?limit=1", null, key);
        (await SetAsync(key, """{"days":3650}""")).Status.Should().Be(200);
        // Ten years and a day, in a moment.
        host.PutForward(TimeSpan.FromDays(3651));
        var held = await SweptAsync(key);
        (held.GetProperty("traces").GetInt32(), held.GetProperty("expired").GetInt32(), held.GetProperty("needs_confirmation").GetBoolean(), held.GetProperty("sweep").GetProperty("held").GetBoolean()).Should().Be((150, 150, true, true));
        var refused = await SetAsync(key, """{"days":30}""");
        (refused.Status, refused.Text.Contains("150 of 150", StringComparison.Ordinal)).Should().Be((422, true), refused.Text);
        (await SetAsync(key, """{"days":30,"confirm":true}""", "?dry_run=true")).Json.GetProperty("needs_confirmation").GetBoolean().Should().BeFalse();
        (await SweptAsync(key)).GetProperty("traces").GetInt32().Should().Be(150);
        (await SetAsync(key, """{"days":30,"confirm":true}""")).Status.Should().Be(200);
        (await SweptAsync(key)).GetProperty("traces").GetInt32().Should().Be(0);
        (await SetAsync(key, """{"days":null}""")).Status.Should().Be(200);
    }

    [Fact]
    public async Task It_is_the_projects_own_and_days_have_a_meaning()
    {
        var (key, other) = (await KeyAsync("mine"), await KeyAsync("yours"));
        foreach (var days in new[] { "0", "-1", "36501", "1.5", "\"x\"", "99999999999999" }) (await SetAsync(key, $$"""{"days":{{days}}}""")).Status.Should().Be(400, days);
        (await SetAsync(other, """{"project_id":"mine","days":1}""")).Status.Should().Be(404);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/retention?project_id=mine", null, other)).Status.Should().Be(404);
        (await SetAsync(key, """{"days":7}""")).Status.Should().Be(200);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/retention?project_id=mine")).Json.GetProperty("days").GetInt32().Should().Be(7);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/retention", null, other)).Json.TryGetProperty("days", out _).Should().BeFalse();
    }

    [Fact]
    public async Task What_a_crash_left_between_the_mark_and_the_tombstone_is_finished()
    {
        var key = await KeyAsync("crashed");
        await WriteAsync(key, "half");
        await host.SendAsync(HttpMethod.Get, "/api/v1/traces?limit=1", null, key);
        var keys = host.Services.GetRequiredService<ISubjectKeys>();
        keys.Destroy(new(Guid.CreateVersion7(), "crashed", "retention", null, ["half"], []) { Expired = true }, [(KeyOwner.Trace("half"), [])]);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/traces/half/timeline", null, key)).Text.Should().NotContain("Wordhalf", "it is unreadable from the mark on");

        var begun = keys.Begun().Single(e => e.Project == "crashed");
        begun.Expired.Should().BeTrue("the vault remembers what it was");
        var position = await host.Services.GetRequiredService<Erasures>().FinishAsync(begun, Ct);
        await host.Services.GetRequiredService<Erasures>().SettleAsync("crashed", position, Ct);
        keys.Begun().Should().NotContain(e => e.Project == "crashed");
        (await ShownAsync(key, "half")).Should().BeEmpty();
    }

    async Task RebuildAsync(string projection)
    {
        var before = (await StatusAsync(projection)).GetProperty("generation").GetInt32();
        (await host.SendAsync(HttpMethod.Post, $"/api/v1/projections/{projection}/rebuild", "{}")).Status.Should().Be(202);
        JsonElement last;
        do
        {
            await Task.Delay(100, Ct);
            last = await StatusAsync(projection);
        }
        while (!(last.TryGetProperty("last_rebuild", out last) && last.ValueKind == JsonValueKind.Object && last.GetProperty("generation").GetInt32() > before && last.TryGetProperty("equal", out _)));
        last.GetProperty("equal").GetBoolean().Should().BeTrue(last.GetRawText());
    }

    async Task<JsonElement> StatusAsync(string projection) =>
        (await host.SendAsync(HttpMethod.Get, "/api/v1/projections")).Json.EnumerateArray().Single(p => p.Text("name") == projection);
}

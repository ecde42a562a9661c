using System.Globalization;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>What became of a fact, what came between two states of a trace, and feedback on it, on the real server.</summary>
public sealed class ReceiptTests(LiveServer server) : IClassFixture<LiveServer>
{
    async Task<JsonElement> WriteAsync(string body, string path = "/api/v1/events", string? key = HindcastProcess.Key)
    {
        var answer = await server.PostAsync(path, body, key);
        answer.Status.Should().Be(202, answer.Text);
        return answer.Json;
    }

    [Fact]
    public async Task A_receipt_names_the_fact_its_hash_and_what_each_projection_made_of_it()
    {
        await WriteAsync("""[{"type":"user_message","trace_id":"r","content":"one"},{"type":"user_message","trace_id":"r","content":"two"}]""");
        var second = long.Parse(server.Written!, CultureInfo.InvariantCulture);
        await server.JsonAsync("/api/v1/traces/r/tree");
        while ((await server.GetAsync("/api/v1/projections")).Json.EnumerateArray().Any(p => p.GetProperty("position").GetInt64() < second)) await Task.Delay(20, TestContext.Current.CancellationToken);

        var (one, two) = (await server.JsonAsync($"/api/v1/receipts/{second - 1}"), await server.JsonAsync($"/api/v1/receipts/{second}"));
        (two.GetProperty("position").GetInt64(), two.Text("stream"), two.GetProperty("revision").GetInt64(), two.Text("type")).Should().Be((second, "trace-default/r", 1, "user_message"));
        two.Text("previous_sha256").Should().Be(one.Text("sha256")).And.HaveLength(64);
        one.TryGetProperty("previous_sha256", out _).Should().BeFalse("it is the first of its stream");
        DateTimeOffset.Parse(two.Text("recorded_at")!, CultureInfo.InvariantCulture).Should().BeCloseTo(TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        var projections = two.GetProperty("projections").EnumerateArray().ToList();
        projections.Select(p => p.Text("name")).Should().Contain(["traces", "texts"]);
        projections.Should().OnlyContain(p => p.GetProperty("state").GetString() == "applied" && p.GetProperty("position").GetInt64() >= second);
    }

    [Fact]
    public async Task What_is_not_there_or_not_theirs_looks_the_same()
    {
        await WriteAsync("""{"type":"user_message","trace_id":"mine","content":"x"}""");
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"elsewhere","name":"k","scopes":["read"]}""")).Json.Text("key");
        var mine = server.Written!;
        var (theirs, absent) = (await server.GetAsync($"/api/v1/receipts/{mine}", key), await server.GetAsync("/api/v1/receipts/999999999", key));
        (theirs.Status, absent.Status).Should().Be((404, 404));
        theirs.Json.GetProperty("error").GetRawText().Should().Be(absent.Json.GetProperty("error").GetRawText().Replace("999999999", mine, StringComparison.Ordinal));
        foreach (var nonsense in (string[])["x", "-1", "1.5", "99999999999999999999"]) (await server.GetAsync($"/api/v1/receipts/{nonsense}")).Status.Should().Be(400, nonsense);
    }

    [Fact]
    public async Task A_diff_names_the_facts_between_and_what_they_changed()
    {
        await WriteAsync("""
            [{"type":"span_started","trace_id":"d","span_id":"s","name":"work"},{"type":"user_message","trace_id":"d","span_id":"u","content":"hi"},
             {"type":"span_ended","trace_id":"d","span_id":"s","content":{"output":"done"}},{"type":"error","trace_id":"d","span_id":"e","content":"broken"}]
            """);
        var diff = await server.JsonAsync("/api/v1/traces/d/diff?from_revision=1&to_revision=2");
        diff.GetProperty("items").EnumerateArray().Select(i => (i.GetProperty("revision").GetInt64(), i.Text("type"))).Should().Equal((2, "span_ended"));
        var span = diff.GetProperty("spans").EnumerateArray().Should().ContainSingle().Subject;
        (span.Text("span_id"), span.Text("change")).Should().Be(("s", "changed"));
        span.GetProperty("fields").GetProperty("status").GetRawText().Should().Be("""{"from":"running","to":"success"}""");
        span.GetProperty("fields").GetProperty("output").GetRawText().Should().Be("""{"from":null,"to":"done"}""");
        span.GetProperty("fields").TryGetProperty("name", out _).Should().BeFalse("it stayed");

        var all = await server.JsonAsync("/api/v1/traces/d/diff?from_revision=2");
        all.GetProperty("spans").EnumerateArray().Select(s => (s.Text("span_id"), s.Text("change"))).Should().Equal(("e", "added"));
        all.GetProperty("totals").GetProperty("error_count").GetRawText().Should().Be("""{"from":0,"to":1}""");
        (await server.JsonAsync("/api/v1/traces/d/diff?from_revision=3&to_revision=3")).GetProperty("items").GetArrayLength().Should().Be(0);

        foreach (var query in (string[])["", "?from_revision=x", "?from_revision=2&to_revision=1"]) (await server.GetAsync($"/api/v1/traces/d/diff{query}")).Status.Should().Be(400, query);
        (await server.GetAsync("/api/v1/traces/none/diff?from_revision=0")).Status.Should().Be(404);
    }

    [Fact]
    public async Task Feedback_on_a_trace_of_which_nothing_else_is_known_was_when_it_was_given()
    {
        await WriteAsync("""{"type":"score","trace_id":"s-alone","name":"q","value":1,"at":"2026-01-02T03:04:06Z"}""");
        await WriteAsync("""{"type":"score","trace_id":"s-alone","name":"r","value":2,"at":"2026-01-02T03:04:05Z"}""");
        foreach (var path in (string[])["/api/v1/traces/s-alone/tree", "/api/v1/traces/s-alone/state?as_of_revision=1"])
            (await server.JsonAsync(path)).Text("started_at").Should().Be("2026-01-02T03:04:05Z", path);
        (await server.JsonAsync("/traces/s-alone")).Text("created_at").Should().StartWith("2026-01-02T03:04:05");
        await WriteAsync("""{"type":"user_message","trace_id":"s-alone","content":"hi","at":"2026-01-02T03:04:07Z"}""");
        (await server.JsonAsync("/api/v1/traces/s-alone/tree")).Text("started_at").Should().Be("2026-01-02T03:04:07Z", "spans say when it was, where there are any");
    }

    [Fact]
    public async Task A_score_is_a_fact_of_its_trace_and_stands_in_the_tree()
    {
        await WriteAsync("""{"type":"llm_response","trace_id":"s-1","span_id":"a","content":"Hi"}""");
        await WriteAsync("""{"name":"helpful","value":0.5,"comment":"so so","source":"user","type":"error","trace_id":"other"}""", "/api/v1/traces/s-1/scores");
        await WriteAsync("""{"name":"thumb","value":true,"span_id":"a"}""", "/api/v1/traces/s-1/scores");
        var tree = await server.JsonAsync("/api/v1/traces/s-1/tree");
        var score = tree.GetProperty("scores").EnumerateArray().Should().ContainSingle().Subject.GetProperty("data");
        (score.Text("name"), score.GetProperty("value").GetDouble(), score.Text("comment"), score.Text("source")).Should().Be(("helpful", 0.5, "so so", "user"));
        tree.GetProperty("spans")[0].GetProperty("events").EnumerateArray().Single(e => e.Text("type") == "score").GetProperty("data").GetProperty("value").GetBoolean().Should().BeTrue();
        (await server.JsonAsync("/api/v1/traces/s-1/state?as_of_revision=0")).GetProperty("scores").GetArrayLength().Should().Be(0);

        foreach (var bad in (string[])["[]", "{}", "7", """{"name":"n"}""", """{"value":1}""", """{"name":"n","value":{}}""", """{"name":"n","value":1,"value":2}""", """{"name":"n","value":1,"\ud800":2}""", "{"])
            (await server.PostAsync("/api/v1/traces/s/scores", bad)).Status.Should().Be(400, bad);
        await WriteAsync("""{"name":"n","value":"\ud800"}""", "/api/v1/traces/s-1/scores");
        (await server.JsonAsync("/api/v1/traces/s-1/tree")).GetProperty("scores").EnumerateArray().Last().GetProperty("data").Text("value").Should().Be("�");
    }
}

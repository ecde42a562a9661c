using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

public sealed class ScoresOnSqlite(SealedServer server) : ScoreTests(server), IClassFixture<SealedServer>;

public sealed class ScoresOnPostgres(SealedOnPostgres server) : ScoreTests(server), IClassFixture<SealedOnPostgres>;

/// <summary>What is made of scores at the doors: figures of quality, and searches. Late, repeated, taken back, erased.</summary>
public abstract class ScoreTests(SealedServer server)
{
    const string Window = "start_time=2026-11-01T00:00:00Z&end_time=2026-11-03T00:00:00Z&granularity=1day";

    async Task<string> KeyAsync(string project) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "k", scopes = (string[])["admin", "ingest", "read"] }))).Json.Text("key")!;

    async Task WriteAsync(string key, string events)
    {
        var answer = await server.PostAsync("/api/v1/events", events, key);
        answer.Status.Should().Be(202, answer.Text);
    }

    async Task ScoreAsync(string key, string trace, string score) => (await server.PostAsync($"/api/v1/traces/{trace}/scores", score, key)).Status.Should().Be(202, score);

    async Task<JsonElement> QualityAsync(string key, string more = "")
    {
        var answer = await server.GetAsync($"/api/v1/analytics/quality?{Window}{more}", key, ("X-Min-Position", server.Written!));
        answer.Status.Should().Be(200, answer.Text);
        return answer.Json;
    }

    static (double? Average, double? Resolved) Of(JsonElement figures) => (Known(figures.GetProperty("avg_feedback_score")), Known(figures.GetProperty("resolution_rate")));

    static double? Known(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();

    /// <summary>Two traces of two calls each, of two models, on one day.</summary>
    static string Calls() => JsonSerializer.Serialize(new[] { "a", "b" }.SelectMany(trace => new[] { "1", "2" }.Select(span => new
    {
        type = "llm_response", trace_id = trace, span_id = span, model = $"model-{span}", provider = "openai", user_id = $"user-{trace}", at = "2026-11-01T10:00:00Z", latency_ms = 10, content = "hm",
    })));

    [Fact]
    public async Task Feedback_is_the_mean_of_the_last_words_and_null_where_there_are_none()
    {
        var key = await KeyAsync("feedback");
        await WriteAsync(key, Calls());
        var nothing = await QualityAsync(key);
        Of(nothing).Should().Be((null, null), "nobody said anything");
        nothing.GetProperty("time_series").EnumerateArray().Should().ContainSingle().Which.GetProperty("request_count").GetInt32().Should().Be(4);

        await ScoreAsync(key, "a", """{"name":"helpful","value":1,"at":"2026-11-01T11:00:00Z","user_id":"u","event_id":"e1"}""");
        await ScoreAsync(key, "a", """{"name":"helpful","value":1,"at":"2026-11-01T11:00:00Z","user_id":"u","event_id":"e1"}""");
        Of(await QualityAsync(key)).Should().Be((1, null), "twice is once");
        await ScoreAsync(key, "b", """{"name":"helpful","value":0,"span_id":"1","at":"2026-11-02T11:00:00Z"}""");
        await ScoreAsync(key, "b", """{"name":"mood","value":"fine","at":"2026-11-02T11:00:00Z"}""");
        await ScoreAsync(key, "b", """{"name":"helpful","value":4,"at":"2026-11-04T11:00:00Z","user_id":"late"}""");
        Of(await QualityAsync(key)).Should().Be((0.5, null), "words are no numbers, and one came too late");
        await ScoreAsync(key, "a", """{"name":"resolved","value":true,"at":"2026-11-02T11:00:00Z"}""");
        await ScoreAsync(key, "b", """{"name":"resolved","value":false,"at":"2026-11-02T12:00:00Z"}""");
        var both = await QualityAsync(key);
        Of(both).Should().Be((0.5, 0.5));
        both.GetProperty("time_series").EnumerateArray().Select(d => (d.Text("timestamp"), Of(d), d.GetProperty("request_count").GetInt32(), d.GetProperty("error_rate").ValueKind))
            .Should().Equal(("2026-11-01T00:00:00Z", (1, null), 4, JsonValueKind.Number), ("2026-11-02T00:00:00Z", (0, 0.5), 0, JsonValueKind.Null));

        // Taken back, by an earlier word that comes later, and by a later one.
        await ScoreAsync(key, "a", """{"name":"helpful","value":0.2,"at":"2026-11-01T10:30:00Z","user_id":"u"}""");
        Of(await QualityAsync(key)).Should().Be((0.5, 0.5), "it was said before");
        await ScoreAsync(key, "a", """{"name":"helpful","value":0.25,"at":"2026-11-01T11:30:00Z","user_id":"u"}""");
        Of(await QualityAsync(key)).Should().Be((0.125, 0.5));
        await ScoreAsync(key, "b", """{"name":"resolved","value":1,"at":"2026-11-02T13:00:00Z"}""");
        Of(await QualityAsync(key)).Should().Be((0.125, 1.0));
        Of(await QualityAsync(key, "&model=model-1")).Should().Be((0, null), "on a span: its model");
        Of(await QualityAsync(key, "&model=model-2")).Should().Be((0.25, 1.0), "on all of a trace: its last model");
        Of(await QualityAsync(key, "&environment=nowhere")).Should().Be((null, null));
        Of(await QualityAsync(await KeyAsync("feedback-of-others"))).Should().Be((null, null));

        (await server.SendAsync(HttpMethod.Delete, "/api/v1/traces/a", null, key)).Status.Should().Be(200);
        var left = await QualityAsync(key);
        Of(left).Should().Be((0, 1.0), "what was erased is no longer counted");
        left.GetProperty("total_requests").GetInt32().Should().Be(4, "and its requests are");
        (await server.PostAsync("/api/v1/projections/traces/rebuild", "")).Status.Should().Be(202);
        while ((await server.JsonAsync("/api/v1/projections")).EnumerateArray().Any(p => p.TryGetProperty("rebuild", out var rebuild) && rebuild.ValueKind == JsonValueKind.Object)) await Task.Delay(50, TestContext.Current.CancellationToken);
        Of(await QualityAsync(key)).Should().Be((0, 1.0));
    }

    [Fact]
    public async Task Spans_and_traces_are_found_by_their_scores()
    {
        var key = await KeyAsync("scored");
        await WriteAsync(key, Calls());
        await ScoreAsync(key, "a", """{"name":"helpful","value":0.9}""");
        await ScoreAsync(key, "a", """{"name":"helpful","value":0.1,"span_id":"2"}""");
        await ScoreAsync(key, "b", """{"name":"grade","value":"Good","span_id":"1"}""");
        await ScoreAsync(key, "b", """{"name":"it's \"{0}\" 100%","value":true}""");

        async Task<string[]> FindAsync(string rows, string filter)
        {
            var answer = await server.PostAsync($"/api/v1/{rows}/search", $$"""{"filter":{{filter}},"sort_by":"trace_id"}""", key, ("X-Min-Position", server.Written!));
            answer.Status.Should().Be(200, answer.Text);
            return [.. answer.Json.GetProperty("data").EnumerateArray().Select(r => r.Text("trace_id") + (r.TryGetProperty("span_id", out var span) ? span.GetString() : "")).Order()];
        }

        static string Where(string field, string op, string value) => $$"""{"field":{{JsonSerializer.Serialize($"score.{field}")}},"operator":"{{op}}","value":{{value}}}""";

        (await FindAsync("traces", Where("helpful", "gte", "0.5"))).Should().Equal(["a1"], "its trace's, but where it has its own");
        (await FindAsync("traces", Where("helpful", "lt", "0.5"))).Should().Equal("a2");
        (await FindAsync("traces", Where("helpful", "eq", "\"0.90\""))).Should().Equal("a1");
        (await FindAsync("traces", Where("helpful", "eq", "null"))).Should().Equal("b1", "b2");
        (await FindAsync("traces", $$"""{"operator":"NOT","filters":[{{Where("helpful", "gte", "0.5")}}]}""")).Should().Equal(["a2"], "of what has no score nothing is known");
        (await FindAsync("traces", Where("grade", "contains", "\"oo\""))).Should().Equal("b1");
        (await FindAsync("traces", Where("grade", "in", "[\"Good\",\"Bad\"]"))).Should().Equal("b1");
        (await FindAsync("traces", Where("grade", "regex", "\"^g\""))).Should().Equal("b1");
        (await FindAsync("traces", $$"""{"operator":"OR","filters":[{{Where("grade", "gt", "1")}},{{Where("it's \"{0}\" 100%", "eq", "true")}}]}""")).Should().Equal("b1", "b2");
        (await FindAsync("runs", Where("helpful", "gt", "0.5"))).Should().Equal(["a"], "the word on all of it goes first");
        (await FindAsync("runs", Where("grade", "eq", "\"Good\""))).Should().Equal(["b"], "else those on its spans");
        (await FindAsync("runs", Where("nobody", "ne", "1"))).Should().BeEmpty();
        (await server.PostAsync("/api/v1/traces/search", $$"""{"filter":{{Where("helpful", "gt", "\"much\"")}}}""", key)).Status.Should().Be(400);
    }
}

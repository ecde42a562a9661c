using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

public sealed class SqlitePeopleTests(LiveServer server) : PeopleContract(server), IClassFixture<LiveServer>;

public sealed class PostgresPeopleTests(PostgresServerProcess server) : PeopleContract(server), IClassFixture<PostgresServerProcess>;

/// <summary>Sessions, users and product events, on both databases, beside the same sums made by hand.</summary>
public abstract class PeopleContract(LiveServer server)
{
    static readonly JsonSerializerOptions s_sparse = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    async Task<string> KeyAsync(string project) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "people", scopes = (string[])["ingest", "read"] }))).Json.Text("key")!;

    async Task<JsonElement> ReadAsync(string key, string path)
    {
        var answer = await server.GetAsync(path, key, ("X-Min-Position", server.Written!));
        answer.Status.Should().Be(200, answer.Text);
        return answer.Json;
    }

    async Task<List<JsonElement>> AllAsync(string key, string path)
    {
        var rows = new List<JsonElement>();
        for (string? cursor = null; ;)
        {
            var page = await ReadAsync(key, cursor is null ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}");
            rows.AddRange(page.GetProperty("data").EnumerateArray());
            var pagination = page.GetProperty("pagination");
            if (!pagination.GetProperty("has_more").GetBoolean()) return rows;
            cursor = pagination.Text("cursor");
        }
    }

    [Fact]
    public async Task Every_session_and_user_once_with_the_sums_of_their_traces_whatever_the_page()
    {
        var (key, random) = (await KeyAsync($"people{Guid.NewGuid():n}"), new Random(5));
        var traces = Enumerable.Range(0, 60).Select(i => new
        {
            Id = $"t{i}", User = random.Next(4) == 0 ? null : $"u{random.Next(9)}", Session = random.Next(4) == 0 ? null : $"s{random.Next(12)}",
            Tokens = random.Next(3) == 0 ? (int?)null : random.Next(1, 500), Failed = random.Next(4) == 0, Scores = random.Next(3), Minute = random.Next(5),
        }).ToList();
        foreach (var t in traces)
        {
            var events = new List<object>
            {
                new { type = "llm_response", trace_id = t.Id, user_id = t.User, session_id = t.Session, at = $"2026-03-01T00:0{t.Minute}:00Z", content = "x", model = "no-such-model", usage = t.Tokens is { } n ? new { input_tokens = n } : null },
            };
            if (t.Failed) events.Add(new { type = "error", trace_id = t.Id, at = $"2026-03-01T00:0{t.Minute}:00Z", content = "broken" });
            for (var s = 0; s < t.Scores; s++) events.Add(new { type = "score", trace_id = t.Id, name = $"n{s}", value = s });
            var answer = await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(events, s_sparse), key);
            answer.Status.Should().Be(202, answer.Text);
        }

        foreach (var (door, id) in ((string, string)[])[("sessions", "session_id"), ("users", "user_id")])
        {
            var expected = traces.Where(t => (door == "users" ? t.User : t.Session) is not null).GroupBy(t => (door == "users" ? t.User : t.Session)!).Select(g =>
                (Last: g.Max(t => t.Minute), Id: g.Key, Traces: g.Count(), Others: g.Select(t => door == "users" ? t.Session : t.User).OfType<string>().Distinct().Count(),
                    Errors: g.Count(t => t.Failed), Tokens: g.All(t => t.Tokens is null) ? (int?)null : g.Sum(t => t.Tokens), Scores: g.Sum(t => t.Scores)))
                .OrderByDescending(g => g.Last).ThenBy(g => g.Id, StringComparer.Ordinal).ToList();
            foreach (var limit in (int[])[3, 1_000])
            {
                var rows = await AllAsync(key, $"/api/v1/{door}?limit={limit}");
                rows.Select(r => (r.GetProperty("last_at").GetDateTime().Minute, r.Text(id)!, r.GetProperty("trace_count").GetInt32(), r.GetProperty(door == "users" ? "session_count" : "user_count").GetInt32(),
                        r.GetProperty("error_count").GetInt32(), r.GetProperty("total_tokens").ValueKind == JsonValueKind.Null ? (int?)null : r.GetProperty("total_tokens").GetInt32(), r.GetProperty("feedback_count").GetInt32()))
                    .Should().Equal(expected, $"{door} by {limit}");
                rows.Should().OnlyContain(r => r.GetProperty("total_cost_usd").ValueKind == JsonValueKind.Null, "the model has no price");
            }
            (await AllAsync(key, $"/api/v1/{door}?{id}={expected[0].Id}")).Should().ContainSingle();
            (await AllAsync(key, $"/api/v1/{door}?from=2026-03-02")).Should().BeEmpty();
            foreach (var bad in (string[])["limit=0", "limit=x", "from=x", "cursor=x"]) (await server.GetAsync($"/api/v1/{door}?{bad}", key)).Status.Should().Be(400, bad);
            (await server.GetAsync($"/api/v1/{door}?project_id=other", key)).Status.Should().Be(403);
        }
    }

    [Fact]
    public async Task Trubrics_events_and_threads_are_product_events_spans_users_and_sessions()
    {
        var key = await KeyAsync($"trubrics{Guid.NewGuid():n}");
        foreach (var (door, body) in ((string, string)[])[
            ("publish_events", """[{"user_id":"ann","event":"Sign up","timestamp":"2026-03-01T00:00:00Z","properties":{"plan":"pro"}}]"""),
            ("publish_llm_events", """[{"user_id":"ann","prompt":"Hi","generation":"Hello","assistant_id":"gpt","thread_id":"th","latency":2,"timestamp":"2026-03-01T00:01:00Z"}]""")])
            (await server.PostAsync($"/api/ingestion/{door}", body, key)).Status.Should().Be(200);

        var e = (await ReadAsync(key, "/api/v1/events")).GetProperty("data").EnumerateArray().Should().ContainSingle().Subject;
        (e.Text("span_name"), e.Text("user_id")).Should().Be(("Sign up", "ann"));
        (await AllAsync(key, "/api/v1/sessions?limit=10")).Select(s => (s.Text("session_id"), s.Text("user_id"))).Should().Equal(("th", "ann"));
        (await AllAsync(key, "/api/v1/users?limit=10")).Select(u => (u.Text("user_id"), u.GetProperty("trace_count").GetInt32())).Should().Equal(("ann", 2));
        var spans = (await ReadAsync(key, "/api/v1/traces?session_id=th")).GetProperty("data").EnumerateArray().ToList();
        spans.Select(s => s.TryGetProperty("output_text", out var text) ? text.GetString() : null).Should().Contain("Hello");
        (await ReadAsync(key, "/api/v1/events?user_id=bob")).GetProperty("data").GetArrayLength().Should().Be(0);
    }
}

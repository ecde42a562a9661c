using System.Text;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

public sealed class PriceDoorsOnSqlite(LiveServer server) : PriceDoorTests(server), IClassFixture<LiveServer>;

public sealed class PriceDoorsOnPostgres(PostgresServerProcess server) : PriceDoorTests(server), IClassFixture<PostgresServerProcess>;

/// <summary>The price book, what it makes of history, and what is known of money when.</summary>
public abstract class PriceDoorTests(LiveServer server)
{
    async Task<string> KeyAsync(string project) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest", "read", "admin"] }))).Json.Text("key")!;

    Task<Answer> PutAsync(string body, string key) => server.SendAsync(HttpMethod.Put, "/api/v1/prices", Encoding.UTF8.GetBytes(body), key);

    Task<Answer> CallAsync(string key, string trace, string at) => server.PostAsync(
        "/api/v1/events", $$$"""[{"type":"llm_response","trace_id":"{{{trace}}}","span_id":"s","at":"{{{at}}}","latency_ms":5,"model":"house/own-model","usage":{"input":1000,"output":10},"content":"kept"}]""", key);

    [Fact]
    public async Task Setting_a_price_prices_history_anew_and_the_old_numbers_can_still_be_asked_for()
    {
        var key = await KeyAsync("repriced");
        await CallAsync(key, "early", "2026-02-01T00:00:01Z");
        await CallAsync(key, "late", "2026-03-01T12:00:01Z");
        var read = ("X-Min-Position", server.Written!);
        (await server.GetAsync("/api/v1/traces/early/tree", key, read)).Json.GetProperty("totals").GetProperty("cost").GetProperty("total_usd").ValueKind.Should().Be(JsonValueKind.Null);

        var put = await PutAsync(
            """
            [{"provider":"house","model":"own-model","valid_from":"2026-01-01","known_from":"2026-01-01","input_per_million_usd":2,"output_per_million_usd":100},
             {"provider":"house","model":"own-model","valid_from":"2026-03-01T12:00:00Z","known_from":"2026-03-10T00:00:00Z","input_per_million_usd":1,"output_per_million_usd":50}]
            """, key);
        (put.Status, put.Json.GetProperty("stored").GetInt32()).Should().Be((200, 2), put.Text);
        var since = ("X-Min-Position", put.Headers["X-Log-Position"]);

        async Task<decimal> CostOf(string trace) => (await server.GetAsync($"/api/v1/traces/{trace}/tree", key, since)).Json.GetProperty("totals").GetProperty("cost").GetProperty("total_usd").GetDecimal();
        (await CostOf("early"), await CostOf("late")).Should().Be((0.003m, 0.0015m));
        var tree = (await server.GetAsync("/api/v1/traces/early/tree", key, since)).Json;
        tree.GetRawText().Should().Contain("kept", "only money changed");

        var now = (await server.GetAsync("/api/v1/costs?group_by=model,day", key, since)).Json;
        (now.GetProperty("total_usd").GetDecimal(), now.GetProperty("requests").GetInt32(), now.GetProperty("unpriced").GetInt32()).Should().Be((0.0045m, 2, 0));
        now.GetProperty("items").EnumerateArray().Select(i => (i.Text("at"), i.Text("model"), i.GetProperty("cost").GetProperty("total_usd").GetDecimal()))
            .Should().Equal(("2026-02-01T00:00:00Z", "house/own-model", 0.003m), ("2026-03-01T00:00:00Z", "house/own-model", 0.0015m));
        (await server.GetAsync("/api/v1/costs?as_known_at=2026-03-05", key)).Json.GetProperty("total_usd").GetDecimal().Should().Be(0.006m, "the cheaper price was not known yet");
        var before = (await server.GetAsync("/api/v1/costs?as_known_at=2025-06-01", key)).Json;
        (before.TryGetProperty("total_usd", out _), before.GetProperty("unpriced").GetInt32()).Should().Be((false, 2), "nobody knew any");
        (await server.GetAsync("/api/v1/costs?from=2026-02-15", key)).Json.GetProperty("requests").GetInt32().Should().Be(1);

        (await CallAsync(key, "next", "2026-04-01T00:00:00Z")).Status.Should().Be(202);
        since = ("X-Min-Position", server.Written!);
        (await CostOf("next")).Should().Be(0.0015m);
    }

    [Fact]
    public async Task The_book_lists_what_was_set_before_what_is_built_in_and_a_project_has_its_own()
    {
        var (key, other) = (await KeyAsync("booked"), await KeyAsync("unbooked"));
        var put = await PutAsync("""{"prices":[{"provider":"openai","model":"gpt-4o","valid_from":"2026-01-01T00:00:00Z","input_per_million_usd":0.000001,"output_per_million_usd":0,"cache_write_1h_per_million_usd":1.5}]}""", key);
        put.Status.Should().Be(200, put.Text);
        var prices = (await server.GetAsync("/api/v1/prices", key, ("X-Min-Position", put.Headers["X-Log-Position"]))).Json.GetProperty("prices").EnumerateArray().ToList();
        var first = prices[0];
        first.EnumerateObject().Select(m => m.Name).Should().Contain(["provider", "model", "valid_from", "known_from", "input_per_million_usd", "output_per_million_usd", "cache_write_1h_per_million_usd", "source"]);
        (first.Text("source"), first.GetProperty("input_per_million_usd").GetDecimal(), first.GetProperty("cache_write_1h_per_million_usd").GetDecimal()).Should().Be(("set", 0.000001m, 1.5m));
        prices.Skip(1).Should().OnlyContain(p => p.GetProperty("source").GetString() == "built_in");
        prices.Single(p => p.GetProperty("model").GetString() == "claude-sonnet-4-5").GetProperty("cache_write_5m_per_million_usd").GetDecimal().Should().Be(3.75m);
        (await server.GetAsync("/api/v1/prices", other)).Json.GetProperty("prices").EnumerateArray().Should().NotContain(p => p.GetProperty("source").GetString() == "set");
    }

    [Fact]
    public async Task Every_fault_is_named_by_element_and_field_and_nothing_is_stored()
    {
        var key = await KeyAsync("faulty");
        var answer = await PutAsync(
            """
            [{"model":"good","valid_from":"2026-01-01","input_per_million_usd":1,"output_per_million_usd":1},
             {"model":"","valid_from":"2026-01-01T00:00:30Z","input_per_million_usd":-1,"output_per_million_usd":"1"},
             {"model":"x","valid_from":"yesterday","input_per_million_usd":0.0000001,"cache_read_per_million_usd":1e300},
             7, {"model":"n\u0000l"}]
            """, key);
        answer.Status.Should().Be(400, answer.Text);
        answer.Json.GetProperty("error").GetProperty("details").EnumerateArray().Select(d => (d.GetProperty("index").GetInt32(), d.Text("field"))).Distinct()
            .Should().Contain([
                (1, "model"), (1, "valid_from"), (1, "input_per_million_usd"), (1, "output_per_million_usd"), (2, "valid_from"), (2, "input_per_million_usd"),
                (2, "output_per_million_usd"), (2, "cache_read_per_million_usd"), (3, ""), (4, "model")])
            .And.NotContain(x => x.Item1 == 0);
        (await server.GetAsync("/api/v1/prices", key)).Text.Should().NotContain("\"good\"");
        (await PutAsync("[]", key)).Status.Should().Be(400);
        (await PutAsync("{", key)).Status.Should().Be(400);
        foreach (var query in (string[])["group_by=user", "group_by=hour,day", "as_known_at=x", "from=2026-01-02&to=2026-01-01"])
            (await server.GetAsync($"/api/v1/costs?{query}", key)).Status.Should().Be(400, query);
    }

    [Fact]
    public async Task Failures_are_grouped_by_what_is_alike_and_lead_to_a_trace()
    {
        var key = await KeyAsync("failing");
        object Span(string id, string status, string? error, int ms, string user, string model = "m", object? attributes = null) => new
        {
            type = "llm_response", trace_id = $"t{id}", span_id = "s", at = $"2026-05-01T00:00:0{id}Z", latency_ms = ms, model, provider = "p", environment = id == "1" ? "staging" : "production", user_id = user,
            status, error, attributes, content = "x",
        };
        var posted = await server.PostAsync("/api/v1/events", JsonSerializer.Serialize((object[])
        [
            Span("1", "error", "Request req_8fA2 timed out after 30 s at 0x1f \"alpha\"", 10, "u1"), Span("2", "error", "Request req_77 timed out after 1.5 s at 0xFFEE \"beta\"", 10, "u2"),
            Span("3", "error", "Request 5 timed out after 7 s at 0x0 \"\"", 10, "u2"), Span("4", "error", "No such model", 10, "u1", "other"), Span("5", "warning", null, 10, "u1"),
            Span("6", "error", "429", 10, "u1", attributes: new { superseded = true }), Span("7", "ok", null, 1500, "u1"), Span("8", "ok", null, 1499, "u1"),
        ]), key);
        posted.Status.Should().Be(202, posted.Text);
        var since = ("X-Min-Position", server.Written!);

        async Task<JsonElement> Get(string query) => (await server.GetAsync($"/api/v1/failures/groups?from=2026-05-01{query}", key, since)).Json;
        var all = await Get("");
        all.EnumerateObject().Select(m => m.Name).Should().Equal("status", "data", "pagination", "meta");
        var groups = all.GetProperty("data").EnumerateArray().ToList();
        groups.Select(g => (g.Text("category"), g.GetProperty("count").GetInt32())).Should().Equal(("slow", 1), ("retried", 1), ("warning", 1), ("failed", 1), ("failed", 3));
        var timeouts = groups[4];
        (timeouts.GetProperty("affected_users").GetInt32(), timeouts.Text("first_seen"), timeouts.Text("last_seen"), timeouts.Text("trace_id"))
            .Should().Be((2, "2026-05-01T00:00:01Z", "2026-05-01T00:00:03Z", "t3"));
        timeouts.Text("pattern").Should().Be("Request … timed out after … s at … …");
        (await server.GetAsync(timeouts.Text("link")!, key)).Status.Should().Be(200);

        (await Get("&category=failed&model=other")).GetProperty("data")[0].Text("message").Should().Be("No such model");
        (await Get("&environment=staging")).GetProperty("data")[0].GetProperty("count").GetInt32().Should().Be(1);
        (await Get("&to=2026-05-01T00:00:02Z")).GetProperty("data").GetArrayLength().Should().Be(1);
        var seen = new List<string?>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await Get($"&limit=2{cursor}");
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(g => g.Text("id")));
            seen.Should().HaveCountLessThanOrEqualTo(5);
            cursor = page.GetProperty("pagination").TryGetProperty("cursor", out var next) ? $"&cursor={Uri.EscapeDataString(next.GetString()!)}" : null;
        }
        seen.Should().Equal(groups.Select(g => g.Text("id")));
        foreach (var bad in (string[])["&category=odd", "&limit=0", "&limit=201", "&cursor=zzz", "&to=2020-01-01"])
            (await server.GetAsync($"/api/v1/failures/groups?from=2026-05-01{bad}", key)).Status.Should().Be(400, bad);
    }
}

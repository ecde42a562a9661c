using System.Globalization;
using System.Text.Json;

namespace Hindcast.Integration.Server;

public sealed class TropsAnalyticsOnSqlite(LiveServer server) : TropsAnalyticsTests(server), IClassFixture<LiveServer>;

public sealed class TropsAnalyticsOnPostgres(PostgresServerProcess server) : TropsAnalyticsTests(server), IClassFixture<PostgresServerProcess>;

/// <summary>TROPS' two analytics doors, field by field (contract 1.2 to 1.5).</summary>
public abstract class TropsAnalyticsTests(LiveServer server)
{
    static readonly SemaphoreSlim s_filling = new(1);

    /// <summary>
    /// Calls to models of the last minutes: the fourth failed, the third was answered by a cache, one was tried again; and what is no request
    /// at all: an agent that repeats the usage, an error by itself, a call under way.
    /// </summary>
    async Task FillAsync()
    {
        await s_filling.WaitAsync();
        try
        {
            if (server.Written is not null) return;
            var now = TimeProvider.System.GetUtcNow();
            var (cached, tried) = (new Dictionary<string, object> { ["cache_hit"] = true }, new Dictionary<string, object> { ["superseded"] = true });
            object Call(string span, int minutesAgo, int ms, string status, object? attributes = null, string model = "gpt-4o", int input = 1000, int output = 100) => new
            {
                type = "llm_response", trace_id = "t", span_id = span, at = Iso(now.AddMinutes(-minutesAgo).AddMilliseconds(ms)), latency_ms = ms, model, provider = "openai", status,
                usage = new { input, output }, attributes, content = "x",
            };
            object[] events =
            [
                Call("s1", 3, 100, "ok", new Dictionary<string, object> { ["gen_ai.response.id"] = "chatcmpl-1" }), Call("s2", 2, 200, "ok"), Call("s3", 2, 300, "ok", cached), Call("s4", 1, 400, "error"),
                Call("tried", 1, 50, "error", tried), Call("s5", 1, 1000, "ok", model: "nobody-knows"), Call("old", 60 * 24 * 3, 100, "ok"),
                new { type = "span_ended", trace_id = "t", span_id = "agent", kind = "agent", at = Iso(now), latency_ms = 5, model = "gpt-4o", usage = new { input = 5000 } },
                new { type = "error", trace_id = "t", span_id = "bare", at = Iso(now), content = new { message = "boom" } },
                new { type = "llm_request", trace_id = "t", span_id = "running", at = Iso(now), model = "gpt-4o", content = "?" },
            ];
            (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(events))).Status.Should().Be(202);
        }
        finally
        {
            s_filling.Release();
        }
    }

    static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    async Task<JsonElement> JsonAsync(string path)
    {
        await FillAsync();
        return await server.JsonAsync(path);
    }

    [Fact]
    public async Task Requests_are_listed_newest_first_with_every_field()
    {
        var page = await JsonAsync("/v1/analytics/requests");
        page.EnumerateObject().Select(m => m.Name).Should().Equal("items", "total", "page", "page_size");
        (page.GetProperty("total").GetInt32(), page.GetProperty("page").GetInt32(), page.GetProperty("page_size").GetInt32()).Should().Be((6, 1, 50));

        var items = page.GetProperty("items").EnumerateArray().ToList();
        items.Select(i => i.GetProperty("created_at").GetDateTime()).Should().BeInDescendingOrder();
        items.Should().AllSatisfy(i =>
        {
            i.EnumerateObject().Select(m => m.Name).Should().Equal(
                "id", "request_id", "model", "status", "latency_ms", "prompt_tokens", "completion_tokens", "total_tokens", "cost_cents", "created_at");
            i.Text("id").Should().MatchRegex("^req_[0-9A-Za-z]{22}$");
            i.Text("created_at").Should().EndWith("Z");
        });
        items.Select(i => i.Text("id")).Should().OnlyHaveUniqueItems();

        var first = items.Single(i => i.Text("request_id") == "chatcmpl-1");
        (first.Text("model"), first.Text("status"), first.GetProperty("latency_ms").GetInt32()).Should().Be(("gpt-4o", "ok", 100));
        (first.GetProperty("prompt_tokens").GetInt32(), first.GetProperty("completion_tokens").GetInt32(), first.GetProperty("total_tokens").GetInt32()).Should().Be((1000, 100, 1100));
        first.GetProperty("cost_cents").GetDecimal().Should().Be(0.35m, "1,000 × 2.50 + 100 × 10 per million is 0.0035 USD");

        var unknown = items.Single(i => i.Text("model") == "nobody-knows");
        (unknown.GetProperty("cost_cents").ValueKind, unknown.GetProperty("request_id").ValueKind).Should().Be((JsonValueKind.Null, JsonValueKind.Null), "what is not known is not zero");
        items.Select(i => i.GetProperty("latency_ms").GetInt32() == 300 ? i.GetProperty("cost_cents").GetDecimal() : -1).Where(c => c >= 0).Should().Equal(0m);
        (await JsonAsync("/v1/analytics/requests")).GetProperty("items")[0].Text("id").Should().Be(items[0].Text("id"), "a request keeps its name");
    }

    [Theory]
    [InlineData("status=error", 1)]
    [InlineData("status=ok", 5)]
    [InlineData("model=nobody-knows", 1)]
    [InlineData("model=gpt-4o&status=ok", 4)]
    [InlineData("model=gpt", 0)]
    [InlineData("start_date=2020-01-01&end_date=2020-12-31", 0)]
    [InlineData("start_date=2020-01-01", 6)]
    [InlineData("end_date=2099-12-31", 6)]
    [InlineData("start_date=0001-01-01&end_date=9999-12-31", 6)]
    public async Task Filters_take_what_they_say_and_the_total_knows_it(string filter, int count)
    {
        var page = await JsonAsync($"/v1/analytics/requests?{filter}");
        (page.GetProperty("items").GetArrayLength(), page.GetProperty("total").GetInt32()).Should().Be((count, count));
    }

    [Fact]
    public async Task Pages_show_every_request_once_and_beyond_the_end_nothing()
    {
        var ids = new List<string?>();
        for (var page = 1; page <= 3; page++)
            ids.AddRange((await JsonAsync($"/v1/analytics/requests?page_size=2&page={page}")).GetProperty("items").EnumerateArray().Select(i => i.Text("id")));
        ids.Should().HaveCount(6).And.OnlyHaveUniqueItems();
        foreach (var page in (string[])["4", "2147483647"])
        {
            var beyond = await JsonAsync($"/v1/analytics/requests?page_size=2&page={page}");
            (beyond.GetProperty("items").GetArrayLength(), beyond.GetProperty("total").GetInt32()).Should().Be((0, 6));
        }
    }

    [Fact]
    public async Task A_bare_end_date_is_the_end_of_that_day_and_a_bare_start_its_beginning()
    {
        var day = TimeProvider.System.GetUtcNow().AddMinutes(-2).UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        (await JsonAsync($"/v1/analytics/requests?start_date={day}&end_date={day}")).GetProperty("total").GetInt32().Should().BePositive();
        (await JsonAsync($"/v1/analytics/requests?end_date={day}T00:00:00Z")).GetProperty("total").GetInt32().Should().BeLessThan(6);
    }

    [Fact]
    public async Task The_overview_counts_requests_and_measures_those_that_completed()
    {
        var buckets = (await JsonAsync("/v1/analytics/overview?window=24h&bucket=day")).GetProperty("buckets").EnumerateArray().ToList();
        buckets.Should().HaveCount(2);
        buckets[0].EnumerateObject().Select(m => m.Name).Should().Contain(
            ["timestamp", "request_count", "error_count", "error_rate", "avg_latency_ms", "p95_latency_ms", "total_cost_cents", "prompt_tokens", "completion_tokens", "cache_hit_rate"])
            .And.Contain(["p75_latency_ms", "p90_latency_ms", "p99_latency_ms"]);

        // Around midnight the requests lie on two days; then the sums still hold.
        long Sum(string name) => buckets.Sum(b => b.GetProperty(name).GetInt64());
        (Sum("request_count"), Sum("error_count"), Sum("prompt_tokens"), Sum("completion_tokens")).Should().Be((5, 1, 5000, 500));
        buckets.Sum(b => b.GetProperty("total_cost_cents").GetDecimal()).Should().Be(1.05m, "three were paid for, one cost nothing, one nobody knows");
        if (buckets.SingleOrDefault(b => b.GetProperty("request_count").GetInt32() == 5) is { ValueKind: JsonValueKind.Object } all)
        {
            (all.GetProperty("error_rate").GetDouble(), all.GetProperty("cache_hit_rate").GetDouble()).Should().Be((0.2, 0.2));
            (all.GetProperty("avg_latency_ms").GetInt64(), all.GetProperty("p75_latency_ms").GetInt64(), all.GetProperty("p95_latency_ms").GetInt64()).Should().Be((400, 300, 1000));
        }
    }

    [Theory]
    [InlineData("1h", "minute", 61, 60)]
    [InlineData("1h", "hour", 2, 3600)]
    [InlineData("1h", "day", 1, 86400)]
    [InlineData("24h", "minute", 1441, 60)]
    [InlineData("24h", "hour", 25, 3600)]
    [InlineData("24h", "day", 2, 86400)]
    [InlineData("7d", "minute", 10081, 60)]
    [InlineData("7d", "hour", 169, 3600)]
    [InlineData("7d", "day", 8, 86400)]
    [InlineData("30d", "minute", 43201, 60)]
    [InlineData("30d", "hour", 721, 3600)]
    [InlineData("30d", "day", 31, 86400)]
    public async Task Buckets_are_aligned_and_leave_no_gap(string window, string bucket, int count, int seconds)
    {
        var buckets = (await JsonAsync($"/v1/analytics/overview?window={window}&bucket={bucket}")).GetProperty("buckets").EnumerateArray().ToList();
        buckets.Count.Should().BeInRange(count, count + (window == "1h" && bucket == "day" ? 1 : 0));
        var starts = buckets.ConvertAll(b => new DateTimeOffset(b.GetProperty("timestamp").GetDateTime()).ToUnixTimeSeconds());
        starts.Should().OnlyContain(s => s % seconds == 0);
        starts.Zip(starts.Skip(1), (a, b) => b - a).Should().NotContain(step => step != seconds);
        starts[^1].Should().BeCloseTo(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), (ulong)seconds);
        buckets.Sum(b => b.GetProperty("request_count").GetInt64()).Should().Be(window is "7d" or "30d" ? 6 : 5);
        var empty = buckets.FirstOrDefault(b => b.GetProperty("request_count").GetInt64() == 0);
        if (empty.ValueKind == JsonValueKind.Object)
            empty.EnumerateObject().Where(m => m.Name != "timestamp").Should().OnlyContain(m => m.Value.GetDecimal() == 0);
    }

    [Fact]
    public async Task The_defaults_are_a_day_by_hours() =>
        (await JsonAsync("/v1/analytics/overview")).GetProperty("buckets").GetArrayLength().Should().Be(25);

    [Theory]
    [InlineData("requests?page=0", "page")]
    [InlineData("requests?page=x", "page")]
    [InlineData("requests?page=1&page=2", "page")]
    [InlineData("requests?page_size=101", "page_size")]
    [InlineData("requests?page_size=0", "page_size")]
    [InlineData("requests?status=broken", "status")]
    [InlineData("requests?model=%00", "model")]
    [InlineData("requests?start_date=yesterday", "start_date")]
    [InlineData("requests?start_date=2026-01-02&end_date=2026-01-01", "end_date")]
    [InlineData("overview?window=2h", "window")]
    [InlineData("overview?bucket=week", "bucket")]
    public async Task What_cannot_be_read_is_refused_in_its_envelope(string query, string named)
    {
        var answer = await server.GetAsync($"/v1/analytics/{query}");
        answer.Status.Should().Be(400, answer.Text);
        var error = answer.Json.GetProperty("error");
        (error.Text("type"), error.Text("code")).Should().Be(("invalid_request_error", "invalid_request_error"));
        error.Text("message").Should().Contain(named);
        answer.Headers.Keys.Should().Contain(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_as_the_page_prints_it()
    {
        var answer = await server.GetAsync("/v1/analytics/overview", "trops_sk_wrong");
        (answer.Status, answer.Text).Should().Be((401, """{"error":{"type":"invalid_request_error","message":"Invalid API key provided","code":"invalid_api_key"}}"""));
    }

    [Theory]
    [InlineData("free", "60")]
    [InlineData("pro", "600")]
    [InlineData("custom", "100000000")]
    public async Task The_plan_of_the_key_is_its_limit(string plan, string limit)
    {
        var key = (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = "plans", name = plan, scopes = (string[])["read"], plan, prefix = "trops" }))).Json.Text("key")!;
        key.Should().StartWith("trops_sk_");
        (await server.GetAsync("/v1/analytics/overview", key)).Headers["X-RateLimit-Limit"].Should().Be(limit);
        if (plan != "free") return;

        Answer last;
        var tries = 0;
        do last = await server.GetAsync("/v1/analytics/requests", key);
        while (last.Status == 200 && ++tries < 200);
        (last.Status, last.Json.GetProperty("error").Text("code"), last.Json.GetProperty("error").Text("type")).Should().Be((429, "rate_limit_exceeded", "rate_limit_error"));
        int.Parse(last.Headers["Retry-After"], CultureInfo.InvariantCulture).Should().BePositive();
        last.Headers["X-RateLimit-Remaining"].Should().Be("0");
        long.Parse(last.Headers["X-RateLimit-Reset"], CultureInfo.InvariantCulture).Should().BeGreaterThan(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 5);
        (await server.GetAsync("/api/v1/traces", key)).Status.Should().Be(200, "the plan counts at its own doors");
    }

    /// <summary>B21: however the key, the path and the way here are spelled, it is one key.</summary>
    [Fact]
    public async Task Every_spelling_of_a_request_draws_on_the_same_plan()
    {
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"plans","name":"spelled","scopes":["read"],"plan":"free"}""")).Json.Text("key")!;
        for (var i = 0; i < 40; i++) await server.GetAsync("/v1/analytics/requests?page_size=1", key);
        var from = 0;
        foreach (var path in (string[])["/v1/analytics/requests", "/V1/Analytics/Requests", "/v1/analytics/requests/", "/v1/analytics/requests?page=2", "/v1/analytics/overview"])
            foreach (var header in ((string, string)[])[("Authorization", $"Bearer {key}"), ("Authorization", $"bearer {key}"), ("x-api-key", key), ("Cookie", $"hindcast_key={key}")])
            {
                var answer = await server.GetAsync(path, null, header, ("X-Forwarded-For", $"10.0.0.{++from}"), ("Forwarded", $"for=10.0.0.{from}"));
                int.Parse(answer.Headers["X-RateLimit-Remaining"], CultureInfo.InvariantCulture).Should().BeLessThan(59, $"{path} with {header.Item1} is no new bucket");
            }
    }

    [Fact]
    public async Task Another_project_has_requests_of_its_own()
    {
        await FillAsync();
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"rival","name":"r","scopes":["read"]}""")).Json.Text("key")!;
        (await server.GetAsync("/v1/analytics/requests", key)).Json.GetProperty("total").GetInt32().Should().Be(0);
    }
}

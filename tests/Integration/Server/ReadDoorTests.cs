using System.Globalization;
using System.Text.Json;

namespace Hindcast.Integration.Server;

/// <summary>The list of spans with its pages and filters, and the doors that tell how the server is.</summary>
public sealed class ReadDoorTests(ReadDoorTests.Filled server) : IClassFixture<ReadDoorTests.Filled>
{
    /// <summary>40 spans: 30 calls, of which each third failed, and 10 messages; several start at the same moment.</summary>
    public sealed class Filled : LiveServer, IAsyncLifetime
    {
        async ValueTask IAsyncLifetime.InitializeAsync()
        {
            await InitializeAsync();
            var now = TimeProvider.System.GetUtcNow();
            var events = new List<object>();
            for (var i = 0; i < 30; i++)
                events.Add(new
                {
                    type = "llm_response", trace_id = $"t{i % 7}", span_id = $"s{i:00}", at = Iso(now.AddMinutes(-5 - (i / 4))), latency_ms = i * 10,
                    user_id = $"u{i % 2}", model = i % 5 == 0 ? "openai/gpt-4o" : "openai/gpt-4o-mini", provider = "openai", environment = "staging",
                    usage = new { input = 100 * i, output = i }, status = i % 3 == 0 ? "error" : "ok", content = $"said {i}",
                });
            for (var i = 0; i < 10; i++)
                events.Add(new { type = "user_message", trace_id = "old", span_id = $"m{i}", at = Iso(now.AddHours(-3)), session_id = "s", content = "hello" });
            var answer = await PostAsync("/api/v1/events", JsonSerializer.Serialize(events));
            answer.Status.Should().Be(202, answer.Text);
        }

        static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("asc", 1)]
    [InlineData("asc", 7)]
    [InlineData("desc", 3)]
    [InlineData("desc", 40)]
    public async Task Pages_show_every_span_once_in_order(string order, int limit)
    {
        var seen = new List<(DateTime Ts, string Trace, string Span)>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await server.JsonAsync($"/api/v1/traces?sort_order={order}&limit={limit}{cursor}");
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(s => (s.GetProperty("ts").GetDateTime(), s.Text("trace_id")!, s.Text("span_id")!)));
            seen.Should().HaveCountLessThanOrEqualTo(40, "a cursor leads on and not round");
            var pagination = page.GetProperty("pagination");
            pagination.TryGetProperty("cursor", out var next).Should().Be(pagination.GetProperty("has_more").GetBoolean());
            cursor = next.ValueKind == JsonValueKind.String ? $"&cursor={Uri.EscapeDataString(next.GetString()!)}" : null;
        }
        seen.Should().HaveCount(40).And.OnlyHaveUniqueItems();
        var inOrder = seen.OrderBy(x => x.Ts)
            .ThenBy(x => x.Trace, StringComparer.Ordinal).ThenBy(x => x.Span, StringComparer.Ordinal).ToList();
        if (order == "desc") inOrder.Reverse();
        seen.Should().Equal(inOrder);
    }

    [Theory]
    [InlineData("status=ERROR", 10)]
    [InlineData("status=OK", 30)]
    [InlineData("status=SUCCESS&user_id=u0", 10)]
    [InlineData("user_id=u1", 15)]
    [InlineData("model=openai/gpt-4o", 6)]
    [InlineData("provider=openai&environment=staging", 30)]
    [InlineData("min_duration=250", 5)]
    [InlineData("min_duration=100&max_duration=120", 3)]
    [InlineData("min_tokens=2000", 10)]
    [InlineData("session_id=s", 10)]
    [InlineData("trace_id=t0", 5)]
    [InlineData("from=now-1h", 30)]
    [InlineData("to=now-1h", 10)]
    [InlineData("user_id=nobody", 0)]
    [InlineData("search=SAID+2", 11)]
    [InlineData("search=hello&session_id=s", 10)]
    public async Task Filters_take_what_they_say(string filter, int count)
    {
        var page = await server.JsonAsync($"/api/v1/traces?limit=1000&{filter}");
        page.GetProperty("data").GetArrayLength().Should().Be(count);
        page.Text("status").Should().Be("success");
    }

    [Fact]
    public async Task A_span_is_listed_with_its_names_and_its_money()
    {
        var span = (await server.JsonAsync("/api/v1/traces?trace_id=t1&user_id=u1&limit=1&sort_order=desc")).GetProperty("data")[0];
        span.Text("span_id").Should().Be("s01");
        (span.Text("model"), span.Text("output_text"), span.Text("status_code")).Should().Be(("openai/gpt-4o-mini", "said 1", "SUCCESS"));
        (span.GetProperty("prompt_tokens").GetInt64(), span.GetProperty("completion_tokens").GetInt64(), span.GetProperty("duration_ms").GetInt64()).Should().Be((100, 1, 10));
        span.GetProperty("total_cost_usd").GetDecimal().Should().Be(0.0000156m);
        span.GetProperty("attributes").Text("project_id").Should().Be("default");
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=x", "limit")]
    [InlineData("sort_order=up", "sort_order")]
    [InlineData("sort_by=%3Bdrop", "sort_by")]
    [InlineData("status=BROKEN", "status")]
    [InlineData("from=yesterday", "from")]
    [InlineData("to=now-1y", "to")]
    [InlineData("min_duration=1.5", "min_duration")]
    [InlineData("min_cost=cheap", "min_cost")]
    [InlineData("cursor=zzz", "invalid_cursor")]
    [InlineData("cursor=e30%3D", "invalid_cursor")]
    [InlineData("search=%00", "search")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("user_id=%00", "user_id")]
    public async Task What_cannot_be_read_is_400_and_named(string query, string field)
    {
        var answer = await server.GetAsync($"/api/v1/traces?{query}");
        answer.Status.Should().Be(400, answer.Text);
        (answer.Json.GetProperty("error").Text("code"), answer.Json.GetProperty("error").Text("details")).Should().Be(("BAD_REQUEST", field));
        answer.Json.GetProperty("meta").Text("timestamp").Should().NotBeNull();
    }

    [Fact]
    public async Task The_server_says_that_it_is_well()
    {
        await server.JsonAsync("/api/v1/traces?limit=1");
        foreach (var door in (string[])["/health", "/health/live", "/health/ready"]) (await server.GetAsync(door, key: null)).Status.Should().Be(200, door);
        (await server.GetAsync("/health", key: null)).Json.EnumerateObject().Select(m => m.Name).Should().Equal("status", "database", "redis", "timestamp");
        foreach (var projection in (await server.JsonAsync("/api/v1/projections")).EnumerateArray())
        {
            (projection.Text("state"), projection.GetProperty("lag_events").GetInt64(), projection.GetProperty("parked").GetInt32()).Should().Be(("live", 0, 0));
            projection.GetProperty("position").GetInt64().Should().Be(projection.GetProperty("head").GetInt64());
        }
    }

    [Fact]
    public async Task The_doors_are_described_and_the_explorer_may_load_nothing_from_elsewhere()
    {
        var api = await server.GetAsync("/openapi/v1.json", key: null);
        api.Json.GetProperty("paths").EnumerateObject().Select(p => p.Name).Should().Contain(
            ["/api/v1/events", "/api/events/ingest", "/api/ingestion/publish_events", "/api/v1/traces", "/api/v1/traces/{traceId}/tree", "/api/v1/keys"]);
        foreach (var file in (string[])["/docs", "/docs/docs.css", "/docs/docs.js"])
        {
            var docs = await server.GetAsync(file, key: null);
            docs.Status.Should().Be(200, file);
            docs.Headers["Content-Security-Policy"].Should().Contain("default-src 'none'").And.Contain("base-uri 'none'").And.NotContain("unsafe");
        }
        (await server.GetAsync("/docs/other.js", key: null)).Status.Should().Be(404);
    }
}

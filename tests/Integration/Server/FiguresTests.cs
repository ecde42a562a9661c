using System.Globalization;
using System.Text.Json;

namespace Hindcast.Integration.Server;

/// <summary>What the Observatory has beside its traces (contract 4.11), against the spans themselves.</summary>
public abstract class FiguresContract(ObservatoryContract.Filled server)
{
    const string Day = "start_time=2026-11-01T00:00:00Z&end_time=2026-11-02T00:00:00Z";

    Task<Answer> GetAsync(string path) => server.GetAsync($"/api/v1/{path}", server.Shop, ("X-Min-Position", server.Written!));

    async Task<JsonElement> JsonAsync(string path)
    {
        var answer = await GetAsync(path);
        answer.Status.Should().Be(200, $"{path}: {answer.Text}");
        return answer.Json;
    }

    async Task<List<JsonElement>> SpansAsync() => [.. (await JsonAsync("traces?limit=1000&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z")).GetProperty("data").EnumerateArray()];

    static string? Of(JsonElement span, string name) => span.TryGetProperty(name, out var value) ? value.GetString() : null;

    static decimal Known(JsonElement part, string name) => part.GetProperty(name) is { ValueKind: JsonValueKind.Number } known ? known.GetDecimal() : 0;

    static decimal? Cost(JsonElement span) => span.TryGetProperty("total_cost_usd", out var cost) ? cost.GetDecimal() : null;

    static double? Duration(JsonElement span) => span.TryGetProperty("duration_ms", out var took) ? took.GetDouble() : null;

    [Fact]
    public async Task Metrics_by_model_are_those_of_the_spans()
    {
        var spans = await SpansAsync();
        var answer = await JsonAsync($"metrics?metrics=request_count,duration,error_count,total_tokens,total_cost&interval=1day&group_by=model&include_percentiles=true&{Day}");
        var metadata = answer.GetProperty("metadata");
        (metadata.Text("interval"), metadata.Text("data_source"), metadata.GetProperty("total_points").GetInt32()).Should().Be(("1day", "aggregate", 3));
        foreach (var point in answer.GetProperty("data").EnumerateArray())
        {
            var own = spans.Where(s => (Of(s, "model") ?? "") == point.Text("model")).ToList();
            var took = own.Select(Duration).OfType<double>().Order().ToList();
            point.Text("timestamp").Should().Be("2026-11-01T00:00:00Z");
            point.GetProperty("request_count").GetInt32().Should().Be(own.Count);
            point.GetProperty("error_count").GetInt32().Should().Be(own.Count(s => s.Text("status_code") == "ERROR"));
            point.GetProperty("total_tokens").GetInt64().Should().Be(own.Sum(s => s.TryGetProperty("total_tokens", out var t) ? t.GetInt64() : 0));
            point.GetProperty("avg_duration_ms").GetDouble().Should().BeApproximately(took.Average(), 0.001);
            point.GetProperty("p95_duration_ms").GetDouble().Should().Be(took[(int)Math.Ceiling(0.95 * took.Count) - 1]);
            var cost = own.Select(Cost).OfType<decimal>().ToList();
            if (cost.Count == 0) point.GetProperty("total_cost_usd").ValueKind.Should().Be(JsonValueKind.Null, "no price is known");
            else point.GetProperty("total_cost_usd").GetDecimal().Should().Be(cost.Sum());
        }
    }

    [Fact]
    public async Task Users_and_sessions_are_counted_from_the_requests_and_five_minutes_are_one_piece()
    {
        var answer = await JsonAsync($"metrics?metrics=unique_users,request_count,throughput&interval=5min&{Day}");
        answer.GetProperty("metadata").Text("data_source").Should().Be("raw");
        var point = answer.GetProperty("data").EnumerateArray().Should().ContainSingle().Subject;
        var spans = await SpansAsync();
        (point.GetProperty("unique_users").GetInt32(), point.GetProperty("request_count").GetInt32()).Should().Be((3, spans.Count));
        point.GetProperty("throughput").GetDouble().Should().BeApproximately(spans.Count / 300.0, 1e-9);
        (await JsonAsync($"metrics?metrics=request_count&group_by=user_id&interval=1day&{Day}")).GetProperty("data").EnumerateArray()
            .Select(p => (p.Text("user_id"), p.GetProperty("request_count").GetInt32())).Should().BeEquivalentTo(spans.GroupBy(s => Of(s, "user_id")).Select(g => (g.Key, g.Count())));
    }

    [Fact]
    public async Task A_query_filters_bounds_orders_and_names()
    {
        var answer = await server.PostAsync("/api/v1/metrics/query", """
            {"metrics":[{"metric":"request_count","aggregation":"sum","alias":"n"},{"metric":"duration","aggregation":"max"}],"interval":"1day","start_time":"2026-11-01T00:00:00Z","end_time":"2026-11-02T00:00:00Z",
             "group_by":["model","status_code"],"filters":[{"dimension":"model","operator":"in","value":["gpt-4o","claude"]},{"dimension":"status_code","operator":"ne","value":"ERROR"}],
             "having":[{"metric":"request_count","aggregation":"sum","operator":"gt","value":1}],"sort_by":{"field":"request_count","descending":true}}
            """, server.Shop, ("X-Min-Position", server.Written!));
        answer.Status.Should().Be(200, answer.Text);
        var spans = (await SpansAsync()).Where(s => Of(s, "model") is not null && s.Text("status_code") == "SUCCESS").GroupBy(s => Of(s, "model")).OrderByDescending(g => g.Count()).ToList();
        answer.Json.GetProperty("data").EnumerateArray().Select(p => (p.Text("model"), p.Text("status_code"), p.GetProperty("n").GetInt32(), p.GetProperty("max_duration_ms").GetDouble()))
            .Should().BeEquivalentTo(spans.Select(g => (g.Key, "SUCCESS", g.Count(), g.Max(Duration)!.Value)));
        answer.Json.GetProperty("metadata").GetProperty("filters_applied").GetInt32().Should().Be(2);
    }

    [Theory]
    [InlineData("metrics?", "metrics must name")]
    [InlineData("metrics?metrics=happiness", "happiness")]
    [InlineData("metrics?metrics=duration&interval=2h", "interval")]
    [InlineData("metrics?metrics=duration&aggregation=median", "aggregation")]
    [InlineData("metrics?metrics=duration&group_by=weather", "weather")]
    [InlineData("metrics?metrics=duration&start_time=2026-01-01&end_time=2026-11-01", "90 days")]
    [InlineData("metrics?metrics=duration&start_time=2026-11-02&end_time=2026-11-01", "before end")]
    [InlineData("metrics?metrics=duration&end_time=0001-01-01", "before 1972")]
    [InlineData("costs/summary?top_limit=101", "top_limit")]
    [InlineData("costs/summary?start_time=2020-01-01", "365 days")]
    [InlineData("costs/attribution?", "dimension")]
    [InlineData("costs/attribution?dimension=mood", "dimension")]
    [InlineData("costs/attribution?dimension=user&min_cost=-1", "negative")]
    [InlineData("costs/forecast?historical_start=now-3d", "7 days")]
    [InlineData("costs/forecast?forecast_period=soon", "forecast_period")]
    [InlineData("analytics/models/compare?models=one", "2 to 10")]
    [InlineData("analytics/performance?granularity=2h", "interval")]
    [InlineData("export/jobs?limit=101", "limit")]
    [InlineData("export/jobs?status=lost", "status")]
    public async Task What_has_no_meaning_is_400_and_says_why(string path, string why)
    {
        var answer = await GetAsync(path);
        answer.Status.Should().Be(400, answer.Text);
        ContractSchemas.Check(answer, "ErrorResponse");
        answer.Json.GetProperty("error").Text("message").Should().Contain(why);
    }

    [Theory]
    [InlineData("analytics/performance", "", "request_count", "avg_latency_ms min_latency_ms max_latency_ms p50_latency_ms p95_latency_ms p99_latency_ms")]
    [InlineData("analytics/quality", "", "total_requests", "success_rate error_rate")]
    [InlineData("analytics/models/compare?models=a,b", "summary", null, "fastest_model cheapest_model most_reliable_model")]
    [InlineData("analytics/optimization", "", null, "overall_score")]
    [InlineData("metrics/summary", "current_period", "total_requests", "total_cost_usd avg_duration_ms p95_duration_ms error_rate success_rate")]
    [InlineData("metrics/summary", "changes", null, "requests_change_pct cost_change_pct duration_change_pct error_rate_change_pct")]
    [InlineData("costs/summary", "overview", "total_requests", "total_cost prompt_cost completion_cost avg_cost_per_request")]
    [InlineData("costs/attribution?dimension=model", "summary", "total_requests", "total_cost")]
    public async Task A_project_without_requests_has_every_member_and_none_of_them_guessed(string path, string within, string? zero, string unknown)
    {
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"nothing-yet","name":"n","scopes":["read"]}""")).Json.Text("key")!;
        var answer = await server.GetAsync($"/api/v1/{path}", key);
        answer.Status.Should().Be(200, answer.Text);
        var figures = within.Length == 0 ? answer.Json : answer.Json.GetProperty(within);
        if (zero is not null) figures.GetProperty(zero).GetInt64().Should().Be(0);
        foreach (var name in unknown.Split(' ')) figures.GetProperty(name).ValueKind.Should().Be(JsonValueKind.Null, name);
    }

    [Fact]
    public async Task Costs_add_up_whichever_way_they_are_told_apart()
    {
        var spans = await SpansAsync();
        var all = spans.Sum(s => Cost(s) ?? 0);
        all.Should().BeGreaterThan(0);
        var summary = await JsonAsync($"costs/summary?top_limit=3&{Day}");
        summary.GetProperty("overview").GetProperty("total_cost").GetDecimal().Should().Be(all);
        summary.GetProperty("overview").GetProperty("total_requests").GetInt32().Should().Be(spans.Count);
        foreach (var by in (string[])["by_provider", "by_model", "by_environment"])
            summary.GetProperty(by).EnumerateArray().Sum(p => Known(p, "cost")).Should().Be(all, by);
        summary.GetProperty("trends").GetProperty("daily").EnumerateArray().Sum(d => d.GetProperty("cost").GetDecimal()).Should().Be(all);
        summary.GetProperty("top_traces").EnumerateArray().Select(t => t.GetProperty("cost").GetDecimal()).Should().Equal(spans.Select(Cost).OfType<decimal>().OrderDescending().Take(3));

        foreach (var dimension in (string[])["user", "provider", "model", "environment", "team", "tag"])
        {
            var parts = await JsonAsync($"costs/attribution?dimension={dimension}&{Day}");
            parts.GetProperty("items").EnumerateArray().Sum(i => Known(i, "total_cost")).Should().Be(all, dimension);
            parts.GetProperty("summary").GetProperty("total_cost").GetDecimal().Should().Be(all);
        }
        (await JsonAsync($"costs/attribution?dimension=tag&{Day}")).GetProperty("items").EnumerateArray().Select(i => i.Text("dimension_value")).Should().BeEquivalentTo(["tag0", "tag1"]);

        var forecast = await JsonAsync("costs/forecast?forecast_period=next_week&historical_start=2026-10-20T00:00:00Z&historical_end=2026-11-03T00:00:00Z");
        forecast.GetProperty("historical").EnumerateArray().Sum(d => d.GetProperty("cost").GetDecimal()).Should().Be(all);
        forecast.GetProperty("forecast").GetArrayLength().Should().Be(7);
        var first = forecast.GetProperty("forecast")[0];
        first.GetProperty("upper_bound").GetDouble().Should().BeApproximately(first.GetProperty("forecasted_cost").GetDouble() * 1.196, 1e-9);
    }

    [Fact]
    public async Task Performance_quality_and_models_are_those_of_the_spans()
    {
        var spans = await SpansAsync();
        var took = spans.Select(Duration).OfType<double>().Order().ToList();
        var speed = await JsonAsync($"analytics/performance?{Day}");
        (speed.GetProperty("request_count").GetInt32(), speed.GetProperty("min_latency_ms").GetDouble(), speed.GetProperty("max_latency_ms").GetDouble(), speed.GetProperty("p50_latency_ms").GetDouble())
            .Should().Be((spans.Count, took[0], took[^1], took[(took.Count + 1) / 2 - 1]));
        var quality = await JsonAsync($"analytics/quality?{Day}");
        (quality.GetProperty("failed_requests").GetInt32(), quality.GetProperty("total_requests").GetInt32()).Should().Be((6, spans.Count));
        quality.GetProperty("error_rate").GetDouble().Should().BeApproximately(6.0 / spans.Count, 1e-9);
        quality.GetProperty("error_breakdown").EnumerateArray().Sum(e => e.GetProperty("count").GetInt32()).Should().Be(6);
        var models = await JsonAsync($"analytics/models/compare?models=gpt-4o,claude&{Day}");
        models.GetProperty("models").EnumerateArray().Select(m => (m.Text("model"), m.GetProperty("metrics").GetProperty("request_count").GetInt32())).GroupBy(m => m.Item1, m => m.Item2)
            .Select(g => (g.Key, g.Sum())).Should().BeEquivalentTo(spans.Where(s => Of(s, "model") is not null).GroupBy(s => Of(s, "model")).Select(g => (g.Key, g.Count())));
        (await JsonAsync($"analytics/optimization?{Day}")).GetProperty("quality_optimizations").GetArrayLength().Should().BeGreaterThan(0);
        var summary = await JsonAsync($"metrics/summary?{Day}");
        summary.GetProperty("current_period").GetProperty("total_requests").GetInt32().Should().Be(spans.Count);
        summary.GetProperty("previous_period").GetProperty("total_requests").GetInt32().Should().Be(1, "one began in the last millisecond of October");
        (await JsonAsync("metrics/summary?start_time=2026-11-03&end_time=2026-11-04")).GetProperty("changes").GetProperty("cost_change_pct").ValueKind.Should().Be(JsonValueKind.Null, "nothing to compare with is unknown");
    }

    [Fact]
    public async Task A_foreign_project_is_refused_and_adds_nothing()
    {
        (await server.GetAsync($"/api/v1/metrics?metrics=request_count&project_id=rival&{Day}", server.Shop)).Status.Should().Be(403);
        var token = ("Authorization", $"Bearer {SignedElsewhere.Token("viewer", ["shop"], permissions: ["metrics:read"])}");
        (await server.GetAsync($"/api/v1/metrics?metrics=request_count&{Day}", null, token)).Status.Should().Be(200, "the contract's routes spell it so");
        var denied = await server.GetAsync($"/api/v1/costs/summary?{Day}", null, token);
        (denied.Status, denied.Json.GetProperty("error").Text("message")).Should().Be((403, "Insufficient permissions to read cost data"));
        (await server.PostAsync("/api/v1/export/traces", """{"format":"csv","project_id":"rival"}""", server.Shop)).Status.Should().Be(403);
    }
}

public sealed class FiguresOnSqlite(ObservatoryOnSqlite.Server server) : FiguresContract(server), IClassFixture<ObservatoryOnSqlite.Server>;

public sealed class FiguresOnPostgres(ObservatoryOnPostgres.Server server) : FiguresContract(server), IClassFixture<ObservatoryOnPostgres.Server>;

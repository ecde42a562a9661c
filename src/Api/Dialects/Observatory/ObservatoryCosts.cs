using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Domain.Analytics;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>What requests cost (contract 4.11), in USD. A cost nobody knows the price of is null and in no sum.</summary>
internal static class ObservatoryCosts
{
    const int MostDays = 365;
    /// <summary>The contract's bounds lie so far from its forecast, as a share of it.</summary>
    const double Margin = 0.196;

    static readonly Dictionary<string, (Dimensions Dimension, Func<AnalyticsGroup, string?> Of)> s_dimensions = new(StringComparer.Ordinal)
    {
        ["user"] = (Dimensions.User, g => g.UserId), ["team"] = (Dimensions.Team, g => g.Team), ["tag"] = (Dimensions.Tag, g => g.Tag),
        ["provider"] = (Dimensions.Provider, g => g.Provider), ["model"] = (Dimensions.Model, g => g.Model), ["environment"] = (Dimensions.Environment, g => g.Environment),
    };

    /// <summary><c>GET /api/v1/costs/summary</c>: the last 30 days unless said otherwise, at most 365; by provider, model and environment, with trends and the dearest spans.</summary>
    public static async Task<IResult> Summary(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var window = given.Times(days: 30, MostDays);
        var top = given.Whole("top_limit", 10, 1, 100);
        var query = given.Ask(window);
        var days = (await app.Send(query with { By = BucketWidth.Day }, ct)).Cells;
        var cells = (await app.Send(query with { GroupBy = Dimensions.Provider | Dimensions.Model | Dimensions.Environment }, ct)).Cells;
        var all = cells.Aggregate(Sums.None, (sum, c) => sum.Plus(c.Figures));
        var (last, before) = (await LastAsync(app, query, window.To, 1, ct), await LastAsync(app, query, window.To, 7, ct));
        return Results.Json(new
        {
            metadata = new { start_time = window.From.UtcDateTime, end_time = window.To.UtcDateTime, period_days = (int)(window.To - window.From).TotalDays, generated_at = given.Now.UtcDateTime },
            overview = new
            {
                total_cost = all.Total, prompt_cost = all.Prompt, completion_cost = all.Completion, total_requests = all.Requests, total_tokens = all.Tokens,
                avg_cost_per_request = all.PerRequest, avg_cost_per_1k_tokens = all.Tokens == 0 ? null : 1_000 * all.Total / all.Tokens, day_over_day_change = last, week_over_week_change = before,
            },
            by_provider = Parts(cells, c => c.Group.Provider, all.Total), by_model = Parts(cells, c => c.Group.Model, all.Total), by_environment = Parts(cells, c => c.Group.Environment, all.Total),
            trends = given.Flag("include_trends", true) ? Trends(days) : null,
            top_traces = given.Flag("include_top_traces", true) ? await DearestAsync(given, window, top, app, ct) : null,
        }, Envelope.Full);
    }

    /// <summary><c>GET /api/v1/costs/attribution</c>: who or what it was spent on; a request with several tags counts under each.</summary>
    public static async Task<IResult> Attribution(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var name = given.Text("dimension") ?? throw new BadRequest("dimension", "dimension is required");
        if (!s_dimensions.TryGetValue(name, out var dimension)) throw new BadRequest("dimension", $"dimension must be one of {string.Join(", ", s_dimensions.Keys)}");
        if (given.Usd("min_cost") is < 0) throw new BadRequest("min_cost", "min_cost cannot be negative");
        var window = given.Times(days: 30, MostDays);
        var limit = given.Whole("limit", 100, 1, 1_000);
        var cells = (await app.Send(given.Ask(window) with { GroupBy = dimension.Dimension | Dimensions.Provider | Dimensions.Model }, ct)).Cells;
        // What the whole window cost: tags overlap, so their sum may be more.
        var all = (await app.Send(given.Ask(window), ct)).Cells.Aggregate(Sums.None, (sum, c) => sum.Plus(c.Figures));
        var items = cells.GroupBy(c => dimension.Of(c.Group) ?? "").Select(g => (Name: g.Key, Sums: g.Aggregate(Sums.None, (sum, c) => sum.Plus(c.Figures)), Cells: g.ToList()))
            .Where(i => given.Usd("min_cost") is not { } least || i.Sums.Total >= least)
            .OrderByDescending(i => i.Sums.Total ?? -1).ThenBy(i => i.Name, StringComparer.Ordinal).ToList();
        return Results.Json(new
        {
            metadata = new { dimension = name, start_time = window.From.UtcDateTime, end_time = window.To.UtcDateTime, total_items = items.Count },
            items = items.Take(limit).Select(i => new
            {
                dimension_value = i.Name, total_cost = i.Sums.Total, prompt_cost = i.Sums.Prompt, completion_cost = i.Sums.Completion, request_count = i.Sums.Requests,
                total_tokens = i.Sums.Tokens, cost_percentage = Share(i.Sums.Total, all.Total), avg_cost_per_request = i.Sums.PerRequest,
                by_provider = Map(i.Cells, c => c.Group.Provider), by_model = Map(i.Cells, c => c.Group.Model),
            }),
            summary = new
            {
                total_cost = all.Total, total_requests = all.Requests, unique_items = items.Count,
                avg_cost_per_item = items.Count == 0 ? null : all.Total / items.Count,
            },
        }, Envelope.Full);
    }

    /// <summary><c>GET /api/v1/costs/forecast</c>: a line through the cost of each whole day (30 days back), drawn on; never below nothing.</summary>
    public static async Task<IResult> Forecast(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var ahead = given.Text("forecast_period") switch
        {
            "next_week" => 7,
            null or "next_month" => 30,
            "next_quarter" => 90,
            "custom" => given.Whole("days", 30, 1, 365),
            _ => throw new BadRequest("forecast_period", "forecast_period must be next_week, next_month, next_quarter, or custom with days"),
        };
        var window = given.Times(days: 30, MostDays, "historical_start", "historical_end");
        if ((window.To - window.From).TotalDays < 7) throw new BadRequest("historical_start", "Historical data must span at least 7 days for accurate forecasting");
        var bounds = given.Flag("include_confidence_intervals", true);
        var (first, end) = (DayOf(window.From), DayOf(window.To));
        // A day that has only begun would draw the line down.
        if (end < window.To && window.To < given.Now) end = end.AddDays(1);
        var cells = (await app.Send(given.Ask((first, end)) with { By = BucketWidth.Day }, ct)).Cells.ToDictionary(c => c.At!.Value, c => c.Figures);
        var days = Enumerable.Range(0, (int)(end - first).TotalDays).Select(i => first.AddDays(i)).Select(day => (
            Day: day, Cost: cells.TryGetValue(day, out var f) ? (double)(f.TotalUsd() ?? 0) : 0, Requests: f?.Requests ?? 0)).ToList();
        var trend = Trend.Of([.. days.Select(d => d.Cost)]);
        var forecast = Enumerable.Range(0, ahead).Select(i => (Day: end.AddDays(i), Cost: Math.Max(0, trend.At(days.Count + i)))).ToList();
        var total = forecast.Sum(f => f.Cost);
        return Results.Json(new
        {
            metadata = new
            {
                historical_start = first.UtcDateTime, historical_end = end.UtcDateTime, forecast_start = end.UtcDateTime, forecast_end = end.AddDays(ahead).UtcDateTime,
                forecast_days = ahead, model_type = "linear_regression", generated_at = given.Now.UtcDateTime,
            },
            historical = days.Select(d => new { date = d.Day.UtcDateTime, cost = d.Cost, d.Requests }),
            forecast = forecast.Select(f => new
            {
                date = f.Day.UtcDateTime, forecasted_cost = f.Cost, lower_bound = bounds ? f.Cost * (1 - Margin) : (double?)null, upper_bound = bounds ? f.Cost * (1 + Margin) : (double?)null,
            }),
            summary = new
            {
                total_forecasted_cost = total, avg_daily_cost = total / ahead, projected_monthly_cost = 30 * total / ahead, r_squared = trend.RSquared, mape = trend.Mape,
            },
        }, Envelope.Full);
    }

    static DateTimeOffset DayOf(DateTimeOffset time) => new(time.UtcDateTime.Date, TimeSpan.Zero);

    /// <summary>The last days beside as many before them, in percent.</summary>
    static async Task<double?> LastAsync(IMediator app, GetAnalytics query, DateTimeOffset to, int days, CancellationToken ct)
    {
        async Task<double?> Cost(DateTimeOffset from, DateTimeOffset end) =>
            (await app.Send(query with { From = from, To = end }, ct)).Cells is [var cell] ? (double?)cell.Figures.TotalUsd() : null;
        return ObservatoryMetrics.Percent(await Cost(to.AddDays(-2 * days), to.AddDays(-days)), await Cost(to.AddDays(-days), to));
    }

    static IEnumerable<object> Parts(IReadOnlyList<AnalyticsCell> cells, Func<AnalyticsCell, string?> by, decimal? all) =>
        cells.GroupBy(by).Select(g => (g.Key, Sums: g.Aggregate(Sums.None, (sum, c) => sum.Plus(c.Figures))))
            .OrderByDescending(g => g.Sums.Total ?? -1).ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new { name = g.Key, cost = g.Sums.Total, g.Sums.Requests, percentage = Share(g.Sums.Total, all), avg_cost_per_request = g.Sums.PerRequest });

    static Dictionary<string, decimal> Map(List<AnalyticsCell> cells, Func<AnalyticsCell, string?> by) => cells
        .Where(c => c.Figures.TotalUsd() is not null).GroupBy(c => by(c) ?? "").ToDictionary(g => g.Key, g => g.Sum(c => c.Figures.TotalUsd()!.Value));

    static object Trends(IReadOnlyList<AnalyticsCell> days)
    {
        var weeks = days.GroupBy(d => Time.Week(d.At!.Value)).Select(w => (Day: w.Min(d => d.At!.Value), Sums: w.Aggregate(Sums.None, (sum, d) => sum.Plus(d.Figures)))).ToList();
        var daily = days.Select(d => (double?)d.Figures.TotalUsd()).ToList();
        return new
        {
            daily = days.Select(d => new { date = d.At!.Value.UtcDateTime, cost = d.Figures.TotalUsd(), d.Figures.Requests }),
            weekly = weeks.Select(w => new { date = w.Day.UtcDateTime, cost = w.Sums.Total, w.Sums.Requests }),
            growth_rate_daily = Growth(daily), growth_rate_weekly = Growth([.. weeks.Select(w => (double?)w.Sums.Total)]),
        };
    }

    /// <summary>From the first to the last, in percent for each step between them.</summary>
    static double? Growth(List<double?> values) => values.Count < 2 ? null : ObservatoryMetrics.Percent(values[0], values[^1]) / (values.Count - 1);

    static async Task<IEnumerable<object>> DearestAsync(ObservatoryWindow given, (DateTimeOffset From, DateTimeOffset To) window, int limit, IMediator app, CancellationToken ct)
    {
        var spans = SpanCatalogue.Instance;
        var filter = Conditions.Of(spans.Field("ts"), FilterOperator.Gte, window.From).And(Conditions.Of(spans.Field("ts"), FilterOperator.Lt, window.To))
            .And(Conditions.Of(spans.Field("total_cost_usd"), FilterOperator.Ne, null));
        foreach (var name in (ReadOnlySpan<string>)["provider", "model", "environment", "user_id"])
            if (given.Text(name) is { } value) filter = filter.And(Conditions.Of(spans.Field(name), FilterOperator.Eq, value));
        var found = await app.Send(new SearchSpans(new(spans, [given.Caller.Project], filter, new(spans.SortField("total_cost_usd"), true), null, limit) { WithTexts = false }), ct);
        return found.Rows.Select(r => new
        {
            r.TraceId, timestamp = Time.At(r.StartedAt).UtcDateTime, r.Provider, r.Model, cost = TreeJson.UsdOf(r.TotalCost), tokens = r.TotalTokens,
            duration_ms = r.Duration is { } took ? (took + 500) / 1_000 : (long?)null, r.UserId,
        });
    }

    static decimal? Share(decimal? part, decimal? all) => all is null or 0 ? null : 100 * part / all;

    /// <summary>Figures of several cells together.</summary>
    sealed record Sums(long Requests, long Tokens, decimal? Total, decimal? Prompt, decimal? Completion)
    {
        public static readonly Sums None = new(0, 0, null, null, null);

        public decimal? PerRequest => Requests == 0 ? null : Total / Requests;

        public Sums Plus(Figures f) => new(Requests + f.Requests, Tokens + f.TotalTokens, Add(Total, f.TotalUsd()), Add(Prompt, f.PromptUsd()), Add(Completion, f.CompletionUsd()));

        static decimal? Add(decimal? a, decimal? b) => a is null ? b : a + (b ?? 0);
    }
}

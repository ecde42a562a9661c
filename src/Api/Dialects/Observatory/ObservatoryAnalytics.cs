using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.Failures;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>How fast, how good, which model, what to mend (contract 4.11). Open to anybody at the source; here they take a key as all figures do.</summary>
internal static class ObservatoryAnalytics
{
    const int MostDays = 365;
    const decimal DearRequestUsd = 0.01m;
    const double SlowMs = 2_000;
    const double ManyErrors = 0.05;

    /// <summary><c>GET /api/v1/analytics/performance</c>: latencies in ms.</summary>
    public static async Task<IResult> Performance(HttpContext http, IMediator app, CancellationToken ct)
    {
        var (given, window, series) = await SeriesAsync(http, percentiles: true, app, ct);
        var all = await WholeAsync(given.Ask(window) with { Percentiles = true }, app, ct);
        var seconds = (window.To - window.From).TotalSeconds;
        return Results.Json(new
        {
            request_count = all.Requests, avg_latency_ms = all.AverageMs, min_latency_ms = Whole(all.PercentileMs(0)), max_latency_ms = Whole(all.PercentileMs(100)),
            p50_latency_ms = all.PercentileMs(50), p95_latency_ms = all.PercentileMs(95), p99_latency_ms = all.PercentileMs(99), throughput_rps = all.Requests / seconds,
            total_tokens = all.TotalTokens, tokens_per_second = all.TotalTokens / seconds,
            time_series = series.Select(c => new
            {
                timestamp = c.At!.Value.UtcDateTime, avg_latency_ms = c.Figures.AverageMs, min_latency_ms = Whole(c.Figures.PercentileMs(0)),
                max_latency_ms = Whole(c.Figures.PercentileMs(100)), request_count = c.Figures.Requests, total_tokens = c.Figures.TotalTokens,
            }),
        }, Envelope.Full);
    }

    /// <summary>
    /// <c>GET /api/v1/analytics/quality</c>: errors and what they say, and what people and evaluators say of the answers. <c>avg_feedback_score</c> is the
    /// mean of the scores given in the window that are numbers (yes is 1, no is 0), <c>resolution_rate</c> the share of yes among those named
    /// <c>resolved</c>, which are no part of the mean; both null where there are none.
    /// </summary>
    public static async Task<IResult> Quality(HttpContext http, IMediator app, CancellationToken ct)
    {
        var (given, window, series) = await SeriesAsync(http, percentiles: false, app, ct);
        var ask = given.Ask(window);
        var all = await WholeAsync(ask, app, ct);
        var (by, times, _) = ObservatoryIntervals.Named(given.Text("granularity"));
        var feedback = await app.Send(new GetFeedback(given.Caller, window.From, window.To, by, times)
        {
            Provider = ask.Provider, Model = ask.Model, Environment = ask.Environment, UserId = ask.UserId,
        }, ct);
        var said = FeedbackCell.Whole(feedback);
        var groups = (await app.Send(new ListFailureGroups(given.Caller, window.From, window.To, 20)
        {
            Category = "failed", Environment = given.Text("environment"), Model = given.Text("model"),
        }, ct)).Groups;
        return Results.Json(new
        {
            total_requests = all.Requests, successful_requests = all.Requests - all.Errors, failed_requests = all.Errors, success_rate = 1 - all.ErrorRate, error_rate = all.ErrorRate,
            avg_feedback_score = said.Average, resolution_rate = said.ResolutionRate,
            error_breakdown = groups.OrderByDescending(g => g.Count).Select(g => new
            {
                error_type = $"{g.Kind}:{g.Name}", g.Count, percentage = 100.0 * g.Count / groups.Sum(x => x.Count), sample_message = g.Message,
            }),
            time_series = Together(series, feedback),
        }, Envelope.Full);
    }

    /// <summary>Scores come when they come, often after the requests of their piece of time are long over.</summary>
    static IEnumerable<object> Together(IReadOnlyList<AnalyticsCell> requests, IReadOnlyList<FeedbackCell> feedback)
    {
        var (figures, said) = (requests.ToDictionary(c => c.At!.Value, c => c.Figures), feedback.ToDictionary(c => c.At));
        return figures.Keys.Union(said.Keys).Order().Select(at => (At: at, Figures: figures.GetValueOrDefault(at), Said: said.GetValueOrDefault(at))).Select(c => new
        {
            timestamp = c.At.UtcDateTime, success_rate = 1 - c.Figures?.ErrorRate, error_rate = c.Figures?.ErrorRate, request_count = c.Figures?.Requests ?? 0,
            avg_feedback_score = c.Said?.Average, resolution_rate = c.Said?.ResolutionRate,
        });
    }

    /// <summary><c>GET /api/v1/analytics/models/compare</c>: <c>models</c>, 2 to 10 with commas between them.</summary>
    public static async Task<IResult> Compare(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var models = given.List("models").Distinct().ToList();
        if (models.Count is < 2 or > 10) throw new BadRequest("models", "models must name 2 to 10 models, with commas between them");
        var window = given.Times(days: 7, MostDays);
        var seconds = (window.To - window.From).TotalSeconds;
        var cells = (await app.Send(given.Ask(window) with
        {
            Model = null, GroupBy = Dimensions.Provider | Dimensions.Model, Where = g => models.Contains(g.Model!), Percentiles = true,
        }, ct)).Cells;
        Func<AnalyticsCell, string?> name = c => c.Group.Model;
        var (fastest, cheapest, best) = (
            name(cells.Where(c => c.Figures.AverageMs is not null).MinBy(c => c.Figures.AverageMs) ?? s_none),
            name(cells.Where(c => c.Figures.PerRequestUsd() is not null).MinBy(c => c.Figures.PerRequestUsd()) ?? s_none), name(cells.MinBy(c => c.Figures.ErrorRate) ?? s_none));
        return Results.Json(new
        {
            models = cells.Select(c => new
            {
                c.Group.Model, c.Group.Provider,
                metrics = new
                {
                    avg_latency_ms = c.Figures.AverageMs, p95_latency_ms = c.Figures.PercentileMs(95), avg_cost_usd = c.Figures.PerRequestUsd(), total_cost_usd = c.Figures.TotalUsd(),
                    success_rate = 1 - c.Figures.ErrorRate, request_count = c.Figures.Requests, total_tokens = c.Figures.TotalTokens, throughput_rps = c.Figures.Requests / seconds,
                },
            }),
            summary = new
            {
                fastest_model = fastest, cheapest_model = cheapest, most_reliable_model = best,
                recommendations = new[]
                {
                    fastest is null ? null : $"{fastest} answers fastest", cheapest is null ? null : $"{cheapest} costs least per request", best is null ? null : $"{best} fails least",
                }.OfType<string>(),
            },
        }, Envelope.Full);
    }

    /// <summary>
    /// <c>GET /api/v1/analytics/optimization</c>: models that cost more than 0.01 USD a request, take more than 2 s or fail more than 5 % of the time; the
    /// score is the share of requests to models of which nothing of that is true, 0 to 100.
    /// </summary>
    public static async Task<IResult> Optimization(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var window = given.Times(days: 7, MostDays);
        var cells = (await app.Send(given.Ask(window) with { GroupBy = Dimensions.Provider | Dimensions.Model }, ct)).Cells;
        var cheapest = cells.Select(c => c.Figures.PerRequestUsd()).OfType<decimal>().DefaultIfEmpty().Min();
        var (dear, slow, bad) = (cells.Where(c => c.Figures.PerRequestUsd() > DearRequestUsd).ToList(), cells.Where(c => c.Figures.AverageMs > SlowMs).ToList(), cells.Where(c => c.Figures.ErrorRate > ManyErrors).ToList());
        var all = cells.Sum(c => c.Figures.Requests);
        var good = cells.Except(dear.Concat(slow).Concat(bad)).Sum(c => c.Figures.Requests);
        return Results.Json(new
        {
            cost_optimizations = dear.OrderByDescending(c => c.Figures.TotalUsd()).Select((c, i) => Advice(
                $"{c.Group.Model} is dear", $"{c.Group.Model} costs {c.Figures.PerRequestUsd():0.######} USD a request; the cheapest model in use costs {cheapest:0.######}", Impact(c, all),
                i + 1, c.Figures.TotalUsd() - (cheapest * c.Figures.Requests))),
            performance_optimizations = slow.OrderByDescending(c => c.Figures.AverageMs).Select((c, i) => Advice(
                $"{c.Group.Model} is slow", $"{c.Group.Model} takes {c.Figures.AverageMs:0} ms on average, more than {SlowMs:0}", Impact(c, all), i + 1)),
            quality_optimizations = bad.OrderByDescending(c => c.Figures.ErrorRate).Select((c, i) => Advice(
                $"{c.Group.Model} fails often", $"{c.Figures.ErrorRate:P1} of the requests to {c.Group.Model} fail, more than {ManyErrors:P0}", Impact(c, all), i + 1)),
            overall_score = all == 0 ? (double?)null : 100.0 * good / all,
        }, Envelope.Full);
    }

    static readonly AnalyticsCell s_none = new(null, new(null, null, null, null, null), new());

    static object Advice(string title, string description, string impact, int priority, decimal? savings = null) =>
        new { title, description, impact, potential_savings = savings, effort = "medium", priority };

    /// <summary>By how much of the traffic it is.</summary>
    static string Impact(AnalyticsCell cell, long all) => cell.Figures.Requests * 2 > all ? "high" : cell.Figures.Requests * 10 > all ? "medium" : "low";

    static async Task<Figures> WholeAsync(GetAnalytics query, IMediator app, CancellationToken ct) => (await app.Send(query, ct)).Cells is [var all] ? all.Figures : new();

    static async Task<(ObservatoryWindow Given, (DateTimeOffset From, DateTimeOffset To) Window, IReadOnlyList<AnalyticsCell> Series)> SeriesAsync(
        HttpContext http, bool percentiles, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var window = given.Times(days: 7, MostDays);
        var (by, times, _) = ObservatoryIntervals.Named(given.Text("granularity"));
        return (given, window, (await app.Send(given.Ask(window) with { By = by, Times = times, Percentiles = percentiles }, ct)).Cells);
    }

    static long? Whole(double? ms) => ms is { } value ? (long)Math.Round(value) : null;
}

using System.Globalization;
using Hindcast.Application.Agents;
using Hindcast.Application.Analytics;
using Hindcast.Application.Pricing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using Hindcast.Application;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using MediatR;
using System.Text.Json;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>The four analytics doors of WhyOps (contract, 2.4), under <c>/api/analytics/</c>, and what models cost.</summary>
internal static class WhyOpsAnalytics
{
    const int MostBodyBytes = 64 * 1024;
    const int MostModels = 100;

    /// <summary>The last seven days beside the seven before; percentages of events, latencies of requests.</summary>
    public static async Task<IResult> Dashboard(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var caller = Own(given, http.Caller());
        var now = clock.GetUtcNow();
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var agents = await app.Send(new ListAgents(caller), ct);
        var days = (await app.Send(new ListAgentDays(caller, null, today.AddDays(-13)), ct)).ToDictionary(d => d.Day);
        var week = Enumerable.Range(-6, 7).Select(i => today.AddDays(i)).ToList();
        var (rate, before) = (RateOf(week), RateOf([.. week.Select(d => d.AddDays(-7))]));
        var (latency, latencyBefore) = (await LatencyAsync(today.AddDays(-6), now), await LatencyAsync(today.AddDays(-13), today.AddDays(-6)));
        var active = (await app.Send(new ListAgentRuns(caller, 1, 1) { From = now.AddDays(-1) }, ct)).Total;
        return WhyOpsAnswers.Full(200, new
        {
            totalAgents = agents.Count,
            activeTraces = active,
            successRate = WhyOpsEntities.Rounded(rate),
            avgLatency = Words(latency ?? 0),
            successRateDelta = rate - before is { } delta ? WhyOpsEntities.Rounded(delta) : (double?)null,
            avgLatencyDeltaMs = latency - latencyBefore is { } ms ? Math.Round(ms) : (double?)null,
            timeline = week.Select(d => new { day = d.ToString("ddd", CultureInfo.InvariantCulture).ToUpperInvariant(), value = WhyOpsEntities.Rounded(RateOf([d])) }),
            agentsUsage = agents.OrderByDescending(a => a.Traces).ThenBy(a => a.Row.Name, StringComparer.Ordinal).Take(given.Whole("agentCount", 5, 1, 100))
                .ToDictionary(a => a.Row.Name, a => a.Traces),
        });

        double? RateOf(IReadOnlyList<DateTimeOffset> some)
        {
            var (events, errors) = (some.Sum(d => days.GetValueOrDefault(d)?.Events ?? 0), some.Sum(d => days.GetValueOrDefault(d)?.Errors ?? 0));
            return events == 0 ? null : 100.0 * (events - errors) / events;
        }

        async Task<double?> LatencyAsync(DateTimeOffset from, DateTimeOffset to) =>
            (await app.Send(new GetAnalytics(caller, from, to) { Percentiles = false }, ct)).Cells is [var cell] ? cell.Figures.AverageMs : null;
    }

    /// <summary>Everything in one row; the numbers are texts, as in the original. <c>startDate</c>, <c>endDate</c> narrow it.</summary>
    public static async Task<IResult> Summary(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var caller = Own(given, http.Caller());
        var figures = (await app.Send(Window(given, caller) with { Percentiles = false }, ct)).Cells is [var cell] ? cell.Figures : null;
        var threads = (await app.Send(new ListAgentRuns(caller, 1, 1) { From = given.Moment("startDate"), To = given.Moment("endDate") }, ct)).Total;
        return WhyOpsAnswers.Full(200, new
        {
            summary = new
            {
                totalRequests = Text(figures?.Requests), totalThreads = Text(threads), totalTokens = Text(figures?.TotalTokens), avgLatency = Text(figures?.AverageMs),
                errorCount = Text(figures?.Errors),
            },
        });
    }

    /// <summary>By <c>interval</c> hour, day or week (which begins on Monday); only those with requests in them. The last 30 days if not said otherwise.</summary>
    public static async Task<IResult> Timeline(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var caller = Own(given, http.Caller());
        var interval = given.Text("interval") ?? "day";
        if (interval is not ("hour" or "day" or "week")) throw new BadRequest("interval", "Invalid interval");
        var from = given.Moment("startDate") ?? clock.GetUtcNow().AddDays(-30);
        var query = Window(given, caller) with { From = from, By = interval == "hour" ? BucketWidth.Hour : BucketWidth.Day, Percentiles = false };
        var cells = (await app.Send(query, ct)).Cells.GroupBy(c => interval == "week" ? MondayOf(c.At!.Value) : c.At!.Value);
        return WhyOpsAnswers.Full(200, new
        {
            timeline = cells.Select(g => new
            {
                timestamp = g.Key.UtcDateTime,
                requestCount = g.Sum(c => c.Figures.Requests),
                totalTokens = g.Sum(c => c.Figures.TotalTokens),
                avgLatency = g.Sum(c => c.Figures.Timed) is > 0 and var timed ? g.Sum(c => c.Figures.AverageMs * c.Figures.Timed) / timed : null,
                errorCount = g.Sum(c => c.Figures.Errors),
            }),
        });
    }

    /// <summary>By provider and model, the busiest first.</summary>
    public static async Task<IResult> Usage(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new WhyOpsQuery(http.Request.Query);
        var query = Window(given, Own(given, http.Caller())) with { GroupBy = Dimensions.Provider | Dimensions.Model, Percentiles = false };
        return WhyOpsAnswers.Full(200, new
        {
            stats = (await app.Send(query, ct)).Cells.Select(c => new
            {
                provider = c.Group.Provider, model = c.Group.Model, requestCount = c.Figures.Requests, totalTokens = c.Figures.TotalTokens, avgLatency = c.Figures.AverageMs,
                errorCount = c.Figures.Errors,
            }),
        });
    }

    /// <summary><c>{"models": "x"}</c> gives its price, <c>{"models": ["x", "y"]}</c> those that are known.</summary>
    public static async Task<IResult> Costs(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        var models = json.IsArray ? default : json.Elements[0].Get("models");
        var prices = await app.Send(new GetPrices(http.Caller()), ct);
        if (models.ValueKind == JsonValueKind.Array && models.GetArrayLength() <= MostModels && models.EnumerateArray().All(m => m.ValueKind == JsonValueKind.String))
            return WhyOpsAnswers.Full(200, models.EnumerateArray().Select(PriceOf).OfType<WhyOpsPrice>().ToList());
        if (models.ValueKind == JsonValueKind.String)
            return WhyOpsAnswers.Full(200, PriceOf(models) ?? throw new NotFound("Model not found"));
        throw new BadRequest("models", $"models must be a text, or at most {MostModels} of them");

        WhyOpsPrice? PriceOf(JsonElement model)
        {
            var sanitised = false;
            return prices.Find(LenientText.Of(model, ref sanitised), clock.GetUtcNow()) is { } price ? WhyOpsPrice.Of(price) : null;
        }
    }

    /// <summary>A <c>userId</c> is a project here, and only the caller's own is answered.</summary>
    static Caller Own(WhyOpsQuery given, Caller caller) =>
        given.Text("userId") is { } user && user != caller.Project ? throw new Forbidden("PROJECT_ACCESS_DENIED", "Forbidden: userId is not yours") : caller;

    static GetAnalytics Window(WhyOpsQuery given, Caller caller) =>
        new(caller, given.Moment("startDate") ?? Time.At(Time.Earliest), given.Moment("endDate") ?? Time.At(Time.Latest));

    static DateTimeOffset MondayOf(DateTimeOffset day) => day.AddDays(-(((int)day.DayOfWeek + 6) % 7));

    static string Words(double ms) => ms < 1_000
        ? FormattableString.Invariant($"{Math.Round(ms)}ms")
        : FormattableString.Invariant($"{ms / 1_000:0.0}s");

    static string Text(double? number) => Math.Round(number ?? 0, 2).ToString(CultureInfo.InvariantCulture);
}

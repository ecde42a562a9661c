using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.Failures;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>Figures over time (contract 4.11). Unknown figures are null. Users and sessions are read from the requests themselves.</summary>
internal static class ObservatoryMetrics
{
    const int MostMetrics = 20;
    const int MostGroups = 5;
    const int MostPoints = 10_000;
    const int MostDays = 90;
    static readonly string[] s_percentiles = ["p50", "p90", "p95", "p99"];

    static readonly Dictionary<string, (Dimensions Dimension, Func<AnalyticsGroup, string?> Of)> s_dimensions = new(StringComparer.Ordinal)
    {
        ["provider"] = (Dimensions.Provider, g => g.Provider), ["model"] = (Dimensions.Model, g => g.Model), ["environment"] = (Dimensions.Environment, g => g.Environment),
        ["status_code"] = (Dimensions.Status, g => CodeOf(g)), ["user_id"] = (Dimensions.User, g => g.UserId), ["session_id"] = (Dimensions.Session, g => g.SessionId),
    };

    /// <summary>
    /// <c>GET /api/v1/metrics</c>: <c>metrics</c> (1 to 20 of 16 names), <c>interval</c> (1hour), <c>start_time</c> and <c>end_time</c> (the last 24 h, at
    /// most 90 days), <c>group_by</c> (at most 5), <c>aggregation</c>, <c>include_percentiles</c>; the newest first, at most 10,000 points.
    /// </summary>
    public static async Task Series(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var names = given.List("metrics");
        if (names.Count is 0 or > MostMetrics) throw new BadRequest("metrics", $"metrics must name 1 to {MostMetrics} of {string.Join(", ", ObservatoryMeasure.Metrics)}");
        var (by, times, interval) = ObservatoryIntervals.Named(given.Text("interval"));
        var measures = names.Distinct().Select(name => ObservatoryMeasure.Named(name, given.Text("aggregation"), lenient: true)).ToList();
        if (given.Flag("include_percentiles", false)) measures.AddRange(s_percentiles.Select(p => ObservatoryMeasure.Named("duration", p, lenient: false)));
        var groups = Groups(given.List("group_by"));

        var window = given.Times(days: 1, MostDays);
        var query = given.Ask(window) with
        {
            By = by, Times = times, GroupBy = groups.Aggregate(Dimensions.None, (all, g) => all | s_dimensions[g].Dimension), People = measures.Any(m => m.People),
            Percentiles = measures.Any(m => m.Percentile || m.Aggregation is "min" or "max"),
        };
        var cells = (await app.Send(query, ct)).Cells.OrderByDescending(c => c.At).Take(MostPoints).ToList();
        await WriteAsync(http, json =>
        {
            json.WriteStartObject("metadata");
            json.WriteString("interval", interval);
            Window(json, window);
            Texts(json, "metrics", names.Distinct());
            Texts(json, "group_by", groups);
            json.WriteString("data_source", query.FromSpans ? "raw" : "aggregate");
            json.WriteNumber("total_points", cells.Count);
            json.WriteEndObject();
            Points(json, cells, groups, [.. measures.DistinctBy(m => m.Column).Select(m => (m.Column, m))], (int)by * times);
        }, ct);
    }

    /// <summary><c>POST /api/v1/metrics/query</c>: the same with a filter, an aggregation for each metric, conditions on the results and an order of them.</summary>
    public static async Task Query(HttpContext http, IMediator app, CancellationToken ct)
    {
        using var received = await RequestBody.ReadAsync(http, ObservatoryQuery.MostBodyBytes, ct);
        using var document = ObservatoryQuery.Parse(received.Bytes);
        var asked = ObservatoryMetricsBody.Read(document.RootElement, http.Now());
        var groups = Groups(asked.GroupBy);
        var wanted = asked.Metrics.Select(m => m.Measure).Concat(asked.Having.Select(h => h.Measure)).ToList();
        var query = new GetAnalytics(ObservatoryWindow.Of(http.Caller(), http.Request.Query["project_id"]), asked.From, asked.To)
        {
            By = asked.By, Times = asked.Times, GroupBy = groups.Aggregate(Dimensions.None, (all, g) => all | s_dimensions[g].Dimension),
            People = wanted.Any(m => m.People) || asked.Filters.Any(f => f.Dimension is "user_id" or "session_id"),
            Percentiles = wanted.Any(m => m.Percentile || m.Aggregation is "min" or "max"),
            Where = asked.Filters.Count == 0 ? null : group => asked.Filters.All(f => f.Takes(s_dimensions[f.Dimension].Of(group) ?? "")),
        };
        var seconds = (int)asked.By * asked.Times;
        var cells = (await app.Send(query, ct)).Cells.Where(c => asked.Having.All(h => h.Holds(c.Figures, seconds))).OrderByDescending(c => c.At).ToList();
        if (asked.SortBy is { } sort) cells = [.. sort.Descending ? cells.OrderByDescending(c => sort.By.Of(c.Figures, seconds)) : cells.OrderBy(c => sort.By.Of(c.Figures, seconds))];
        cells = [.. cells.Take(asked.Limit)];
        await WriteAsync(http, json =>
        {
            json.WriteStartObject("metadata");
            json.WriteString("interval", asked.Interval);
            Window(json, (asked.From, asked.To));
            Texts(json, "group_by", groups);
            json.WriteNumber("filters_applied", asked.Filters.Count);
            json.WriteNumber("having_conditions", asked.Having.Count);
            json.WriteNumber("total_rows", cells.Count);
            json.WriteEndObject();
            Points(json, cells, groups, [.. asked.Metrics.Select(m => (m.Alias ?? m.Measure.Column, m.Measure))], seconds);
        }, ct);
    }

    /// <summary><c>GET /api/v1/metrics/summary</c>: a period beside the one before it, changes in percent, and what stands out.</summary>
    public static async Task<IResult> Summary(HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new ObservatoryWindow(http);
        var window = given.Times(days: 1, MostDays);
        var compare = given.Flag("compare_previous_period", true);
        var current = await PeriodAsync(given, window, app, ct);
        var previous = compare ? await PeriodAsync(given, (window.From - (window.To - window.From), window.From), app, ct) : null;
        var models = (await app.Send(given.Ask(window) with { GroupBy = Dimensions.Provider | Dimensions.Model }, ct)).Cells;
        var groups = await app.Send(
            new ListFailureGroups(given.Caller, window.From, window.To, 5) { Category = "failed", Environment = given.Text("environment"), Model = given.Text("model") }, ct);
        var errors = current.Figures.Errors;
        return Results.Json(new
        {
            current_period = Shown(current, window),
            previous_period = previous is null ? null : Shown(previous, (window.From - (window.To - window.From), window.From)),
            changes = previous is null ? null : new
            {
                requests_change_pct = Percent(previous.Figures.Requests, current.Figures.Requests),
                cost_change_pct = Percent((double?)previous.Figures.TotalUsd(), (double?)current.Figures.TotalUsd()),
                duration_change_pct = Percent(previous.Figures.AverageMs, current.Figures.AverageMs),
                error_rate_change_pct = Percent(previous.Figures.ErrorRate, current.Figures.ErrorRate),
            },
            top_items = new
            {
                by_cost = Top(models, f => (double?)f.TotalUsd()), by_requests = Top(models, f => f.Requests), by_duration = Top(models, f => f.AverageMs),
                by_errors = Top(models, f => f.Errors == 0 ? null : f.Errors),
            },
            quality = new
            {
                error_count = errors, success_count = current.Figures.Requests - errors, error_rate = current.Figures.ErrorRate, success_rate = 1 - current.Figures.ErrorRate,
                most_common_errors = groups.Groups.OrderByDescending(g => g.Count).Select(g => new
                {
                    status_code = "ERROR", g.Count, percentage = 100.0 * g.Count / Math.Max(1, groups.Groups.Sum(x => x.Count)), sample_message = g.Message,
                }),
            },
        }, Envelope.Full);
    }

    static async Task<AnalyticsCell> PeriodAsync(ObservatoryWindow given, (DateTimeOffset From, DateTimeOffset To) window, IMediator app, CancellationToken ct) =>
        (await app.Send(given.Ask(window) with { People = true, Percentiles = true }, ct)).Cells is [var all] ? all : new(null, new(null, null, null, null, null), new());

    static object Shown(AnalyticsCell cell, (DateTimeOffset From, DateTimeOffset To) window) => new
    {
        start_time = window.From.UtcDateTime, end_time = window.To.UtcDateTime, total_requests = cell.Figures.Requests, total_cost_usd = cell.Figures.TotalUsd(),
        total_tokens = cell.Figures.TotalTokens, avg_duration_ms = cell.Figures.AverageMs, p95_duration_ms = cell.Figures.PercentileMs(95), error_rate = cell.Figures.ErrorRate,
        success_rate = 1 - cell.Figures.ErrorRate, unique_users = cell.Figures.Users, unique_sessions = cell.Figures.Sessions,
    };

    static IEnumerable<object> Top(IReadOnlyList<AnalyticsCell> models, Func<Figures, double?> by)
    {
        var all = models.Sum(m => by(m.Figures) ?? 0);
        return models.Where(m => by(m.Figures) is not null).OrderByDescending(m => by(m.Figures)).Take(10).Select(m => new
        {
            m.Group.Provider, m.Group.Model, value = by(m.Figures), percentage = all == 0 ? 0 : 100 * by(m.Figures) / all,
        });
    }

    /// <summary>Null where there was nothing to compare with.</summary>
    internal static double? Percent(double? before, double? after) => before is null or 0 || after is null ? null : 100 * (after - before) / before;

    static string CodeOf(AnalyticsGroup group) => group.Status == Domain.Traces.SpanStatus.Error ? "ERROR" : "SUCCESS";

    static List<string> Groups(IReadOnlyList<string> names)
    {
        if (names.Count > MostGroups) throw new BadRequest("group_by", $"group_by has at most {MostGroups} names");
        foreach (var name in names)
            if (!s_dimensions.ContainsKey(name)) throw new BadRequest("group_by", $"Unknown dimension '{name}'; there are {string.Join(", ", s_dimensions.Keys)}");
        return [.. names.Distinct()];
    }

    public static bool IsDimension(string name) => s_dimensions.ContainsKey(name);

    static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write, CancellationToken ct)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        await using (var json = new Utf8JsonWriter(http.Response.BodyWriter, new() { Encoder = Envelope.Json.Encoder }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        await http.Response.BodyWriter.FlushAsync(ct);
    }

    static void Window(Utf8JsonWriter json, (DateTimeOffset From, DateTimeOffset To) window)
    {
        json.WriteString("start_time", window.From.UtcDateTime);
        json.WriteString("end_time", window.To.UtcDateTime);
    }

    static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    static void Points(Utf8JsonWriter json, List<AnalyticsCell> cells, List<string> groups, IReadOnlyList<(string Name, ObservatoryMeasure Measure)> measures, int seconds)
    {
        json.WriteStartArray("data");
        foreach (var cell in cells)
        {
            json.WriteStartObject();
            json.WriteString("timestamp", cell.At!.Value.UtcDateTime);
            foreach (var group in groups) json.WriteString(group, s_dimensions[group].Of(cell.Group));
            foreach (var (name, measure) in measures) measure.Write(json, name, cell.Figures, seconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>The body of <c>POST /api/v1/metrics/query</c>; what cannot be understood is refused by name.</summary>
internal sealed record ObservatoryMetricsBody(
    IReadOnlyList<(ObservatoryMeasure Measure, string? Alias)> Metrics, BucketWidth By, int Times, string Interval, DateTimeOffset From, DateTimeOffset To,
    IReadOnlyList<string> GroupBy, IReadOnlyList<MetricFilter> Filters, IReadOnlyList<MetricBound> Having, (ObservatoryMeasure By, bool Descending)? SortBy, int Limit)
{
    const int MostMetrics = 20;
    const int MostHaving = 10;
    const int MostFilters = 50;
    const int MostRows = 10_000;

    public static ObservatoryMetricsBody Read(JsonElement root, DateTimeOffset now)
    {
        var body = new ObservatoryQuery.Body(root);
        var metrics = Each(body, "metrics", MostMetrics).Select(m => (Measure(m), m.Text("alias"))).ToList();
        if (metrics.Count == 0) throw new BadRequest("metrics", $"metrics must hold 1 to {MostMetrics} of {{metric, aggregation, alias}}");
        var names = metrics.Select(m => m.Item2 ?? m.Item1.Column).Concat(body.Texts("group_by") ?? []).Append("timestamp").ToList();
        if (names.Distinct().Count() != names.Count) throw new BadRequest("metrics", "Two members of a row would have one name; give one an alias");
        var (by, times, interval) = ObservatoryIntervals.Named(body.Text("interval"));
        var to = Time(body, "end_time", now) ?? now;
        var (from, end) = ObservatoryWindow.Checked(Time(body, "start_time", now) ?? now.AddDays(-1), to, 90, "start_time");
        var limit = body.Whole("limit") ?? 1_000;
        if (limit is < 1 or > MostRows) throw new BadRequest("limit", $"limit must be between 1 and {MostRows}");
        return new(
            metrics, by, times, interval, from, end, body.Texts("group_by") ?? [], [.. Each(body, "filters", MostFilters).Select(MetricFilter.Read)],
            [.. Each(body, "having", MostHaving).Select(h => MetricBound.Read(h, Measure(h)))], Sort(body), (int)limit);
    }

    static ObservatoryMeasure Measure(ObservatoryQuery.Body m) =>
        ObservatoryMeasure.Named(m.Text("metric") ?? throw new BadRequest("metrics", "metric is required"), m.Text("aggregation"), lenient: false);

    static (ObservatoryMeasure, bool)? Sort(ObservatoryQuery.Body body)
    {
        if (body.Member("sort_by") is not { } node) return null;
        if (node.ValueKind != JsonValueKind.Object) throw new BadRequest("sort_by", "sort_by must be {field, descending}");
        var sort = new ObservatoryQuery.Body(node);
        return (ObservatoryMeasure.Named(sort.Text("field") ?? throw new BadRequest("sort_by", "sort_by.field is required"), null, lenient: true), sort.Flag("descending"));
    }

    static DateTimeOffset? Time(ObservatoryQuery.Body body, string name, DateTimeOffset now) => body.Text(name) is not { } text ? null
        : ObservatoryTimes.TryParse(text, now, out var time) ? time
        : throw new BadRequest(name, $"{name} must be an ISO 8601 time, now, or now-1h");

    static List<ObservatoryQuery.Body> Each(ObservatoryQuery.Body body, string name, int most)
    {
        if (body.Member(name) is not { } list) return [];
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > most || list.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Object))
            throw new BadRequest(name, $"{name} must be an array of at most {most} objects");
        return [.. list.EnumerateArray().Select(e => new ObservatoryQuery.Body(e))];
    }
}

/// <summary>A condition on what requests have in common: <c>{dimension, operator: eq|ne|in|not_in, value}</c>.</summary>
internal sealed record MetricFilter(string Dimension, bool Negated, IReadOnlyList<string> Values)
{
    public bool Takes(string value) => Values.Contains(value) != Negated;

    public static MetricFilter Read(ObservatoryQuery.Body node)
    {
        var dimension = node.Text("dimension") ?? "";
        if (!ObservatoryMetrics.IsDimension(dimension)) throw new BadRequest("filters", $"Unknown dimension '{dimension}'");
        var op = node.Text("operator");
        if (op is not ("eq" or "ne" or "in" or "not_in")) throw new BadRequest("filters", "operator must be eq, ne, in or not_in");
        var values = op is "eq" or "ne" ? [node.Text("value") ?? throw new BadRequest("filters", "value must be a string")]
            : node.Texts("value") is { Count: > 0 and <= 1_000 } list ? list : throw new BadRequest("filters", "value must be an array of 1 to 1000 strings");
        return new(dimension, op is "ne" or "not_in", dimension == "status_code" ? [.. values.Select(v => v.Equals("OK", StringComparison.OrdinalIgnoreCase) ? "SUCCESS" : v.ToUpperInvariant())] : values);
    }
}

/// <summary>A condition on a figure of a row: <c>{metric, aggregation, operator: gt|gte|lt|lte|eq, value}</c>. An unknown figure meets none.</summary>
internal sealed record MetricBound(ObservatoryMeasure Measure, string Operator, double Value)
{
    public bool Holds(Figures figures, double seconds) => Measure.Of(figures, seconds) is { } value && Operator switch
    {
        "gt" => value > Value,
        "gte" => value >= Value,
        "lt" => value < Value,
        "lte" => value <= Value,
        _ => value == Value,
    };

    public static MetricBound Read(ObservatoryQuery.Body node, ObservatoryMeasure measure)
    {
        if (node.Text("operator") is not ("gt" or "gte" or "lt" or "lte" or "eq")) throw new BadRequest("having", "operator must be gt, gte, lt, lte or eq");
        return node.Member("value") is { ValueKind: JsonValueKind.Number } value
            ? new(measure, node.Text("operator")!, value.GetDouble())
            : throw new BadRequest("having", "value must be a number");
    }
}

using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>A figure by its name and aggregation as the contract's metrics doors know them. ms, USD, shares from 0 to 1.</summary>
/// <param name="Column">Its name in answers.</param>
internal sealed record ObservatoryMeasure(string Metric, string Aggregation, string Column, Func<Figures, double, double?> Of)
{
    /// <summary>Whole numbers are shown without a fraction.</summary>
    public bool Whole { get; init; }
    /// <summary>Users and sessions have to be counted.</summary>
    public bool People => Metric is "unique_users" or "unique_sessions";
    public bool Percentile => Aggregation[0] == 'p';

    /// <summary>The sixteen metrics: the usual aggregation, and the column of that.</summary>
    static readonly Dictionary<string, (string Usual, string Column)> s_metrics = new(StringComparer.Ordinal)
    {
        ["request_count"] = ("sum", "request_count"), ["duration"] = ("avg", "avg_duration_ms"), ["total_cost"] = ("sum", "total_cost_usd"),
        ["prompt_cost"] = ("sum", "total_prompt_cost"), ["completion_cost"] = ("sum", "total_completion_cost"), ["total_tokens"] = ("sum", "total_tokens"),
        ["prompt_tokens"] = ("sum", "total_prompt_tokens"), ["completion_tokens"] = ("sum", "total_completion_tokens"), ["error_count"] = ("sum", "error_count"),
        ["success_count"] = ("sum", "success_count"), ["error_rate"] = ("avg", "error_rate"), ["success_rate"] = ("avg", "success_rate"),
        ["throughput"] = ("avg", "throughput"), ["time_to_first_token"] = ("avg", "avg_ttft_ms"), ["unique_users"] = ("count", "unique_users"),
        ["unique_sessions"] = ("count", "unique_sessions"),
    };

    static readonly string[] s_aggregations = ["avg", "sum", "min", "max", "count", "p50", "p90", "p95", "p99"];

    public static IReadOnlyList<string> Aggregations => s_aggregations;

    public static IEnumerable<string> Metrics => s_metrics.Keys;

    /// <param name="aggregation">Null: the usual one.</param>
    /// <param name="lenient">The usual one, too, where the metric has no such aggregation; else that is refused.</param>
    /// <exception cref="BadRequest">There is no such metric.</exception>
    public static ObservatoryMeasure Named(string metric, string? aggregation, bool lenient)
    {
        if (!s_metrics.TryGetValue(metric, out var known)) throw new BadRequest("metrics", $"Unknown metric '{metric}'; there are {string.Join(", ", s_metrics.Keys)}");
        if (aggregation is not null && !s_aggregations.Contains(aggregation)) throw new BadRequest("aggregation", $"aggregation must be one of {string.Join(", ", s_aggregations)}");
        var asked = aggregation ?? known.Usual;
        if (Function(metric, asked) is not { } of)
        {
            if (!lenient) throw new BadRequest("aggregation", $"'{metric}' has no aggregation '{asked}'");
            (asked, of) = (known.Usual, Function(metric, known.Usual)!);
        }
        var column = asked == known.Usual ? known.Column
            : metric == "duration" ? $"{asked}_duration_ms"
            : metric == "time_to_first_token" ? $"{asked}_ttft_ms"
            : $"{asked}_{metric}";
        return new(metric, asked, column, of) { Whole = asked is "sum" or "count" && !metric.EndsWith("_cost", StringComparison.Ordinal) && metric is not ("duration" or "time_to_first_token") || asked == "count" };
    }

    public void Write(Utf8JsonWriter json, string name, Figures figures, double seconds)
    {
        if (Of(figures, seconds) is not { } value || !double.IsFinite(value)) json.WriteNull(name);
        else if (Whole) json.WriteNumber(name, (long)value);
        else json.WriteNumber(name, Math.Round((decimal)value, 12));
    }

    static Func<Figures, double, double?>? Function(string metric, string aggregation) => metric switch
    {
        "duration" => aggregation switch
        {
            "avg" => (f, _) => f.AverageMs,
            "sum" => (f, _) => f.TotalMs,
            "count" => (f, _) => f.Timed,
            _ => (f, _) => f.PercentileMs(Percent(aggregation)),
        },
        "time_to_first_token" => aggregation switch
        {
            "avg" => (f, _) => f.AverageFirstTokenMs,
            "sum" => (f, _) => f.TotalFirstTokenMs,
            "count" => (f, _) => f.TimedToFirstToken,
            _ => (f, _) => f.FirstTokenPercentileMs(Percent(aggregation)),
        },
        "error_rate" => aggregation == "avg" ? (f, _) => f.ErrorRate : null,
        "success_rate" => aggregation == "avg" ? (f, _) => 1 - f.ErrorRate : null,
        "throughput" => aggregation == "avg" ? (f, seconds) => f.Requests / seconds : null,
        "unique_users" => aggregation == "count" ? (f, _) => f.Users : null,
        "unique_sessions" => aggregation == "count" ? (f, _) => f.Sessions : null,
        _ => aggregation switch
        {
            "sum" => (f, _) => Sum(metric, f),
            "avg" => (f, _) => f.Requests == 0 ? null : Sum(metric, f) / f.Requests,
            "count" => (f, _) => f.Requests,
            _ => null,
        },
    };

    /// <summary>The least is the first of all, the most the last.</summary>
    static double Percent(string aggregation) => aggregation switch { "min" => 0, "max" => 100, "p50" => 50, "p90" => 90, "p95" => 95, _ => 99 };

    static double? Sum(string metric, Figures f) => metric switch
    {
        "request_count" => f.Requests,
        "error_count" => f.Errors,
        "success_count" => f.Requests - f.Errors,
        "total_tokens" => f.TotalTokens,
        "prompt_tokens" => f.PromptTokens,
        "completion_tokens" => f.OutputTokens,
        "total_cost" => (double?)f.TotalUsd(),
        "prompt_cost" => (double?)f.PromptUsd(),
        _ => (double?)f.CompletionUsd(),
    };
}

/// <summary>Figures as money in USD; null where no price is known.</summary>
internal static class FiguresInUsd
{
    public static decimal? TotalUsd(this Figures f) => TreeJson.UsdOf(f.Cost.Total);

    public static decimal? PromptUsd(this Figures f) =>
        TreeJson.UsdOf(Domain.Traces.Usage.Add(Domain.Traces.Usage.Add(f.Cost.Input, f.Cost.CacheRead), f.Cost.CacheWrite));

    public static decimal? CompletionUsd(this Figures f) => TreeJson.UsdOf(f.Cost.Output);

    public static decimal? PerRequestUsd(this Figures f) => f.Requests == 0 ? null : f.TotalUsd() / f.Requests;
}

/// <summary>The contract's intervals to ours.</summary>
internal static class ObservatoryIntervals
{
    public static (BucketWidth By, int Times, string Name) Named(string? name) => name switch
    {
        "1min" or "one_minute" => (BucketWidth.Minute, 1, "1min"),
        "5min" or "five_minutes" => (BucketWidth.Minute, 5, "5min"),
        null or "1hour" or "one_hour" => (BucketWidth.Hour, 1, "1hour"),
        "1day" or "one_day" => (BucketWidth.Day, 1, "1day"),
        _ => throw new BadRequest("interval", "interval must be 1min, 5min, 1hour or 1day"),
    };
}

namespace Hindcast.Domain.Alerts;

/// <summary>What a rule looks at, of the requests that its filter takes and that began in its window.</summary>
public enum AlertMetric
{
    /// <summary>Failed ones, from 0 to 1; unknown when there were none.</summary>
    ErrorRate,
    /// <summary>The 95th percentile of the durations, within 1 %; unknown when none is known.</summary>
    P95Ms,
    /// <summary>What is known of their cost; unknown when there were some and no price for any of them.</summary>
    CostUsd,
    /// <summary>How many.</summary>
    Requests,
    /// <summary>How many, too; the rule fires when there were none, and has no comparison.</summary>
    Absence,
}

/// <summary>As the operators of the filter language are called.</summary>
public enum AlertComparison { Gt, Gte, Lt, Lte }

/// <summary>What is worth waking somebody for.</summary>
public sealed record Alert
{
    public const int LongestWindow = 24 * 60;
    public const int LongestCooldown = 7 * 24 * 60;

    public required string Id { get; init; }
    public required string Project { get; init; }
    public required string Name { get; init; }
    /// <summary>JSON of the filter language; null: every request.</summary>
    public string? Filter { get; init; }
    public required AlertMetric Metric { get; init; }
    public required int WindowMinutes { get; init; }
    public AlertComparison Comparison { get; init; }
    /// <summary>A share, ms, USD or requests, as the metric has it.</summary>
    public double Threshold { get; init; }
    /// <summary>Counted from a firing on; it does not fire again before.</summary>
    public int CooldownMinutes { get; init; }
    public bool Enabled { get; init; } = true;
    public required string WebhookUrl { get; init; }
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset Updated { get; init; }

    /// <summary>Whether a value is worth it; null when the value is unknown, which is neither.</summary>
    public bool? Holds(double? value) => value is not { } known ? null : Metric == AlertMetric.Absence ? known == 0 : Comparison switch
    {
        AlertComparison.Gt => known > Threshold,
        AlertComparison.Gte => known >= Threshold,
        AlertComparison.Lt => known < Threshold,
        _ => known <= Threshold,
    };
}

public enum AlertTurn { Firing, Resolved }

/// <summary>How far a rule has been looked at, and what came of it.</summary>
/// <param name="Evaluated">The end of the last window.</param>
/// <param name="FiredAt">The end of the window it fired last for.</param>
/// <param name="Value">Of the last window; null when unknown.</param>
/// <param name="Trouble">Why the last windows could not be measured; null: they were.</param>
public sealed record AlertState(DateTimeOffset Evaluated, bool Firing = false, DateTimeOffset? FiredAt = null, double? Value = null, string? Trouble = null)
{
    /// <summary>What one more window makes of it. It turns once each way however often it is true, and an unknown value turns nothing.</summary>
    public (AlertState State, AlertTurn? Turn) See(Alert rule, DateTimeOffset windowEnd, double? value)
    {
        var seen = this with { Evaluated = windowEnd, Value = value, Trouble = null };
        return rule.Holds(value) switch
        {
            true when !Firing && !(windowEnd < FiredAt?.AddMinutes(rule.CooldownMinutes)) => (seen with { Firing = true, FiredAt = windowEnd }, AlertTurn.Firing),
            false when Firing => (seen with { Firing = false }, AlertTurn.Resolved),
            _ => (seen, null),
        };
    }
}

namespace Hindcast.Domain.Retention;

/// <summary>How long a project keeps its traces, and, as it is set, the fact that says so.</summary>
[EventName("retention_set")]
public sealed record RetentionSet
{
    public const int MostDays = 36_500;

    /// <summary>A trace goes so many days after its last fact was recorded, by our clock; null: never.</summary>
    public int? Days { get; init; }

    /// <summary>When somebody last agreed that much may go at once: what was old enough by then goes without another question.</summary>
    public DateTimeOffset? ConfirmedAt { get; init; }
}

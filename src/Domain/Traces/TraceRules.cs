namespace Hindcast.Domain.Traces;

/// <summary>The limits a trace keeps; <c>GET /limits</c> shows them.</summary>
public static class TraceRules
{
    public const int LongestTraceId = 128;
    public const int LongestSpanId = 128;
    public const int LongestEventId = 255;
    public const int LongestName = 255;
    public const int LongestUser = 255;
    public const int MostAttributes = 128;
    public const int LongestAttributeKey = 255;
    public const int MostEventsPerTrace = 100_000;

    /// <summary>Client clocks are believed between these two; outside, the time is moved to the nearer bound and the fact says so.</summary>
    public static readonly DateTimeOffset EarliestTime = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan FurthestFuture = TimeSpan.FromHours(24);
}

/// <summary>A trace belongs to the agent of its first event (WhyOps contract, 4.5); versions of that agent are free.</summary>
public sealed class TraceBoundToAnotherAgent() : RuleBroken("Trace is already bound to a different agent/version for this traceId");

public sealed class TraceTooLarge() : RuleBroken($"The trace already holds {TraceRules.MostEventsPerTrace} events.");

/// <summary>It was erased, or its user was: what comes late would bring back what was to be forgotten.</summary>
public sealed class TraceIsErased() : RuleBroken("The trace was erased or has expired; nothing can be added to it.");

/// <summary>The same id came with another content: one of the two is wrong, and which one is not ours to guess.</summary>
public sealed class EventIdTaken() : RuleBroken("This event id is already taken by an event with another content.");

namespace Hindcast.Domain.Traces;

/// <summary>The last fact of a trace that was erased: what was said in it cannot be read any more.</summary>
[EventName("trace_erased")]
public sealed record TraceErased;

/// <summary>The last fact of a trace that is older than its project keeps traces: no door shows any of it, and only sums stay.</summary>
[EventName("trace_expired")]
public sealed record TraceExpired;

/// <summary>One who spoke in a trace was erased: what is sealed with that user's key cannot be read any more.</summary>
[EventName("part_erased")]
public sealed record PartErased;

/// <summary>A user was erased, in a stream of its own that goes by the keyed hash of the name.</summary>
[EventName("user_erased")]
public sealed record UserErased(int Traces, int Shared);

using Hindcast.Domain.Traces;

namespace Hindcast.Application.EventSourcing;

/// <summary>
/// The clear part of a stored fact: what projections need most, and nothing anybody said. Names and prompts are in the content, which can
/// be sealed; users appear as <see cref="Subject"/> only, a keyed hash.
/// </summary>
public sealed record Header
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;
    public required string Type { get; init; }
    public string Org { get; init; } = "default";
    public required string Project { get; init; }
    public string? Environment { get; init; }
    public required Guid EventId { get; init; }
    /// <summary>When it happened, by the sender's clock.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>The sender's time lay outside what is believed and was moved to the nearer bound.</summary>
    public bool AtMoved { get; init; }
    /// <summary>When we took it, by our clock.</summary>
    public DateTimeOffset RecordedAt { get; init; }
    public required Source Source { get; init; }
    public string? TraceId { get; init; }
    public string? SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    public string? Kind { get; init; }
    public int? Step { get; init; }
    public int? ParentStep { get; init; }
    /// <summary>The sender named the parent step; otherwise it is only the step before.</summary>
    public bool ParentStepGiven { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public Usage? Usage { get; init; }
    /// <summary>Whose data the content is: a keyed hash of the user, never the name.</summary>
    public string? Subject { get; init; }
    /// <summary>What the project's redaction found in the content; null: nothing.</summary>
    public IReadOnlyList<Mark>? Marks { get; init; }
    public Running Running { get; init; } = Running.Nothing;
    /// <summary>The key the content is sealed with; null when it is clear.</summary>
    public string? SealedBy { get; init; }
    /// <summary>How many bytes of the content are the payload as received; what follows is context JSON that came beside it. Null: all.</summary>
    public int? PayloadBytes { get; init; }
    /// <summary>SHA-256 of the fact before it in its stream; empty for the first.</summary>
    public ReadOnlyMemory<byte> Previous { get; init; }
}

/// <summary>Who read the fact in: the dialect, the version of its reading, and the API key it came with.</summary>
public sealed record Source(string Dialect, int Mapper, string? KeyId);

/// <summary>A rule of redaction found something in the content so many times; <paramref name="Replaced"/>: and none of it is stored.</summary>
public sealed record Mark(string Rule, bool Replaced, int Count);

/// <summary>Figures of a stream up to and including a fact, so that appending needs its last fact only.</summary>
public sealed record Running(int Events, int MaxStep, long Bytes, string? Agent)
{
    public static readonly Running Nothing = new(0, 0, 0, null);

    /// <summary>Nothing follows on this: the trace was erased, or is older than its project keeps traces.</summary>
    public bool Closed { get; init; }
}

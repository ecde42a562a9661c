using System.Text.Json;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Traces;

/// <summary>
/// What a dialect reads out of a payload. The small, typed part is read at the door and goes into the clear header; the texts are read
/// when a view needs them, so that a better reading later is a rebuild and never a migration.
/// </summary>
public sealed record Reading
{
    public string? Kind { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public Usage? Usage { get; init; }
    public string? Environment { get; init; }
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Agent { get; init; }
    public string? Name { get; init; }
    public TimeSpan? Latency { get; init; }
    public TimeSpan? TimeToFirstToken { get; init; }
    /// <summary>When the span began, where the fact is told at another time than its end.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>How it went, where the payload says; a closing fact that does not say was a success.</summary>
    public SpanStatus? Status { get; init; }
    /// <summary>Why it failed, in a sentence.</summary>
    public string? Error { get; init; }

    // Texts: read only when asked for.

    /// <summary>JSON text.</summary>
    public string? Input { get; init; }
    /// <summary>JSON text; of a thinking fact the thought, of a score the value.</summary>
    public string? Output { get; init; }
    /// <summary>JSON text: what else is known of an error.</summary>
    public string? ErrorDetail { get; init; }
    public string? Comment { get; init; }
    public string? ScoreSource { get; init; }
    /// <summary>Values as JSON text.</summary>
    public IReadOnlyDictionary<string, string>? Attributes { get; init; }
    public bool Sanitised { get; init; }
}

/// <summary>Reads the payloads of one dialect, every version of them it ever took in.</summary>
public interface IPayloadReader
{
    /// <summary>As it stands in <c>Source.Dialect</c> of the facts.</summary>
    string Dialect { get; }

    /// <summary>Raised with every change of the reading; stored with each fact.</summary>
    int Version { get; }

    /// <param name="type">The type of the fact: one payload can have made several facts.</param>
    /// <param name="payload">The element as it was received.</param>
    /// <param name="texts">False at the door, where only the typed part is needed.</param>
    Reading Read(string type, JsonElement payload, bool texts);

    /// <summary>The payload without what the rules find in its texts; as it was when they find nothing.</summary>
    ReadOnlyMemory<byte> Redact(ReadOnlyMemory<byte> payload, RedactionPass pass) => RedactedJson.Rewrite(payload, pass);
}

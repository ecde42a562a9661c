using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hindcast.Client;

/// <summary>What any event may say besides its own: times are UTC, steps count from 1.</summary>
public sealed record EventOptions
{
    /// <summary>The span it belongs to; the server gives one where there is none.</summary>
    public string? SpanId { get; init; }
    /// <summary>The span it hangs under.</summary>
    public string? ParentSpanId { get; init; }
    /// <summary>Its place in the run; the server counts on where there is none.</summary>
    public int? StepId { get; init; }
    /// <summary>The step it follows from.</summary>
    public int? ParentStepId { get; init; }
    /// <summary>When it happened; now where there is none.</summary>
    public DateTimeOffset? Timestamp { get; init; }
    /// <summary>Two events of a trace with one key are one; a new key where there is none.</summary>
    public string? IdempotencyKey { get; init; }
    /// <summary>Your own user.</summary>
    public string? ExternalUserId { get; init; }
}

/// <summary>A message as models take it; the content is a text or any JSON.</summary>
public sealed record Message(string Role, object Content);

/// <summary>A call of a tool with its arguments.</summary>
public sealed record ToolCall(string Name, object? Arguments = null);

/// <summary>Tokens of one call. Null is unknown.</summary>
public sealed record TokenUsage
{
    /// <summary>What went in.</summary>
    public long? PromptTokens { get; init; }
    /// <summary>What came out.</summary>
    public long? CompletionTokens { get; init; }
    /// <summary>All of it, as the provider counts.</summary>
    public long? TotalTokens { get; init; }
    /// <summary>Read from the provider's cache.</summary>
    public long? CacheReadTokens { get; init; }
    /// <summary>Written to the provider's cache.</summary>
    public long? CacheCreationTokens { get; init; }
}

/// <summary>An event as it is sent.</summary>
internal sealed record Event
{
    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required string EventType { get; init; }
    public required string TraceId { get; init; }
    public required string AgentName { get; init; }
    public object? Content { get; init; }
    public object? Metadata { get; init; }
    public string? SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    public int? StepId { get; init; }
    public int? ParentStepId { get; init; }
    public required string Timestamp { get; init; }
    public required string IdempotencyKey { get; init; }
    public string? ExternalUserId { get; init; }

    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, s_json);
}

namespace Hindcast.Domain.Traces;

/// <summary>
/// Something that happened in a trace. What all kinds of fact share stands here; each kind adds what only it knows.
/// <c>Input</c>, <c>Output</c> and attribute values are JSON text, so that what was sent can be shown as it was sent.
/// </summary>
public abstract record SpanEvent
{
    public required Guid EventId { get; init; }
    public required string TraceId { get; init; }
    /// <summary>When it happened, by the sender's clock; whole microseconds.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>The span it belongs to; null only for a score of the whole trace.</summary>
    public string? SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    /// <summary>WhyOps' position in the run, from 1.</summary>
    public int? Step { get; init; }
    /// <summary>The step of the parent, only where the sender gave it.</summary>
    public int? ParentStep { get; init; }
    public string? Name { get; init; }
    public string? Kind { get; init; }
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Environment { get; init; }
    public string? Agent { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public Usage? Usage { get; init; }
    /// <summary>How long the thing took that this fact ends.</summary>
    public TimeSpan? Latency { get; init; }
    public TimeSpan? TimeToFirstToken { get; init; }
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = None;
    /// <summary>Some text held NUL or half a surrogate pair and shows U+FFFD in its place.</summary>
    public bool Sanitised { get; init; }

    static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();
}

/// <summary>Opens a span: what went in, and that it runs.</summary>
public abstract record Opening : SpanEvent
{
    public string? Input { get; init; }
}

/// <summary>Closes a span: what came out, and how it went.</summary>
public abstract record Closing : SpanEvent
{
    /// <summary>When the span began, where it is told at another time than its end; it then ended <see cref="SpanEvent.Latency"/> later.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>What went in, where the sender says it only at the end.</summary>
    public string? Input { get; init; }
    public string? Output { get; init; }
    public SpanStatus Status { get; init; } = SpanStatus.Success;
    public string? Error { get; init; }
}

/// <summary>Happens at one moment: a span of its own unless it names another's.</summary>
public abstract record Moment : SpanEvent;

[EventName("span_started")] public sealed record SpanStarted : Opening;
[EventName("span_ended")] public sealed record SpanEnded : Closing;
[EventName("llm_request")] public sealed record LlmRequest : Opening;
[EventName("llm_response")] public sealed record LlmResponse : Closing;
[EventName("embedding_request")] public sealed record EmbeddingRequest : Opening;
[EventName("embedding_response")] public sealed record EmbeddingResponse : Closing;
[EventName("tool_call_request")] public sealed record ToolCallRequest : Opening;
[EventName("tool_call_response")] public sealed record ToolCallResponse : Closing;

[EventName("user_message")]
public sealed record UserMessage : Moment
{
    public string? Input { get; init; }
}

[EventName("llm_thinking")]
public sealed record LlmThinking : Moment
{
    public string? Thinking { get; init; }
}

[EventName("tool_result")]
public sealed record ToolResult : Moment
{
    public string? Output { get; init; }
}

[EventName("error")]
public sealed record ErrorRaised : Moment
{
    public required string Message { get; init; }
    /// <summary>Everything the sender said of it: status, stack.</summary>
    public string? Detail { get; init; }
}

/// <summary>Something said of a span from beside it, as a log record does: what went in or came out. It neither opens nor closes the span.</summary>
[EventName("span_noted")]
public sealed record SpanNoted : Moment
{
    public string? Input { get; init; }
    public string? Output { get; init; }
}

/// <summary>A product event such as Trubrics': somebody signed up, converted, clicked.</summary>
[EventName("product_event")]
public sealed record ProductEvent : Moment
{
    public string? Properties { get; init; }
}

/// <summary>Feedback on a span, or on the whole trace.</summary>
[EventName("score")]
public sealed record ScoreGiven : Moment
{
    /// <summary>A number, a text or a boolean, as JSON.</summary>
    public required string Value { get; init; }
    public string? Comment { get; init; }
    public string? Source { get; init; }
}

public enum SpanStatus
{
    Running,
    Success,
    Warning,
    Error,
}

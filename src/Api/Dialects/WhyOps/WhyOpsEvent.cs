namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>The part of an event the door itself acts on, checked; the rest stays in the payload.</summary>
internal sealed record WhyOpsEvent
{
    /// <summary>
    /// The event types of the original, in its order. All but <see cref="LegacyToolCall"/>, which becomes two, are facts of ours by the same name.
    /// </summary>
    public static readonly IReadOnlyList<string> Types =
    [
        "user_message", "llm_response", "embedding_request", "embedding_response", "llm_thinking", LegacyToolCall,
        "tool_call_request", ToolCallResponse, "tool_result", "error",
    ];

    public const string LegacyToolCall = "tool_call";
    public const string ToolCallResponse = "tool_call_response";

    public required string Type { get; init; }
    public required string TraceId { get; init; }
    public required string AgentName { get; init; }
    public string? SpanId { get; init; }
    /// <summary>Ours: the original knows parents by their steps only, which a client that sends in batches does not know.</summary>
    public string? ParentSpanId { get; init; }
    public int? Step { get; init; }
    public int? ParentStep { get; init; }
    public DateTimeOffset? At { get; init; }
    public string? IdempotencyKey { get; init; }
    public string? ExternalUserId { get; init; }
}

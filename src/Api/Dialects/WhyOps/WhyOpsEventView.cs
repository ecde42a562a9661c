using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// An event as a thread shows it. Token counts are our disjoint parts: <c>promptTokens</c> is the input that no cache held. What another
/// dialect recorded appears with its texts as <c>content</c> and its typed part as <c>metadata</c>.
/// </summary>
internal sealed record WhyOpsEventView
{
    public required Guid Id { get; init; }
    public int? StepId { get; init; }
    public int? ParentStepId { get; init; }
    public string? SpanId { get; init; }
    public required string EventType { get; init; }
    public required DateTime Timestamp { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Content { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public JsonElement? Metadata { get; init; }
    public string? Model { get; init; }
    public long? PromptTokens { get; init; }
    public long? CompletionTokens { get; init; }
    public long? CacheReadTokens { get; init; }
    public long? CacheWriteTokens { get; init; }
    public double? LatencyMs { get; init; }
    public string? FinishReason { get; init; }
    /// <summary>ms to the next event by time; absent on the last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public double? Duration { get; init; }
    public double TimeSinceStart { get; init; }
    public bool IsLateEvent { get; init; }

    /// <summary>All events of a thread, by their time.</summary>
    public static IReadOnlyList<WhyOpsEventView> Of(IReadOnlyList<TraceEvent> events, bool content, bool metadata)
    {
        var views = new List<WhyOpsEventView>(events.Count);
        var highest = 0;
        for (var i = 0; i < events.Count; i++)
        {
            var (e, header) = (events[i].Event, events[i].Fact.Header);
            var said = WhyOpsSaid.Of(events[i]);
            views.Add(new()
            {
                Id = e.EventId,
                StepId = e.Step,
                ParentStepId = header.ParentStep,
                SpanId = e.SpanId,
                EventType = header.Type,
                Timestamp = e.At.UtcDateTime,
                Content = content ? said.Content : null,
                Metadata = metadata ? said.Metadata : null,
                Model = e.Model,
                PromptTokens = e.Usage?.Input,
                CompletionTokens = e.Usage?.Output,
                CacheReadTokens = e.Usage?.CacheRead,
                CacheWriteTokens = e.Usage?.CacheWrite,
                LatencyMs = e.Latency?.TotalMilliseconds,
                FinishReason = said.Content?.Get("finishReason") is { ValueKind: JsonValueKind.String } reason ? reason.GetString() : null,
                Duration = i + 1 < events.Count ? (events[i + 1].Event.At - e.At).TotalMilliseconds : null,
                TimeSinceStart = (e.At - events[0].Event.At).TotalMilliseconds,
                IsLateEvent = e.Step < highest,
            });
            highest = Math.Max(highest, e.Step ?? 0);
        }
        return views;
    }
}

/// <summary>What an event said, in the two parts this dialect knows.</summary>
internal readonly record struct WhyOpsSaid(JsonElement? Content, JsonElement? Metadata)
{
    static readonly JsonDocumentOptions s_deep = new() { MaxDepth = 256 };

    public static WhyOpsSaid Of(TraceEvent e)
    {
        if (e.Payload is not { } payload) return default;
        if (e.Fact.Header.Source.Dialect != "whyops") return new(Texts(e.Event), Typed(e.Event));
        using var json = JsonDocument.Parse(payload, s_deep);
        return new(Kept(json.RootElement.Get("content")), Kept(json.RootElement.Get("metadata")));
    }

    static JsonElement? Kept(JsonElement element) => element.ValueKind == JsonValueKind.Undefined ? null : element.Clone();

    static JsonElement? Texts(SpanEvent e) => e switch
    {
        Opening { Input: { } input } => Parse(input),
        Closing { Output: { } output } => Parse(output),
        UserMessage { Input: { } input } => Parse(input),
        LlmThinking { Thinking: { } thinking } => Parse(thinking),
        ToolResult { Output: { } output } => Parse(output),
        ErrorRaised x => JsonSerializer.SerializeToElement(new { message = x.Message }),
        _ => null,
    };

    static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1024 });
        return document.RootElement.Clone();
    }

    static JsonElement Typed(SpanEvent e) => JsonSerializer.SerializeToElement(
        new { model = e.Model, provider = e.Provider, tool = e.Kind == "tool" ? e.Name : null, latencyMs = e.Latency?.TotalMilliseconds, usage = e.Usage is { } u ? new { promptTokens = u.Input, completionTokens = u.Output, totalTokens = u.Total } : null },
        WhyOpsAnswers.Options);
}

using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// Reads events of the WhyOps SDKs: <c>{eventType, traceId, agentName, content, metadata, …}</c>. Token counts are integers and become
/// disjoint parts (<see cref="Domain.Traces.Usage"/>); <c>metadata.latencyMs</c> is milliseconds and may be fractional; input, output and
/// attributes are JSON text. Never throws on what a door let in: a value of another type than expected is one that nobody told.
/// </summary>
public sealed class WhyOpsPayload : IPayloadReader
{
    /// <summary>A latency above this is a mistake in the unit; it stays visible as an attribute.</summary>
    const double LongestLatencyMs = 366 * 86_400_000.0;

    public string Dialect => "whyops";

    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var sanitised = false;
        var (content, metadata) = (payload.Get("content"), payload.Get("metadata"));
        var (provider, model) = (Text(metadata.Get("provider"), ref sanitised), Text(metadata.Get("model"), ref sanitised));
        var reading = new Reading
        {
            Kind = KindOf(type),
            Provider = provider,
            Model = model,
            Usage = WhyOpsUsage.Counts(type) ? WhyOpsUsage.Of(type, metadata, provider, model) : null,
            UserId = Text(payload.Get("externalUserId"), ref sanitised),
            Agent = Text(payload.Get("agentName"), ref sanitised),
            Name = NameOf(type, content, metadata, ref sanitised),
            Latency = LatencyOf(metadata),
            Error = type == "error" ? Text(WhyOpsTexts.ErrorMessage(content), ref sanitised) : null,
            Sanitised = sanitised,
        };
        return texts ? WhyOpsTexts.Add(reading, type, payload) : reading;
    }

    static string? KindOf(string type) => type switch
    {
        "llm_response" => "llm",
        "embedding_request" or "embedding_response" => "embedding",
        "tool_call_request" or "tool_call_response" => "tool",
        "tool_result" => "tool_result",
        "user_message" => "message",
        "llm_thinking" => "thinking",
        "error" => "error",
        _ => null,
    };

    static string? NameOf(string type, JsonElement content, JsonElement metadata, ref bool sanitised)
    {
        if (type == "tool_result") return Text(content.Get("toolName"), ref sanitised);
        if (type is not ("tool_call_request" or "tool_call_response")) return null;
        if (Text(metadata.Get("tool"), ref sanitised) is { } tool) return tool;
        return content.Get("toolCalls") is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0
            ? Text(calls[0].Get("name"), ref sanitised) ?? Text(calls[0].Get("function").Get("name"), ref sanitised)
            : null;
    }

    internal static TimeSpan? LatencyOf(JsonElement metadata) =>
        metadata.Get("latencyMs") is { ValueKind: JsonValueKind.Number } ms && ms.GetDouble() is >= 0 and <= LongestLatencyMs and var value
            ? TimeSpan.FromTicks((long)Math.Round(value * 1_000) * TimeSpan.TicksPerMicrosecond)
            : null;

    /// <summary>An empty text says as little as none.</summary>
    static string? Text(JsonElement element, ref bool sanitised) =>
        element.ValueKind == JsonValueKind.String && LenientText.Of(element, ref sanitised) is { Length: > 0 } text ? text : null;
}

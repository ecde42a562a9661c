using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Gateway;

/// <summary>
/// Reads what the gateway recorded. The request of a call is the caller's body as it came; what a model said is put together from the answer.
/// </summary>
public sealed class GatewayPayload : IPayloadReader
{
    public string Dialect => "gateway";

    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var sanitised = false;
        var (content, request) = (Member(payload, "content"), Member(payload, "request"));
        var reading = new Reading
        {
            Kind = KindOf(type),
            Provider = Text(payload, "provider", ref sanitised),
            Model = Text(payload, "model", ref sanitised),
            Usage = Member(payload, "usage") is { } usage ? UsageOf(usage) : null,
            UserId = Text(payload, "user_id", ref sanitised),
            SessionId = Text(payload, "session_id", ref sanitised),
            Agent = Text(payload, "agent", ref sanitised),
            Latency = Milliseconds(payload, "latency_ms"),
            TimeToFirstToken = Milliseconds(payload, "ttft_ms"),
            Error = Text(payload, "error", ref sanitised),
            Status = type is "llm_response" or "embedding_response" && Member(payload, "error") is not null ? SpanStatus.Error : null,
        };
        if (texts)
        {
            // What a model is told stands under the one or the other name, in every protocol.
            var said = request is { } r ? Member(r, "messages") ?? Member(r, "input") : null;
            reading = reading with
            {
                Input = type is "user_message" or "embedding_request" ? Json(said, ref sanitised) : null,
                Output = type switch
                {
                    "tool_result" => Json(said, ref sanitised),
                    "llm_thinking" => Json(content is { } thought ? Member(thought, "thinking") : null, ref sanitised),
                    "llm_response" => Json(content is { } c ? Said(c) : null, ref sanitised),
                    "embedding_response" => Json(content, ref sanitised),
                    _ => null,
                },
                ErrorDetail = type == "error" ? Json(content, ref sanitised) : null,
                Attributes = Attributes(payload, request, ref sanitised),
            };
        }
        return reading with { Sanitised = sanitised };
    }

    public static string? KindOf(string type) => type switch
    {
        "llm_response" => "llm",
        "embedding_request" or "embedding_response" => "embedding",
        "user_message" => "message",
        "tool_result" => "tool_result",
        "llm_thinking" => "thinking",
        _ => null,
    };

    /// <summary>The text alone when the model only spoke; everything when it also called tools, refused, or gave several answers.</summary>
    static JsonElement? Said(JsonElement content) =>
        Member(content, "toolCalls") is null && Member(content, "refusal") is null && Member(content, "choices") is null ? Member(content, "content") : content;

    static Dictionary<string, string>? Attributes(JsonElement payload, JsonElement? request, ref bool sanitised)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in (ReadOnlySpan<string>)["protocol", "provider_slug", "stream"])
            if (Member(payload, name) is { } value) attributes[name] = LenientText.JsonOf(value, ref sanitised);
        if (Member(payload, "attributes") is { ValueKind: JsonValueKind.Object } told)
            foreach (var member in told.EnumerateObject()) attributes[member.Name] = LenientText.JsonOf(member.Value, ref sanitised);
        // The parameters of the call, and what the agent was told to be and given to use.
        if (request is { ValueKind: JsonValueKind.Object } body)
            foreach (var member in body.EnumerateObject())
                if (attributes.Count < TraceRules.MostAttributes && member.Name is not ("messages" or "input" or "model" or "stream") && member.Name.Length <= TraceRules.LongestAttributeKey)
                    attributes.TryAdd(member.Name, LenientText.JsonOf(member.Value, ref sanitised));
        return attributes.Count == 0 ? null : attributes;
    }

    static Usage UsageOf(JsonElement usage) => new()
    {
        Input = Count(usage, "input"),
        CacheRead = Count(usage, "cache_read"),
        CacheWrite5m = Count(usage, "cache_write_5m"),
        CacheWrite1h = Count(usage, "cache_write_1h"),
        Output = Count(usage, "output"),
        Reasoning = Count(usage, "reasoning"),
        Unsplit = Count(usage, "total"),
    };

    static long? Count(JsonElement usage, string name) => Member(usage, name) is { ValueKind: JsonValueKind.Number } n && n.TryGetInt64(out var count) ? count : null;

    static TimeSpan? Milliseconds(JsonElement payload, string name) =>
        Member(payload, name) is { ValueKind: JsonValueKind.Number } n && n.TryGetDouble(out var ms) && ms >= 0 ? TimeSpan.FromMicroseconds(Math.Round(ms * 1000)) : null;

    static string? Text(JsonElement payload, string name, ref bool sanitised) =>
        Member(payload, name) is { ValueKind: JsonValueKind.String } text ? LenientText.Of(text, ref sanitised) : null;

    static string? Json(JsonElement? value, ref bool sanitised) => value is { } v ? LenientText.JsonOf(v, ref sanitised) : null;

    static JsonElement? Member(JsonElement o, string name) =>
        o.ValueKind == JsonValueKind.Object && o.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}

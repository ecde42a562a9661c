using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Trubrics;

/// <summary>
/// Reads the elements of Trubrics' two doors (contract: Trubrics, 3.1 to 3.3). An element of <c>publish_llm_events</c> made two facts, a
/// <c>user_message</c> and an <c>llm_response</c>; the type of the fact says which half is wanted. Properties are the attributes of either.
/// </summary>
internal sealed class TrubricsPayload : IPayloadReader
{
    /// <summary>The longest an answer may have taken, in seconds: a year.</summary>
    public const double MostSeconds = 366d * 24 * 60 * 60;

    public string Dialect => "trubrics";

    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var sanitised = false;
        var reading = new Reading
        {
            UserId = payload.Text("user_id", ref sanitised),
            SessionId = type == "product_event" ? ThreadOfProperties(payload) : ThreadOf(payload),
        };
        reading = type switch
        {
            "user_message" => reading with
            {
                Name = payload.Text("prompt_event_name", ref sanitised) ?? "Prompt",
                Input = texts ? payload.JsonOf("prompt", ref sanitised) : null,
            },
            "llm_response" => reading with
            {
                Name = payload.Text("generation_event_name", ref sanitised) ?? "Generation",
                Model = payload.Text("assistant_id", ref sanitised),
                Latency = LatencyOf(payload),
                Input = texts ? payload.JsonOf("prompt", ref sanitised) : null,
                Output = texts ? payload.JsonOf("generation", ref sanitised) : null,
            },
            _ => reading with
            {
                Name = payload.Text("event", ref sanitised),
                Kind = "event",
                Input = texts ? payload.JsonOf("properties", ref sanitised) : null,
            },
        };
        if (texts) reading = reading with { Attributes = IngestedJson.AttributesOf(payload.Member("properties"), ref sanitised) };
        return reading with { Sanitised = sanitised };
    }

    /// <summary>The thread of an LLM event: <c>thread_id</c>, which both SDKs send, else the reserved property.</summary>
    public static string? ThreadOf(JsonElement payload)
    {
        var sanitised = false;
        return payload.Text("thread_id", ref sanitised) ?? ThreadOfProperties(payload);
    }

    /// <summary>The reserved property <c>$thread_id</c>; whose threads are numbered gives a number.</summary>
    public static string? ThreadOfProperties(JsonElement payload)
    {
        var sanitised = false;
        return PropertyThread(payload) switch
        {
            { ValueKind: JsonValueKind.String } text when LenientText.Of(text, ref sanitised) is { Length: > 0 } id => id,
            { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
            _ => null,
        };
    }

    public static JsonElement? PropertyThread(JsonElement payload) => payload.Member("properties")?.Member("$thread_id");

    /// <summary>Null when none is told; <c>latency</c> is in seconds.</summary>
    public static TimeSpan? LatencyOf(JsonElement payload) =>
        payload.Member("latency") is { ValueKind: JsonValueKind.Number } n && n.TryGetDouble(out var seconds) && seconds is >= 0 and <= MostSeconds
            ? TimeSpan.FromMicroseconds(Math.Round(seconds * 1_000_000))
            : null;
}

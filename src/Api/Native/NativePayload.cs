using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// Reads the elements of <c>POST /api/v1/events</c>. What <c>content</c> is depends on the type of the event; a member that the form does not
/// know stays in the payload and says nothing.
/// </summary>
internal sealed class NativePayload : IPayloadReader
{
    /// <summary>The longest a thing may have taken; a year in milliseconds.</summary>
    public const double MostMilliseconds = 366d * 24 * 60 * 60 * 1000;

    public string Dialect => "native";

    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts) => Read(type, EventMembers.Of(payload), texts);

    public static Reading Read(string type, in EventMembers payload, bool texts)
    {
        var sanitised = false;
        var provider = payload.Text(EventMember.Provider, ref sanitised);
        var named = new Said(StatusOf(payload[EventMember.Status]), ErrorOf(payload[EventMember.Error], ref sanitised), null, null, null, null, null);
        var said = texts ? TextsOf(type, payload, named, ref sanitised) : named;
        return new()
        {
            Kind = payload.Text(EventMember.Kind, ref sanitised),
            Provider = provider,
            Model = payload.Text(EventMember.Model, ref sanitised),
            Usage = payload[EventMember.Usage] is { } usage ? NativeUsage.Read(usage, provider) : null,
            Environment = payload.Text(EventMember.Environment, ref sanitised),
            UserId = payload.Text(EventMember.UserId, ref sanitised),
            SessionId = payload.Text(EventMember.SessionId, ref sanitised),
            Agent = payload.Text(EventMember.Agent, ref sanitised),
            Name = payload.Text(EventMember.Name, ref sanitised),
            Latency = Milliseconds(payload[EventMember.LatencyMs]),
            TimeToFirstToken = Milliseconds(payload[EventMember.TtftMs]),
            Status = said.Status ?? (texts && said.Error is not null ? SpanStatus.Error : null),
            Error = said.Error,
            Input = said.Input,
            Output = said.Output,
            ErrorDetail = said.ErrorDetail,
            Comment = said.Comment,
            ScoreSource = said.Source,
            Attributes = texts ? IngestedJson.AttributesOf(payload[EventMember.Attributes], ref sanitised) : null,
            Sanitised = sanitised,
        };
    }

    /// <summary>What depends on the type of the event.</summary>
    readonly record struct Said(
        SpanStatus? Status, string? Error, string? Input, string? Output, string? ErrorDetail, string? Comment, string? Source);

    static Said TextsOf(string type, in EventMembers payload, Said said, ref bool sanitised)
    {
        var content = payload[EventMember.Content];
        return type switch
        {
            "user_message" or "span_started" or "llm_request" or "embedding_request" or "tool_call_request" =>
                said with { Input = JsonOf(content, ref sanitised) },
            "llm_response" or "embedding_response" or "tool_call_response" or "llm_thinking" or "tool_result" =>
                said with { Output = JsonOf(content, ref sanitised) },
            "span_ended" => Ended(content, said, ref sanitised),
            "error" => Failed(content, said, ref sanitised),
            "product_event" => said with { Input = JsonOf(content ?? payload[EventMember.Attributes], ref sanitised) },
            "score" => said with
            {
                Output = JsonOf(ScoreOf(payload), ref sanitised),
                Comment = (content is { } c ? c.Text("comment", ref sanitised) : null) ?? payload.Text(EventMember.Comment, ref sanitised),
                Source = (content is { } s ? s.Text("source", ref sanitised) : null) ?? payload.Text(EventMember.Source, ref sanitised),
            },
            _ => said,
        };
    }

    /// <summary>The value of a score: <c>content.value</c>, else <c>value</c>.</summary>
    public static JsonElement? ScoreOf(in EventMembers payload) =>
        (payload[EventMember.Content] is { } content ? content.Member("value") : null) ?? payload[EventMember.Value];

    /// <summary>A status in any of the spellings of the systems we speak to; null for a word that is none.</summary>
    public static SpanStatus? StatusOf(string word) => word.ToLowerInvariant() switch
    {
        "ok" or "success" => SpanStatus.Success,
        "warning" => SpanStatus.Warning,
        "error" or "failed" => SpanStatus.Error,
        _ => null,
    };

    /// <summary>
    /// <c>{output?, status?, error?}</c>, or anything at all: an object that says more than how it went is the output itself, so that nothing
    /// is lost that looks only half like our form.
    /// </summary>
    static Said Ended(JsonElement? content, Said said, ref bool sanitised)
    {
        if (content is not { ValueKind: JsonValueKind.Object } o) return said with { Output = JsonOf(content, ref sanitised) };

        var output = o.TryGetProperty("output", out var named) ? named
            : o.EnumerateObject().All(m => m.Name is "status" or "error") ? (JsonElement?)null
            : o;
        return said with
        {
            Output = JsonOf(output, ref sanitised),
            Status = said.Status ?? StatusOf(o.Member("status")),
            Error = said.Error ?? ErrorOf(o.Member("error"), ref sanitised),
        };
    }

    static Said Failed(JsonElement? content, Said said, ref bool sanitised) => said with
    {
        Error = ErrorOf(content, ref sanitised) ?? said.Error,
        ErrorDetail = content is { ValueKind: JsonValueKind.Object } detail ? JsonOf(detail, ref sanitised) : null,
    };

    /// <summary>A sentence, or an object with one in <c>message</c>.</summary>
    static string? ErrorOf(JsonElement? error, ref bool sanitised) => error switch
    {
        { ValueKind: JsonValueKind.String } text => LenientText.Of(text, ref sanitised),
        { ValueKind: JsonValueKind.Object } o => o.Text("message", ref sanitised),
        _ => null,
    };

    static SpanStatus? StatusOf(JsonElement? word)
    {
        var sanitised = false;
        return word is { ValueKind: JsonValueKind.String } text ? StatusOf(LenientText.Of(text, ref sanitised)) : null;
    }

    static TimeSpan? Milliseconds(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.Number } n && n.TryGetDouble(out var ms) && ms is >= 0 and <= MostMilliseconds
            ? TimeSpan.FromMicroseconds(Math.Round(ms * 1000))
            : null;

    static string? JsonOf(JsonElement? value, ref bool sanitised) => value is { } v ? LenientText.JsonOf(v, ref sanitised) : null;
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>A log record of OTLP, out of either encoding; <see cref="SpanId"/> is null for one that belongs to a trace as a whole.</summary>
internal sealed record OtlpLog
{
    const string BodyName = "body";

    public string TraceId { get; init; } = "";
    public string? SpanId { get; init; }
    public required string Name { get; init; }
    /// <summary>Nanoseconds since 1970; 0 is none.</summary>
    public ulong Time { get; init; }
    public required OtlpAttributes Attributes { get; init; }
    public JsonNode? Body { get; init; }
    public bool Sanitised { get; init; }

    /// <summary>Events of the GenAI conventions carry what models were told and said; other records are no part of a trace.</summary>
    public bool IsGenAi => Name.StartsWith("gen_ai.", StringComparison.Ordinal);

    /// <exception cref="FormatException">It is no log record.</exception>
    public static OtlpLog Of(ReadOnlySpan<byte> protobuf)
    {
        WireLog log;
        try
        {
            log = WireLog.Parser.ParseFrom(protobuf);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new FormatException("it is no log record");
        }
        var (attributes, body) = (OtlpAttributes.Of(log.Attributes), OtlpAttributes.Of(BodyName, log.Body));
        return Of(Convert.ToHexStringLower(log.TraceId.Span), Convert.ToHexStringLower(log.SpanId.Span), log.EventName, log.TimeUnixNano, log.ObservedTimeUnixNano, attributes, body);
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    public static OtlpLog Of(JsonElement log)
    {
        if (log.ValueKind != JsonValueKind.Object) throw new FormatException("it is no object");
        var sanitised = false;
        return Of(
            OtlpSpan.IdOf(log, "traceId"), OtlpSpan.IdOf(log, "spanId"), log.Text("eventName", ref sanitised) ?? "", OtlpSpan.NanosOf(log.Member("timeUnixNano")),
            OtlpSpan.NanosOf(log.Member("observedTimeUnixNano")), OtlpAttributes.Of(log.Member("attributes")), OtlpAttributes.Of(BodyName, log.Member("body")));
    }

    static OtlpLog Of(string trace, string span, string name, ulong time, ulong observed, OtlpAttributes attributes, OtlpAttributes body) => new()
    {
        TraceId = trace,
        SpanId = OtlpSpan.IsSpanId(span) ? span : null,
        Name = (name.Length > 0 ? name : attributes.Text("event.name") ?? "").Replace('\0', '\uFFFD'),
        Time = time != 0 ? time : observed,
        Attributes = attributes,
        Body = body[BodyName],
        Sanitised = attributes.Sanitised || body.Sanitised,
    };
}

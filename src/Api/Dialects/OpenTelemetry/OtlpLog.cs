using System.Text.Json;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>A log record of OTLP, out of either encoding; <see cref="SpanId"/> is null for one that belongs to a trace as a whole.</summary>
internal sealed record OtlpLog
{
    public string TraceId { get; init; } = "";
    public string? SpanId { get; init; }
    public required string Name { get; init; }
    /// <summary>Nanoseconds since 1970; 0 is none.</summary>
    public ulong Time { get; init; }
    public required OtlpAttributes Attributes { get; init; }
    public OtlpValue Body { get; init; }

    /// <summary>Events of the GenAI conventions carry what models were told and said; other records are no part of a trace.</summary>
    public bool IsGenAi => Name.StartsWith("gen_ai.", StringComparison.Ordinal);

    /// <exception cref="FormatException">It is no log record.</exception>
    public static OtlpLog Of(ReadOnlyMemory<byte> protobuf)
    {
        var (trace, span, name, sanitised) = ("", "", "", false);
        var (time, observed, body, attributes) = (0UL, 0UL, default(OtlpValue), new OtlpAttributes());
        for (var fields = new ProtoReader(protobuf); fields.Next();)
        {
            switch (fields.Field)
            {
                case 1: time = fields.Number; break;
                case 5: body = new(fields.Bytes); break;
                case 6: attributes.Add(fields.Bytes); break;
                case 9: trace = Convert.ToHexStringLower(fields.Bytes.Span); break;
                case 10: span = Convert.ToHexStringLower(fields.Bytes.Span); break;
                case 11: observed = fields.Number; break;
                case 12: name = OtlpSpan.TextOf(fields.Bytes.Span, ref sanitised); break;
            }
        }
        return Of(trace, span, name, time, observed, attributes, body);
    }

    /// <inheritdoc cref="Of(ReadOnlyMemory{byte})"/>
    public static OtlpLog Of(JsonElement log)
    {
        if (log.ValueKind != JsonValueKind.Object) throw new FormatException("it is no object");
        var sanitised = false;
        return Of(
            OtlpSpan.IdOf(log, "traceId"), OtlpSpan.IdOf(log, "spanId"), log.Text("eventName", ref sanitised) ?? "", OtlpSpan.NanosOf(log.Member("timeUnixNano")),
            OtlpSpan.NanosOf(log.Member("observedTimeUnixNano")), OtlpAttributes.Of(log.Member("attributes")), new(log.Member("body")));
    }

    static OtlpLog Of(string trace, string span, string name, ulong time, ulong observed, OtlpAttributes attributes, OtlpValue body) => new()
    {
        TraceId = trace,
        SpanId = OtlpSpan.IsSpanId(span) ? span : null,
        Name = name.Length > 0 ? name : attributes.Text("event.name") ?? "",
        Time = time != 0 ? time : observed,
        Attributes = attributes,
        Body = body,
    };
}

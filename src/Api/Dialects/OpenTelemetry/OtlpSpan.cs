using System.Globalization;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>Something that happened in a span. The time is nanoseconds since 1970; 0 is none.</summary>
internal sealed record OtlpEvent(string Name, ulong Time, OtlpAttributes Attributes)
{
    /// <summary>Its attributes beside its name.</summary>
    public void Write(Utf8JsonWriter json, bool timed)
    {
        json.WriteStartObject();
        json.WriteString("event", Name);
        if (timed && Time != 0) json.WriteString("time", OtlpPayload.TimeOf(Time).UtcDateTime);
        Attributes.Write(json, "event", timed ? "time" : "event");
        json.WriteEndObject();
    }
}

internal sealed record OtlpLink(string TraceId, string SpanId, OtlpAttributes Attributes)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("trace_id", TraceId);
        json.WriteString("span_id", SpanId);
        json.WriteStartObject("attributes");
        Attributes.Write(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}

/// <summary>A span of OTLP, out of either encoding: ids in lower hex, values as plain JSON. Times are nanoseconds since 1970; 0 is none.</summary>
internal sealed record OtlpSpan
{
    public required string TraceId { get; init; }
    public required string SpanId { get; init; }
    public string? ParentSpanId { get; init; }
    public string Name { get; init; } = "";
    public ulong Start { get; init; }
    public ulong End { get; init; }
    public bool Failed { get; init; }
    public string? StatusMessage { get; init; }
    public required OtlpAttributes Attributes { get; init; }
    /// <summary>Attributes the exporter did not send.</summary>
    public long Dropped { get; init; }
    public IReadOnlyList<OtlpEvent> Events { get; init; } = [];
    public IReadOnlyList<OtlpLink> Links { get; init; } = [];
    public bool Sanitised { get; init; }

    /// <summary>It has not ended: the exporter says so by leaving out the end.</summary>
    public bool Runs => End == 0;

    const int ErrorCode = 2;

    /// <exception cref="FormatException">It cannot be kept; the message says why, for <c>partial_success</c>.</exception>
    public static OtlpSpan Of(ReadOnlyMemory<byte> protobuf)
    {
        var (trace, span, parent, name, status) = ("", "", "", default(ReadOnlyMemory<byte>), default(ReadOnlyMemory<byte>));
        var (start, end, dropped) = (0UL, 0UL, 0L);
        var attributes = new OtlpAttributes();
        var (events, links) = (new List<OtlpEvent>(), new List<OtlpLink>());
        for (var fields = new ProtoReader(protobuf); fields.Next();)
        {
            switch (fields.Field)
            {
                case 1: trace = Convert.ToHexStringLower(fields.Bytes.Span); break;
                case 2: span = Convert.ToHexStringLower(fields.Bytes.Span); break;
                case 4: parent = Convert.ToHexStringLower(fields.Bytes.Span); break;
                case 5: name = fields.Bytes; break;
                case 7: start = fields.Number; break;
                case 8: end = fields.Number; break;
                case 9: attributes.Add(fields.Bytes); break;
                case 10: dropped = (long)Math.Min(fields.Number, uint.MaxValue); break;
                case 11: events.Add(EventOf(fields.Bytes)); break;
                case 13: links.Add(LinkOf(fields.Bytes)); break;
                case 15: status = fields.Bytes; break;
            }
        }
        var sanitised = false;
        var (failed, message) = StatusOf(status, ref sanitised);
        var named = TextOf(name.Span, ref sanitised);
        return Checked(new()
        {
            TraceId = trace, SpanId = span, ParentSpanId = parent, Name = named, Start = start, End = end, Failed = failed, StatusMessage = message,
            Attributes = attributes, Dropped = dropped, Events = events, Links = links, Sanitised = sanitised,
        });
    }

    static (bool Failed, string Message) StatusOf(ReadOnlyMemory<byte> protobuf, ref bool sanitised)
    {
        var (failed, message) = (false, "");
        for (var fields = new ProtoReader(protobuf); fields.Next();)
            if (fields.Field == 2) message = TextOf(fields.Bytes.Span, ref sanitised);
            else if (fields.Field == 3) failed = fields.Number == ErrorCode;
        return (failed, message);
    }

    static OtlpEvent EventOf(ReadOnlyMemory<byte> protobuf)
    {
        var (time, name, attributes, sanitised) = (0UL, "", new OtlpAttributes(), false);
        for (var fields = new ProtoReader(protobuf); fields.Next();)
            if (fields.Field == 1) time = fields.Number;
            else if (fields.Field == 2) name = TextOf(fields.Bytes.Span, ref sanitised);
            else if (fields.Field == 3) attributes.Add(fields.Bytes);
        return new(name, time, attributes);
    }

    static OtlpLink LinkOf(ReadOnlyMemory<byte> protobuf)
    {
        var (trace, span, attributes) = ("", "", new OtlpAttributes());
        for (var fields = new ProtoReader(protobuf); fields.Next();)
            if (fields.Field == 1) trace = Convert.ToHexStringLower(fields.Bytes.Span);
            else if (fields.Field == 2) span = Convert.ToHexStringLower(fields.Bytes.Span);
            else if (fields.Field == 4) attributes.Add(fields.Bytes);
        return new(trace, span, attributes);
    }

    internal static string TextOf(ReadOnlySpan<byte> utf8, ref bool sanitised)
    {
        sanitised |= !OtlpValue.IsName(utf8);
        return Encoding.UTF8.GetString(utf8).Replace('\0', '\uFFFD');
    }

    /// <inheritdoc cref="Of(ReadOnlyMemory{byte})"/>
    public static OtlpSpan Of(JsonElement span)
    {
        if (span.ValueKind != JsonValueKind.Object) throw new FormatException("it is no object");
        var sanitised = false;
        var status = span.Member("status");
        var read = new OtlpSpan
        {
            TraceId = IdOf(span, "traceId"),
            SpanId = IdOf(span, "spanId"),
            ParentSpanId = IdOf(span, "parentSpanId"),
            Name = span.Text("name", ref sanitised) ?? "",
            Start = NanosOf(span.Member("startTimeUnixNano")),
            End = NanosOf(span.Member("endTimeUnixNano")),
            Failed = status?.Member("code") is { } code
                && (code.ValueKind == JsonValueKind.Number ? code.GetRawText() == "2" : code.ValueKind == JsonValueKind.String && code.ValueEquals("STATUS_CODE_ERROR")),
            StatusMessage = status?.Text("message", ref sanitised),
            Attributes = OtlpAttributes.Of(span.Member("attributes")),
            Dropped = span.Member("droppedAttributesCount") is { ValueKind: JsonValueKind.Number } dropped && dropped.TryGetUInt32(out var count) ? count : 0,
            Events = [.. ListOf(span, "events").Select(e => new OtlpEvent(e.Text("name", ref sanitised) ?? "", NanosOf(e.Member("timeUnixNano")), OtlpAttributes.Of(e.Member("attributes"))))],
            Links = [.. ListOf(span, "links").Select(l => new OtlpLink(IdOf(l, "traceId"), IdOf(l, "spanId"), OtlpAttributes.Of(l.Member("attributes"))))],
        };
        return Checked(read with { Sanitised = sanitised });
    }

    static OtlpSpan Checked(OtlpSpan span)
    {
        if (!IsTraceId(span.TraceId)) throw new FormatException("its trace id is not 16 bytes, or all zero");
        if (!IsSpanId(span.SpanId)) throw new FormatException("its span id is not 8 bytes, or all zero");
        var parent = ParentOf(span.ParentSpanId);
        // Logfire announces a running span by a stand-in under it, which names the real parent in an attribute.
        if (span.Attributes.Text("logfire.span_type") == "pending_span" && parent is not null)
            return span with { SpanId = parent, ParentSpanId = ParentOf(span.Attributes.Text("logfire.pending_parent_id")), End = 0 };
        return span with { ParentSpanId = parent };
    }

    /// <summary>Some senders write "no parent" as zeroes.</summary>
    static string? ParentOf(string? id) => string.IsNullOrEmpty(id?.Trim('0')) ? null
        : IsSpanId(id) ? id
        : throw new FormatException("its parent's id is not 8 bytes");

    internal static bool IsTraceId(string id) => IsId(id, 32);

    internal static bool IsSpanId(string id) => IsId(id, 16);

    static bool IsId(string id, int length) => id.Length == length && id.All(char.IsAsciiHexDigit) && id.AsSpan().ContainsAnyExcept('0');

    internal static string IdOf(JsonElement o, string name)
    {
        var sanitised = false;
        return o.Text(name, ref sanitised)?.ToLowerInvariant() ?? "";
    }

    static JsonElement[] ListOf(JsonElement o, string name) => o.Member(name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    /// <summary>64 bits come as a text; some senders write the number.</summary>
    internal static ulong NanosOf(JsonElement? time)
    {
        var sanitised = false;
        return time switch
        {
            null => 0,
            { ValueKind: JsonValueKind.Number } n when n.TryGetUInt64(out var nanos) => nanos,
            { ValueKind: JsonValueKind.String } t when ulong.TryParse(LenientText.Of(t, ref sanitised), NumberStyles.None, CultureInfo.InvariantCulture, out var nanos) => nanos,
            _ => throw new FormatException("its time is no number of nanoseconds"),
        };
    }
}

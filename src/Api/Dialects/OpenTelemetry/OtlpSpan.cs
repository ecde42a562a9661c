using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>Something that happened in a span. The time is nanoseconds since 1970; 0 is none.</summary>
internal sealed record OtlpEvent(string Name, ulong Time, OtlpAttributes Attributes);

internal sealed record OtlpLink(string TraceId, string SpanId, OtlpAttributes Attributes);

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
    public static OtlpSpan Of(ReadOnlySpan<byte> protobuf)
    {
        WireSpan span;
        try
        {
            span = WireSpan.Parser.ParseFrom(protobuf);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new FormatException("it is no span");
        }
        return Checked(new()
        {
            TraceId = Convert.ToHexStringLower(span.TraceId.Span),
            SpanId = Convert.ToHexStringLower(span.SpanId.Span),
            ParentSpanId = Convert.ToHexStringLower(span.ParentSpanId.Span),
            Name = span.Name.Replace('\0', '\uFFFD'),
            Start = span.StartTimeUnixNano,
            End = span.EndTimeUnixNano,
            Failed = span.Status?.Code == ErrorCode,
            StatusMessage = span.Status?.Message.Replace('\0', '\uFFFD'),
            Attributes = OtlpAttributes.Of(span.Attributes),
            Dropped = span.DroppedAttributesCount,
            Events = [.. span.Events.Select(e => new OtlpEvent(e.Name.Replace('\0', '\uFFFD'), e.TimeUnixNano, OtlpAttributes.Of(e.Attributes)))],
            Links = [.. span.Links.Select(l => new OtlpLink(Convert.ToHexStringLower(l.TraceId.Span), Convert.ToHexStringLower(l.SpanId.Span), OtlpAttributes.Of(l.Attributes)))],
            Sanitised = span.Name.Contains('\0') || span.Status?.Message.Contains('\0') == true,
        });
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
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

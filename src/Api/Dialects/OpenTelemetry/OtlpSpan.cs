using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

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
    public IReadOnlyList<(string Name, OtlpAttributes Attributes)> Events { get; init; } = [];

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
            Name = span.Name,
            Start = span.StartTimeUnixNano,
            End = span.EndTimeUnixNano,
            Failed = span.Status?.Code == ErrorCode,
            StatusMessage = span.Status?.Message,
            Attributes = OtlpAttributes.Of(span.Attributes),
            Events = [.. span.Events.Select(e => (e.Name, OtlpAttributes.Of(e.Attributes)))],
        });
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    public static OtlpSpan Of(JsonElement span)
    {
        if (span.ValueKind != JsonValueKind.Object) throw new FormatException("it is no object");
        var sanitised = false;
        return Checked(new()
        {
            TraceId = span.Text("traceId", ref sanitised)?.ToLowerInvariant() ?? "",
            SpanId = span.Text("spanId", ref sanitised)?.ToLowerInvariant() ?? "",
            ParentSpanId = span.Text("parentSpanId", ref sanitised)?.ToLowerInvariant(),
            Name = span.Text("name", ref sanitised) ?? "",
            Start = Nanos(span.Member("startTimeUnixNano")),
            End = Nanos(span.Member("endTimeUnixNano")),
            Failed = span.Member("status")?.Member("code") is { } code
                && (code.ValueKind == JsonValueKind.Number ? code.GetRawText() == "2" : code.ValueKind == JsonValueKind.String && code.ValueEquals("STATUS_CODE_ERROR")),
            StatusMessage = span.Member("status")?.Text("message", ref sanitised),
            Attributes = OtlpAttributes.Of(span.Member("attributes")),
            Events = span.Member("events") is { ValueKind: JsonValueKind.Array } events
                ? [.. events.EnumerateArray().Select(e => (e.Text("name", ref sanitised) ?? "", OtlpAttributes.Of(e.Member("attributes"))))]
                : [],
        });
    }

    static OtlpSpan Checked(OtlpSpan span)
    {
        if (!IsId(span.TraceId, 32)) throw new FormatException("its trace id is not 16 bytes, or all zero");
        if (!IsId(span.SpanId, 16)) throw new FormatException("its span id is not 8 bytes, or all zero");
        // Some senders write "no parent" as zeroes.
        return IsId(span.ParentSpanId ?? "", 16) ? span : string.IsNullOrEmpty(span.ParentSpanId?.Trim('0'))
            ? span with { ParentSpanId = null }
            : throw new FormatException("its parent's id is not 8 bytes");
    }

    static bool IsId(string id, int length) => id.Length == length && id.All(char.IsAsciiHexDigit) && id.AsSpan().ContainsAnyExcept('0');

    /// <summary>64 bits come as a text; some senders write the number.</summary>
    static ulong Nanos(JsonElement? time)
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

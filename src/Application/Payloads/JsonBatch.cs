using System.Runtime.InteropServices;
using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>The body as a whole is not what the door reads. The message says where it broke and never what stood there.</summary>
public sealed class MalformedBody(string message) : Exception(message);

/// <summary>
/// Splits a request body into elements without copying them: an element's bytes stay where they arrived, because the log keeps payloads
/// exactly as received. What is wrong inside an element is for <see cref="PayloadRules"/> to say, so that its neighbours can be stored.
/// </summary>
public static class JsonBatch
{
    static readonly JsonDocumentOptions Options = new() { MaxDepth = PayloadRules.DeepestLevel + 1 };

    static ReadOnlySpan<byte> ByteOrderMark => "\uFEFF"u8;

    /// <summary>An object is one element, an array its elements.</summary>
    /// <exception cref="MalformedBody">Empty, no JSON, or neither an object nor an array.</exception>
    public static BatchBody Parse(ReadOnlyMemory<byte> body)
    {
        var (json, skipped) = AfterMark(body);
        if (json.Span.IndexOfAnyExcept(" \t\r\n"u8) < 0) throw new MalformedBody("The body is empty.");
        if (ParseOrNull(json) is not { } document) return DeepBody.Parse(json, skipped);
        if (document.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return new(document, json);
        document.Dispose();
        throw new MalformedBody("The body is neither an object nor an array.");
    }

    /// <summary>One element or one fault for each line that is not blank, parsed when it is asked for; the last line may lack its end.</summary>
    public static IEnumerable<NdjsonLine> ParseLines(ReadOnlyMemory<byte> body)
    {
        var rest = AfterMark(body).Json;
        for (var number = 1; !rest.IsEmpty; number++)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) >= 0) yield return NdjsonLine.Parse(number, line);
        }
    }

    /// <summary>Null when it is no JSON, or too deep.</summary>
    internal static JsonDocument? ParseOrNull(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Where a parsed element stands in what was parsed.</summary>
    internal static Range PlaceOf(JsonElement element, ReadOnlyMemory<byte> parsed)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element);
        parsed.Span.Overlaps(raw, out var start);
        return start..(start + raw.Length);
    }

    static (ReadOnlyMemory<byte> Json, int Skipped) AfterMark(ReadOnlyMemory<byte> body) =>
        body.Span.StartsWith(ByteOrderMark) ? (body[ByteOrderMark.Length..], ByteOrderMark.Length) : (body, 0);
}

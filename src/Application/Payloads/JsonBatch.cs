using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>A body that is no JSON, or none that can be taken apart. The message says where, never what.</summary>
public sealed class MalformedBody(string message) : Exception(message);

/// <summary>
/// A request body taken apart: an array into its elements, an object into itself. Each element can be had parsed and as the bytes it came
/// in, so that what is stored is what was sent. Parsing is iterative and takes any depth: a deep element is that element's fault alone.
/// </summary>
public sealed class JsonBatch : IDisposable
{
    static readonly JsonDocumentOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    readonly ReadOnlyMemory<byte> _body;
    readonly JsonDocument _document;
    readonly JsonElement[] _elements;
    readonly (int Start, int Length)[] _raw;

    JsonBatch(ReadOnlyMemory<byte> body, JsonDocument document)
    {
        (_body, _document) = (body, document);
        IsArray = document.RootElement.ValueKind == JsonValueKind.Array;
        _elements = IsArray ? [.. document.RootElement.EnumerateArray()] : [document.RootElement];
        _raw = Slices(body.Span, IsArray, _elements.Length);
    }

    public bool IsArray { get; }

    public IReadOnlyList<JsonElement> Elements => _elements;

    /// <summary>An element's bytes as received.</summary>
    public ReadOnlyMemory<byte> RawOf(int index) => _body.Slice(_raw[index].Start, _raw[index].Length);

    /// <exception cref="MalformedBody">Empty, not JSON, or neither array nor object.</exception>
    public static JsonBatch Parse(ReadOnlyMemory<byte> body)
    {
        if (body.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) body = body[3..];
        if (body.IsEmpty) throw new MalformedBody("The body is empty; it must be a JSON object or array.");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, AnyDepth);
        }
        catch (JsonException e)
        {
            throw new MalformedBody($"The body is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}.");
        }
        if (document.RootElement.ValueKind is JsonValueKind.Array or JsonValueKind.Object) return new(body, document);
        document.Dispose();
        throw new MalformedBody("The body must be a JSON object or array.");
    }

    /// <summary>NDJSON: each line an element or a fault of its own; empty lines are none.</summary>
    public static IEnumerable<NdjsonLine> ParseLines(ReadOnlyMemory<byte> body)
    {
        if (body.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) body = body[3..];
        while (!body.IsEmpty)
        {
            var end = body.Span.IndexOf((byte)'\n');
            var line = Trim(end < 0 ? body : body[..end]);
            body = end < 0 ? default : body[(end + 1)..];
            if (line.IsEmpty) continue;
            JsonDocument? parsed = null;
            Fault? fault = null;
            try
            {
                parsed = JsonDocument.Parse(line, AnyDepth);
            }
            catch (JsonException e)
            {
                fault = new("", "malformed_json", $"The line is not valid JSON at byte {e.BytePositionInLine + 1}.");
            }
            yield return new(parsed, line, fault);
        }
    }

    public void Dispose() => _document.Dispose();

    static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> line)
    {
        var trimmed = line.Span.Trim(" \t\r"u8);
        return trimmed.IsEmpty ? default : line.Slice(line.Span.IndexOf(trimmed), trimmed.Length);
    }

    /// <summary>Where each element stands: JsonDocument knows it and does not say.</summary>
    static (int, int)[] Slices(ReadOnlySpan<byte> body, bool isArray, int count)
    {
        var slices = new (int, int)[count];
        var json = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = int.MaxValue });
        json.Read();
        for (var i = 0; i < count; i++)
        {
            if (isArray) json.Read();
            var start = (int)json.TokenStartIndex;
            json.Skip();
            slices[i] = (start, (int)json.BytesConsumed - start);
        }
        return slices;
    }
}

/// <summary>One line of NDJSON: parsed, or why not.</summary>
public sealed record NdjsonLine(JsonDocument? Document, ReadOnlyMemory<byte> Raw, Fault? Fault);

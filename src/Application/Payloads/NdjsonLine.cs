using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>One line of newline-delimited JSON. Either the element or the fault is there.</summary>
public sealed class NdjsonLine : IDisposable
{
    JsonDocument? _document;

    /// <summary>Counted from 1, blank lines included.</summary>
    public required int Number { get; init; }

    /// <summary>The element exactly as received; the whole line where there is a fault.</summary>
    public required ReadOnlyMemory<byte> Raw { get; init; }

    public JsonElement Element { get; private init; }

    /// <summary>The line is no JSON, or nested too deep to be read at all; the other rules are still to be checked.</summary>
    public Fault? Fault { get; private init; }

    internal static NdjsonLine Parse(int number, ReadOnlyMemory<byte> line)
    {
        if (JsonBatch.ParseOrNull(line) is { } document)
        {
            var raw = line[JsonBatch.PlaceOf(document.RootElement, line)];
            return new() { Number = number, Raw = raw, Element = document.RootElement, _document = document };
        }
        return new() { Number = number, Raw = line, Fault = FaultOf(number, line.Span) };
    }

    static Fault? FaultOf(int number, ReadOnlySpan<byte> line)
    {
        try
        {
            DeepBody.Find(line, []);
            return PayloadRules.Check(line);
        }
        catch (JsonException broken)
        {
            return new("", "malformed_json", $"Line {number} is no JSON: it breaks at byte {broken.BytePositionInLine + 1}.");
        }
    }

    public void Dispose()
    {
        _document?.Dispose();
        _document = null;
    }
}

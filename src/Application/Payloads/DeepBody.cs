using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>
/// What is left of a body that <see cref="JsonDocument"/> did not take at the depth we allow. It is never asked to go deeper: its time grows with
/// the square of the depth (100,000 levels: 5 s). The reader's does not, so it finds the elements that are too deep, and the document is
/// made from a copy in which they are null: their neighbours can be stored. Only bad bodies come here, and only they pay for it.
/// </summary>
static class DeepBody
{
    // The reader keeps one bit for each level.
    static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    /// <exception cref="MalformedBody">It is not the depth: it is no JSON.</exception>
    public static BatchBody Parse(ReadOnlyMemory<byte> received, int skipped)
    {
        var tooDeep = new Dictionary<int, Range>();
        bool isArray;
        try
        {
            isArray = Find(received.Span, tooDeep);
        }
        catch (JsonException broken)
        {
            var (line, at) = (broken.LineNumber + 1, broken.BytePositionInLine + 1);
            throw new MalformedBody($"The body is no JSON: it breaks at line {line}, byte {(line == 1 ? at + skipped : at)}.");
        }

        var parsed = received.ToArray();
        foreach (var place in tooDeep.Values)
        {
            var element = parsed.AsSpan(place);
            element.Fill((byte)' ');
            "null"u8.CopyTo(element);
        }
        return new(JsonDocument.Parse(parsed), isArray, parsed, received, tooDeep);
    }

    /// <summary>
    /// Collects the elements that are too deep, by index; says whether the body is an array. It reads to the end, so what is no JSON is found.
    /// </summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static bool Find(ReadOnlySpan<byte> body, Dictionary<int, Range> tooDeep)
    {
        var json = new Utf8JsonReader(body, Options);
        json.Read();
        var isArray = json.TokenType == JsonTokenType.StartArray;
        var elementDepth = isArray ? 1 : 0;
        var (index, start, deepest) = (-1, 0L, 0);
        do
        {
            var depth = json.CurrentDepth;
            if (json.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                if (depth == elementDepth && deepest > PayloadRules.DeepestLevel) tooDeep[index] = (int)start..(int)json.BytesConsumed;
                continue;
            }
            if (depth == elementDepth && json.TokenType != JsonTokenType.PropertyName) (index, start, deepest) = (index + 1, json.TokenStartIndex, 0);
            if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) deepest = Math.Max(deepest, depth - elementDepth + 1);
        }
        while (json.Read());
        return isArray;
    }
}

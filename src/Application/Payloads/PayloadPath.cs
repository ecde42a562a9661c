using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>
/// Names a place in an element the way people write it: <c>content.messages[0].role</c>. Faults are rare, so the walk that finds them keeps
/// no path, and this one walks the same bytes again.
/// </summary>
static class PayloadPath
{
    // A key may be a megabyte, and an answer should not be.
    const int LongestKey = 64;
    const int LongPath = 512;

    // Where we are on one level: at a key of an object (its bytes), or at an index of an array.
    record struct Step(bool InObject, int KeyStart, int KeyLength, int Index);

    public static string To(ReadOnlySpan<byte> element, long tokenStart)
    {
        var json = new Utf8JsonReader(element, new JsonReaderOptions { MaxDepth = PayloadRules.DeepestLevel + 1 });
        Span<Step> steps = stackalloc Step[PayloadRules.DeepestLevel + 1];

        while (json.Read() && json.TokenStartIndex <= tokenStart)
        {
            var depth = json.CurrentDepth;
            if (json.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) continue;
            if (depth > 0)
            {
                ref var step = ref steps[depth - 1];
                if (json.TokenType == JsonTokenType.PropertyName)
                    (step.KeyStart, step.KeyLength) = ((int)json.TokenStartIndex + 1, json.ValueSpan.Length);
                else if (!step.InObject)
                    step.Index++;
            }
            if (json.TokenStartIndex == tokenStart) return Join(element, steps[..depth]);
            if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                steps[depth] = new(json.TokenType == JsonTokenType.StartObject, 0, 0, -1);
        }
        return "";
    }

    static string Join(ReadOnlySpan<byte> element, ReadOnlySpan<Step> steps)
    {
        var path = new StringBuilder();
        foreach (var step in steps)
        {
            if (!step.InObject) path.Append(CultureInfo.InvariantCulture, $"[{step.Index}]");
            else path.Append(path.Length > 0 ? "." : "").Append(Shown(element.Slice(step.KeyStart, step.KeyLength)));
            if (path.Length > LongPath) return path.Append('…').ToString();
        }
        return path.ToString();
    }

    /// <summary>What cannot stand in a text is U+FFFD, a cut inside a surrogate pair included.</summary>
    static string Shown(ReadOnlySpan<byte> key)
    {
        var chars = new char[key.Length];
        var length = EscapedText.Decode(key, chars, out _);
        if (length <= LongestKey) return new(chars, 0, length);
        return new string(chars, 0, char.IsHighSurrogate(chars[LongestKey - 1]) ? LongestKey - 1 : LongestKey) + "…";
    }
}

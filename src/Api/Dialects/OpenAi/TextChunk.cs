using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindcast.Api.Dialects.OpenAi;

/// <summary>
/// A chunk that adds text to the first answer and says nothing else, as nearly all of a stream do: read token by token, without a document of it.
/// </summary>
internal static class TextChunk
{
    static readonly JsonReaderOptions s_deep = new() { MaxDepth = 1024 };

    /// <summary>False, and nothing is added, when the chunk says anything else or may hold harm: it needs a closer look.</summary>
    public static bool TryAppend(ReadOnlySpan<byte> chunk, StringBuilder text)
    {
        var json = new Utf8JsonReader(chunk, s_deep);
        ReadOnlySpan<byte> said = default;
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
            var choices = false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                if (json.ValueTextEquals("choices"u8))
                {
                    if (choices || !Choices(ref json, ref said)) return false;
                    choices = true;
                }
                else if (json.ValueTextEquals("usage"u8) || json.ValueTextEquals("error"u8))
                {
                    if (!IsNull(ref json)) return false;
                }
                else json.Skip();
            }
            if (!choices || json.Read()) return false;
        }
        catch (JsonException)
        {
            return false;
        }
        if (said.Contains((byte)'\\') || !Utf8.IsValid(said)) return false;
        var room = said.Length <= 512 ? stackalloc char[512] : new char[said.Length];
        text.Append(room[..Encoding.UTF8.GetChars(said, room)]);
        return true;
    }

    /// <summary>One choice, the first.</summary>
    static bool Choices(ref Utf8JsonReader json, ref ReadOnlySpan<byte> said)
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray || !json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
        var delta = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("delta"u8))
            {
                if (delta || !Delta(ref json, ref said)) return false;
                delta = true;
            }
            else if (json.ValueTextEquals("index"u8))
            {
                if (!json.Read() || json.TokenType != JsonTokenType.Number || !json.ValueSpan.SequenceEqual("0"u8)) return false;
            }
            else if (json.ValueTextEquals("finish_reason"u8))
            {
                if (!IsNull(ref json)) return false;
            }
            else json.Skip();
        }
        return json.Read() && json.TokenType == JsonTokenType.EndArray;
    }

    static bool Delta(ref Utf8JsonReader json, ref ReadOnlySpan<byte> said)
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
        var content = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("role"u8)) json.Skip();
            else if (json.ValueTextEquals("content"u8))
            {
                if (content || !json.Read() || json.TokenType is not (JsonTokenType.String or JsonTokenType.Null)) return false;
                if (json.TokenType == JsonTokenType.String) said = json.ValueSpan;
                content = true;
            }
            else if (!IsNull(ref json)) return false;
        }
        return true;
    }

    static bool IsNull(ref Utf8JsonReader json) => json.Read() && json.TokenType == JsonTokenType.Null;
}

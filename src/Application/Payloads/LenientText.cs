using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindcast.Application.Payloads;

/// <summary>
/// Reads JSON strings that the framework's reader throws on: NUL, halves of surrogate pairs and bytes that are not UTF-8 become U+FFFD,
/// and the caller is told. The log keeps the bytes; views show this. Databases disagree on such text, so it is settled before both.
/// </summary>
public static class LenientText
{
    const char Replacement = '\uFFFD';

    /// <summary>The text of a JSON string.</summary>
    public static string Of(JsonElement text, ref bool sanitised) => Unescape(JsonMarshal.GetRawUtf8Value(text)[1..^1], ref sanitised);

    /// <summary>False when a key or an id holds what must not be in one.</summary>
    public static bool IsClean(JsonElement text)
    {
        var sanitised = false;
        Of(text, ref sanitised);
        return !sanitised;
    }

    /// <summary>The JSON text of any element: as it came when it is harmless, else with its strings mended and nothing else changed.</summary>
    public static string JsonOf(JsonElement element, ref bool sanitised)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (IsHarmless(raw)) return Encoding.UTF8.GetString(raw);

        var buffer = new ArrayBufferWriter<byte>(raw.Length + 64);
        using (var json = new Utf8JsonWriter(buffer, new() { SkipValidation = true, MaxDepth = int.MaxValue, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            Rewrite(raw, json, ref sanitised);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>What stands between the quotes, decoded.</summary>
    internal static string Unescape(ReadOnlySpan<byte> raw, ref bool sanitised)
    {
        if (raw.IndexOf((byte)'\\') < 0)
        {
            sanitised |= !Utf8.IsValid(raw);
            return Encoding.UTF8.GetString(raw);
        }
        var text = new StringBuilder(raw.Length);
        while (!raw.IsEmpty)
        {
            var escape = raw.IndexOf((byte)'\\');
            var plain = escape < 0 ? raw : raw[..escape];
            sanitised |= !Utf8.IsValid(plain);
            text.Append(Encoding.UTF8.GetString(plain));
            if (escape < 0) break;
            raw = raw[escape..];
            if (raw[1] != 'u')
            {
                text.Append((char)(raw[1] switch { (byte)'n' => '\n', (byte)'t' => '\t', (byte)'r' => '\r', (byte)'b' => '\b', (byte)'f' => '\f', var c => (char)c }));
                raw = raw[2..];
                continue;
            }
            var unit = Unit(raw);
            if (char.IsHighSurrogate(unit) && raw.Length >= 12 && raw[6] == '\\' && raw[7] == 'u' && Unit(raw[6..]) is var low && char.IsLowSurrogate(low))
            {
                text.Append(unit).Append(low);
                raw = raw[12..];
                continue;
            }
            var bad = unit == '\0' || char.IsSurrogate(unit);
            sanitised |= bad;
            text.Append(bad ? Replacement : unit);
            raw = raw[6..];
        }
        return text.ToString();
    }

    static char Unit(ReadOnlySpan<byte> escape) => (char)ushort.Parse(escape.Slice(2, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Only an escape can spell NUL or half a pair, and only bytes above ASCII can be wrong UTF-8.</summary>
    static bool IsHarmless(ReadOnlySpan<byte> raw)
    {
        if (!Utf8.IsValid(raw)) return false;
        while (raw.IndexOf("\\u"u8) is >= 0 and var at && at + 6 <= raw.Length)
        {
            if (raw.Slice(at + 2, 4).SequenceEqual("0000"u8) || (raw[at + 2] | 0x20) == 'd') return false;
            raw = raw[(at + 6)..];
        }
        return true;
    }

    static void Rewrite(ReadOnlySpan<byte> raw, Utf8JsonWriter json, ref bool sanitised)
    {
        var reader = new Utf8JsonReader(raw, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject: json.WriteStartObject(); break;
                case JsonTokenType.EndObject: json.WriteEndObject(); break;
                case JsonTokenType.StartArray: json.WriteStartArray(); break;
                case JsonTokenType.EndArray: json.WriteEndArray(); break;
                case JsonTokenType.PropertyName: json.WritePropertyName(Unescape(reader.ValueSpan, ref sanitised)); break;
                case JsonTokenType.String: json.WriteStringValue(Unescape(reader.ValueSpan, ref sanitised)); break;
                default: json.WriteRawValue(reader.ValueSpan, skipInputValidation: true); break;
            }
        }
    }
}

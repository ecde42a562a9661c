using System.Text.Unicode;

namespace Hindcast.Application.Payloads;

/// <summary>
/// The inside of JSON strings, byte by byte. The framework's reader accepts three things it later throws on or that a store refuses:
/// invalid UTF-8, escapes of lone surrogates, and NUL. They are "harm" here; whoever meets them decides between refusing and U+FFFD.
/// </summary>
static class EscapedText
{
    const byte Backslash = (byte)'\\';
    const int UnicodeEscape = 6;

    /// <summary>
    /// Works on the inside of one string and on a whole JSON text alike: outside of strings valid JSON has neither backslashes nor
    /// anything but ASCII.
    /// </summary>
    public static bool IsHarmless(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json)) return false;
        while (json.IndexOf(Backslash) is var at and >= 0)
        {
            json = json[at..];
            var length = ReadEscape(json, out _, out var harmful);
            if (harmful) return false;
            json = json[length..];
        }
        return true;
    }

    /// <summary>Unescapes into <paramref name="text"/>, which is long enough when it has a char for each byte; harm becomes U+FFFD.</summary>
    public static int Decode(ReadOnlySpan<byte> inside, Span<char> text, out bool harmed)
    {
        harmed = false;
        var written = 0;
        while (inside.IndexOf(Backslash) is var at and >= 0)
        {
            written += DecodeRaw(inside[..at], text[written..], ref harmed);
            inside = inside[at..];
            inside = inside[ReadEscape(inside, out var code, out var harmful)..];
            harmed |= harmful;
            if (code > char.MaxValue)
            {
                text[written++] = (char)(0xD800 + ((code - 0x10000) >> 10));
                text[written++] = (char)(0xDC00 + (code & 0x3FF));
            }
            else
            {
                text[written++] = (char)code;
            }
        }
        return written + DecodeRaw(inside, text[written..], ref harmed);
    }

    /// <summary>The JSON text as it stands, only the harm replaced: numbers, spaces and other escapes keep their spelling.</summary>
    public static int Sanitise(ReadOnlySpan<byte> json, Span<char> text, out bool harmed)
    {
        harmed = false;
        var written = 0;
        while (json.IndexOf(Backslash) is var at and >= 0)
        {
            written += DecodeRaw(json[..at], text[written..], ref harmed);
            json = json[at..];
            var length = ReadEscape(json, out _, out var harmful);
            harmed |= harmful;
            if (harmful) text[written++] = '\uFFFD';
            else written += DecodeRaw(json[..length], text[written..], ref harmed);
            json = json[length..];
        }
        return written + DecodeRaw(json, text[written..], ref harmed);
    }

    static int DecodeRaw(ReadOnlySpan<byte> raw, Span<char> text, ref bool harmed)
    {
        if (raw.IsEmpty) return 0;
        harmed |= !Utf8.IsValid(raw);
        Utf8.ToUtf16(raw, text, out _, out var written, replaceInvalidSequences: true);
        return written;
    }

    /// <summary>One escape, or the two that spell a surrogate pair; the code point is U+FFFD where it is harmful.</summary>
    static int ReadEscape(ReadOnlySpan<byte> escape, out int code, out bool harmful)
    {
        harmful = false;
        if (escape[1] != (byte)'u')
        {
            code = escape[1] switch
            {
                (byte)'n' => '\n', (byte)'t' => '\t', (byte)'r' => '\r', (byte)'b' => '\b', (byte)'f' => '\f',
                var itself => itself,
            };
            return 2;
        }
        code = Hex(escape);
        if (code is >= 0xD800 and < 0xDC00 && escape.Length >= 2 * UnicodeEscape && escape[UnicodeEscape] == Backslash
            && escape[UnicodeEscape + 1] == (byte)'u' && Hex(escape[UnicodeEscape..]) is var low and >= 0xDC00 and < 0xE000)
        {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            return 2 * UnicodeEscape;
        }
        harmful = code is 0 or >= 0xD800 and < 0xE000;
        if (harmful) code = '\uFFFD';
        return UnicodeEscape;
    }

    static int Hex(ReadOnlySpan<byte> escape)
    {
        var value = 0;
        foreach (var digit in escape[2..UnicodeEscape])
            value = (value << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return value;
    }
}

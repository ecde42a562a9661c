using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindcast.Application.Payloads;

/// <summary>
/// Text out of JSON that is already stored and can no longer be refused. <see cref="JsonElement.GetString"/> throws on lone surrogates and
/// invalid UTF-8, and NUL stops PostgreSQL and truncates in SQLite: each becomes U+FFFD here, and the reader is told (ruling 12).
/// </summary>
public static class LenientText
{
    const int OnStack = 256;

    delegate int Rewrite(ReadOnlySpan<byte> utf8, Span<char> text, out bool harmed);

    /// <summary>The text of a JSON string; sets <paramref name="sanitised"/> when something was replaced, and never clears it.</summary>
    /// <exception cref="ArgumentException">The element is no string.</exception>
    public static string Of(JsonElement stringElement, ref bool sanitised) => Text(Inside(stringElement), ref sanitised);

    /// <summary>The name of a property, for payloads whose keys nobody has checked.</summary>
    public static string NameOf(JsonProperty property, ref bool sanitised) => Text(JsonMarshal.GetRawUtf8PropertyName(property), ref sanitised);

    /// <summary>The JSON text of any element: as received where it is harmless, else the same text with only the harm replaced.</summary>
    public static string JsonOf(JsonElement element, ref bool sanitised)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (EscapedText.IsHarmless(raw)) return Encoding.UTF8.GetString(raw);
        return Written(raw, EscapedText.Sanitise, ref sanitised);
    }

    /// <summary>For ids, which are refused and never repaired: false for NUL, lone surrogates and invalid UTF-8.</summary>
    /// <exception cref="ArgumentException">The element is no string.</exception>
    public static bool IsClean(JsonElement stringElement) => EscapedText.IsHarmless(Inside(stringElement));

    static ReadOnlySpan<byte> Inside(JsonElement element) => element.ValueKind == JsonValueKind.String
        ? JsonMarshal.GetRawUtf8Value(element)[1..^1]
        : throw new ArgumentException($"A JSON string is needed, and this is {element.ValueKind}.", nameof(element));

    static string Text(ReadOnlySpan<byte> inside, ref bool sanitised)
    {
        if (!inside.Contains((byte)'\\') && Utf8.IsValid(inside)) return Encoding.UTF8.GetString(inside);
        return Written(inside, EscapedText.Decode, ref sanitised);
    }

    static string Written(ReadOnlySpan<byte> utf8, Rewrite rewrite, ref bool sanitised)
    {
        char[]? rented = null;
        var chars = utf8.Length <= OnStack ? stackalloc char[OnStack] : rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        var text = new string(chars[..rewrite(utf8, chars, out var harmed)]);
        sanitised |= harmed;
        if (rented is not null) ArrayPool<char>.Shared.Return(rented);
        return text;
    }
}

using System.Globalization;

namespace Hindcast.Api;

/// <summary>Times on the wire: ISO 8601 and nothing else.</summary>
internal static class Times
{
    static readonly string[] Shapes = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mm"];
    static readonly string[] Zoned = [.. Shapes.Select(shape => shape + "K")];
    static readonly string[] Bare = [.. Shapes, "yyyy-MM-dd"];

    /// <summary>A date and time with Z or an offset; fractions of any length, of which microseconds are kept.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(Shorten(text), Zoned, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time)
        && (text[^1] is 'Z' or 'z' || text.LastIndexOfAny(['+', '-']) > 10);

    /// <summary>The same, and a time without zone is UTC.</summary>
    public static bool TryParseAsUtc(string text, out DateTimeOffset time) =>
        TryParse(text, out time)
        || DateTimeOffset.TryParseExact(
            Shorten(text), Bare, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    /// <summary>More than seven digits of a second are more than .NET reads.</summary>
    static string Shorten(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return text;
        var end = dot + 1;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        return end - dot - 1 <= 7 ? text : string.Concat(text.AsSpan(0, dot + 8), text.AsSpan(end));
    }
}

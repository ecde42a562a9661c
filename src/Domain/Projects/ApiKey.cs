using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Domain.Projects;

/// <summary>
/// The text of an API key: <c>hc_sk_</c> (or another prefix; <c>YOPS-</c> in WhyOps' spelling), 32 base62 characters of chance (190 bits), and 6
/// that are the CRC-32 of all that stands before them. The prefix lets a scanner find a leaked key, and the checksum lets us, and it, tell a
/// typo from a key without asking anybody: CRC-32 sees every change of one character and every swap of two neighbours.
/// </summary>
public static class ApiKey
{
    /// <summary>What scanners look for; every key that is issued matches it.</summary>
    public const string Pattern = "(?:[a-z][a-z0-9]{0,15}_sk_|YOPS-)[0-9A-Za-z]{38}";

    public const int LongestPrefix = 16;

    const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const string Kind = "_sk_";
    const string WhyOps = "YOPS";
    const int SecretLength = 32;
    const int ChecksumLength = 6;
    const int Longest = LongestPrefix + 4 + SecretLength + ChecksumLength;

    static readonly SearchValues<char> s_alphabet = SearchValues.Create(Alphabet);

    /// <summary>A new key. <see cref="IsPrefix"/> says what a prefix may be.</summary>
    public static string Mint(string prefix)
    {
        if (!IsPrefix(prefix)) throw new ArgumentException("A prefix is a small letter and up to 15 small letters and digits, or YOPS.", nameof(prefix));
        var text = (prefix == WhyOps ? "YOPS-" : prefix + Kind) + RandomNumberGenerator.GetString(Alphabet, SecretLength);
        Span<char> checksum = stackalloc char[ChecksumLength];
        WriteChecksum(text, checksum);
        return string.Concat(text, checksum);
    }

    public static bool IsPrefix(ReadOnlySpan<char> prefix)
    {
        if (prefix is WhyOps) return true;
        if (prefix.Length is 0 or > LongestPrefix || !char.IsAsciiLetterLower(prefix[0])) return false;
        foreach (var c in prefix)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c)) return false;
        return true;
    }

    /// <summary>Whether this can be a key that was issued at all. Looks nothing up and allocates nothing, whatever it is given.</summary>
    public static bool HasValidChecksum(ReadOnlySpan<char> text)
    {
        if (text.Length > Longest || PrefixOf(text) is not { Length: > 0 }) return false;
        Span<char> checksum = stackalloc char[ChecksumLength];
        WriteChecksum(text[..^ChecksumLength], checksum);
        return text.EndsWith(checksum);
    }

    /// <summary>The prefix of a text that has a key's form; empty when it has not.</summary>
    public static ReadOnlySpan<char> PrefixOf(ReadOnlySpan<char> text)
    {
        const int tail = SecretLength + ChecksumLength;
        if (text.Length <= tail || text[^tail..].ContainsAnyExcept(s_alphabet)) return default;
        var head = text[..^tail];
        if (head is "YOPS-") return head[..4];
        return head.EndsWith(Kind) && head[0] != 'Y' && IsPrefix(head[..^Kind.Length]) ? head[..^Kind.Length] : default;
    }

    /// <summary>What may be shown of a key: <c>hc_sk_…1a2B</c>.</summary>
    public static string Mask(string prefix, string lastFour) => (prefix == WhyOps ? "YOPS-" : prefix + Kind) + "…" + lastFour;

    static void WriteChecksum(ReadOnlySpan<char> text, Span<char> checksum)
    {
        // A key's form is ASCII and short; both were looked at before.
        Span<byte> ascii = stackalloc byte[Longest];
        var crc = Crc32.Of(ascii[..Encoding.ASCII.GetBytes(text, ascii)]);
        for (var i = ChecksumLength - 1; i >= 0; i--) (crc, checksum[i]) = (crc / 62, Alphabet[(int)(crc % 62)]);
    }
}

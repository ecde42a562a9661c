using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Hindcast.Domain.Analytics;

/// <summary>
/// What two failures have in common when only their particulars differ: their type and their message without numbers, ids, hex and quoted
/// texts. The same in every process and for ever.
/// </summary>
public static partial class Fingerprint
{
    const int LongestMessage = 500;

    /// <summary>16 hex digits.</summary>
    public static string Of(string type, string message) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{type}\0{Pattern(message)}")).AsSpan(0, 8));

    /// <summary>The message with <c>…</c> where its particulars stood.</summary>
    public static string Pattern(string message)
    {
        var text = message.Length > LongestMessage ? message[..LongestMessage] : message;
        return Blanks().Replace(Particulars().Replace(text, "…"), " ").Trim();
    }

    // In this order: what is quoted, UUIDs, hex with or without its sign, words with a digit in them (req_8fA2), numbers with their units.
    [GeneratedRegex("""(?x) "[^"]*" | '[^']{2,}' | `[^`]*` | \b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b | \b0[xX][0-9a-fA-F]+\b | \b\w*\d[\w.:-]*""", RegexOptions.NonBacktracking)]
    private static partial Regex Particulars();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Blanks();
}

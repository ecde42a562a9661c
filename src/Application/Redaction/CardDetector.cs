using System.Buffers;
using System.Globalization;

namespace Hindcast.Application.Redaction;

/// <summary>
/// Numbers of payment cards: 13 to 19 digits that begin with 3 to 6, or 16 that begin with 2221 to 2720, and pass Luhn's check, written without a break or in groups, the first of four
/// digits, with one kind of separator. Part of a longer number or word is none: a tenth of all numbers pass the check.
/// </summary>
sealed class CardDetector() : Detector("card")
{
    const int Fewest = 13, Most = 19;

    static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789");

    public override bool MayFind(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAny(s_digits) is var at and >= 0)
        {
            text = text[at..];
            var (length, digits) = (0, 0);
            while (length < text.Length && (char.IsAsciiDigit(text[length]) || text[length] is ' ' or '-'))
                if (char.IsAsciiDigit(text[length++]) && ++digits == Fewest) return true;
            text = text[length..];
        }
        return false;
    }

    public override void Find(ReadOnlySpan<char> text, List<Finding> found)
    {
        for (var at = 0; at < text.Length && text[at..].IndexOfAny(s_digits) is var next and >= 0;)
        {
            at += next;
            if (!IsWord(text, at - 1) && LengthOf(text[at..]) is var length and > 0)
            {
                found.Add(new(this, at, length));
                at += length;
            }
            // To the next number: one begins where none goes on.
            else while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        }
    }

    /// <summary>How long the card's number is that the text begins with; 0: none.</summary>
    static int LengthOf(ReadOnlySpan<char> text)
    {
        if (text[0] is < '2' or > '6') return 0;
        Span<char> digits = stackalloc char[Most];
        var (count, at, group, separator) = (0, 0, 0, '\0');
        for (; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]))
            {
                if (count == Most) return 0;
                digits[count++] = text[at];
                group++;
            }
            else if (text[at] is ' ' or '-' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]))
            {
                // Groups: four first, then three to six; what does not fit ends the number here.
                var fits = separator == '\0' ? count == 4 : text[at] == separator && group is >= 3 and <= 6;
                if (!fits || count >= Fewest && Passes(digits[..count])) break;
                (separator, group) = (text[at], 0);
            }
            else
            {
                break;
            }
        }
        return count >= Fewest && !IsWord(text, at) && Passes(digits[..count]) ? at : 0;
    }

    static bool Passes(ReadOnlySpan<char> digits)
    {
        // Times in nanoseconds begin with a 2 from 2033 on.
        if (digits[0] == '2' && !(digits.Length == 16 && int.Parse(digits[..4], CultureInfo.InvariantCulture) is >= 2221 and <= 2720)) return false;
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            if (i % 2 == 1 && (digit *= 2) > 9) digit -= 9;
            sum += digit;
        }
        return sum % 10 == 0;
    }
}

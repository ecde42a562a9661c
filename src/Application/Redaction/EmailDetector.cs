using System.Buffers;

namespace Hindcast.Application.Redaction;

/// <summary>E-mail addresses: a name, an @, and a domain with a dot whose last part begins with a letter. Letters of any script count.</summary>
sealed class EmailDetector() : Detector("email")
{
    const int LongestName = 64, LongestDomain = 253;

    static readonly SearchValues<char> s_marks = SearchValues.Create("!#$%&'*+-/=?^_`{|}~.");

    public override bool MayFind(ReadOnlySpan<char> text) => text.Contains('@');

    public override void Find(ReadOnlySpan<char> text, List<Finding> found)
    {
        var free = 0;
        for (var at = 0; at < text.Length && text[at..].IndexOf('@') is var next and >= 0; at++)
        {
            at += next;
            var start = at;
            while (start > free && at - start < LongestName && (char.IsLetterOrDigit(text[start - 1]) || s_marks.Contains(text[start - 1]))) start--;
            // A name begins with neither a dot nor what quotes or lists are written with.
            while (start < at && !char.IsLetterOrDigit(text[start]) && text[start] != '_') start++;
            var end = EndOfDomain(text, at + 1);
            if (start == at || end < 0) continue;
            found.Add(new(this, start, end - start));
            free = end;
            at = end - 1;
        }
    }

    /// <summary>-1: there is none.</summary>
    static int EndOfDomain(ReadOnlySpan<char> text, int start)
    {
        var (end, dots, last) = (start, 0, start);
        while (end < text.Length && end - start < LongestDomain)
        {
            if (text[end] == '.')
            {
                if (end == last || end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1])) break;
                (dots, last) = (dots + 1, end + 1);
            }
            else if (!char.IsLetterOrDigit(text[end]) && text[end] != '-')
            {
                break;
            }
            end++;
        }
        while (end > start && text[end - 1] == '-') end--;
        return dots > 0 && end - last >= 2 && char.IsLetter(text[last]) ? end : -1;
    }
}

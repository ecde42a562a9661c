using System.Text.RegularExpressions;

namespace Hindcast.Application.Redaction;

/// <summary>Where in a text something was found.</summary>
public readonly record struct Finding(Detector By, int Start, int Length)
{
    public int End => Start + Length;
}

/// <summary>Finds one kind of thing in texts.</summary>
public abstract class Detector(string name)
{
    /// <summary>As it stands in markers and in what facts say of themselves.</summary>
    public string Name => name;

    /// <summary>Put in place of what is found; null: it is only told of.</summary>
    public string? Marker { get; init; }

    /// <summary>Cheap and never wrong when it says no; asked of whole payloads.</summary>
    public abstract bool MayFind(ReadOnlySpan<char> text);

    /// <summary>Adds what it finds, in order and without overlap.</summary>
    public abstract void Find(ReadOnlySpan<char> text, List<Finding> found);

    /// <summary>Of a longer word it would be a part. Letters of other scripts may stand beside it: some write without spaces.</summary>
    protected static bool IsWord(ReadOnlySpan<char> text, int at) => at >= 0 && at < text.Length && char.IsAsciiLetterOrDigit(text[at]);
}

/// <summary>A project's own pattern. Text that it cannot be done with in time is found whole: better too much than what was to be kept out.</summary>
sealed class PatternDetector(string name, Regex pattern) : Detector(name)
{
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    public override bool MayFind(ReadOnlySpan<char> text) => true;

    public override void Find(ReadOnlySpan<char> text, List<Finding> found)
    {
        var before = found.Count;
        try
        {
            foreach (var match in pattern.EnumerateMatches(text))
                if (match.Length > 0) found.Add(Whole(text, match.Index, match.Index + match.Length));
        }
        catch (RegexMatchTimeoutException)
        {
            found.RemoveRange(before, found.Count - before);
            found.Add(new(this, 0, text.Length));
        }
    }

    /// <summary>Half a surrogate pair is no text.</summary>
    Finding Whole(ReadOnlySpan<char> text, int start, int end)
    {
        if (start > 0 && char.IsSurrogatePair(text[start - 1], text[start])) start--;
        if (end < text.Length && char.IsSurrogatePair(text[end - 1], text[end])) end++;
        return new(this, start, end - start);
    }
}

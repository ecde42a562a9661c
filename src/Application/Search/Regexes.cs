using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Hindcast.Application.Search;

/// <summary>
/// Regular expressions in filters. They run on an engine whose work is linear in the text and never in a database; even so one query may
/// spend 250 ms on them and no more.
/// </summary>
public static class Regexes
{
    public const int LongestPattern = 256;
    public static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(250);

    /// <summary>Case does not matter, and it may match anywhere.</summary>
    /// <exception cref="BadRequest">The pattern is no regular expression, too long, or of a kind this engine does not run.</exception>
    public static Regex Make(string field, string pattern)
    {
        if (pattern.Length > LongestPattern) throw new BadRequest(field, $"Invalid filter: a regex has at most {LongestPattern} characters");
        try
        {
            return new(pattern, RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, Budget);
        }
        catch (NotSupportedException)
        {
            throw new BadRequest(field, "Invalid filter: regex_too_complex: look-around, back-references, atomic groups and very large repetitions are not supported");
        }
        catch (ArgumentException e)
        {
            throw new BadRequest(field, $"Invalid filter: bad regex: {e.Message}");
        }
    }
}

/// <summary>What is left of one query's time for regular expressions.</summary>
public sealed class RegexBudget
{
    long _spent;

    /// <exception cref="Unprocessable">It is used up.</exception>
    public bool IsMatch(Regex pattern, string text)
    {
        var start = Stopwatch.GetTimestamp();
        bool found;
        try
        {
            found = pattern.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw TooComplex();
        }
        _spent += Stopwatch.GetTimestamp() - start;
        return Stopwatch.GetElapsedTime(0, _spent) <= Regexes.Budget ? found : throw TooComplex();
    }

    static Unprocessable TooComplex() => new(
        "regex_too_complex", $"The regex needs more than {Regexes.Budget.TotalMilliseconds} ms for the rows it is looked for in; narrow the filter or simplify it");
}

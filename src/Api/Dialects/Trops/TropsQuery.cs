using System.Globalization;
using Hindcast.Application;

namespace Hindcast.Api.Dialects.Trops;

/// <summary>Query parameters of TROPS' analytics: empty is absent, and what cannot be read or lies out of range is refused by name.</summary>
internal readonly struct TropsQuery(IQueryCollection query)
{
    /// <exception cref="BadRequest">Given twice, or holds NUL, which no text of ours does.</exception>
    public string? Text(string name) => query[name] switch
    {
        [] or [null or ""] => null,
        [{ } text] when !text.Contains('\0') => text,
        [_] => throw new BadRequest(name, $"{name} must not contain NUL"),
        _ => throw new BadRequest(name, $"{name} is given more than once"),
    };

    public int Whole(string name, int otherwise, int most) => Text(name) is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= most ? value
        : throw new BadRequest(name, most == int.MaxValue ? $"{name} must be a whole number from 1 on" : $"{name} must be a whole number from 1 to {most}");

    public T Choice<T>(string name, T otherwise, params ReadOnlySpan<(string Word, T Meaning)> choices)
    {
        if (Text(name) is not { } text) return otherwise;
        foreach (var (word, meaning) in choices)
            if (word == text) return meaning;
        var words = new List<string>();
        foreach (var (word, _) in choices) words.Add(word);
        throw new BadRequest(name, $"{name} must be one of {string.Join(", ", words)}");
    }

    /// <summary>ISO 8601, UTC where it says no zone.</summary>
    /// <param name="endOfDay">A bare date stands for the end of that day.</param>
    public DateTimeOffset? Moment(string name, bool endOfDay)
    {
        if (Text(name) is not { } text) return null;
        if (!Times.TryParseAsUtc(text, out var time)) throw new BadRequest(name, $"{name} must be an ISO 8601 date or time");
        if (!endOfDay || text.Length != "2026-01-01".Length) return time;
        // The last day there is has no day after it.
        return time < DateTimeOffset.MaxValue.AddDays(-1) ? time.AddDays(1) : DateTimeOffset.MaxValue;
    }
}

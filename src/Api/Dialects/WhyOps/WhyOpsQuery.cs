using System.Globalization;
using Hindcast.Application;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Query parameters of the read doors: empty is absent, numbers outside their range are moved to its end, as the original does.</summary>
internal readonly struct WhyOpsQuery(IQueryCollection query)
{
    public string? Text(string name) => query[name] is not [{ Length: > 0 } text] ? null
        : text.Contains('\0') ? throw new BadRequest(name, $"Invalid {name}")
        : text;

    public int Whole(string name, int otherwise, int least, int most) => Text(name) is not { } text ? otherwise
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? (int)Math.Clamp(value, least, most)
        : throw new BadRequest(name, $"Invalid {name}");

    public DateTimeOffset? Moment(string name) => Text(name) is not { } text ? null
        : Times.TryParseAsUtc(text, out var time) ? time
        : throw new BadRequest(name, $"Invalid {name}");

    /// <summary>A list of words, such as <c>include=content,metadata</c>.</summary>
    public bool Includes(string name, string word) => Text(name)?.Split(',', StringSplitOptions.TrimEntries).Contains(word) == true;
}

/// <summary>A page by its number: <c>page</c> from 1, <c>count</c> from 1 to 100, 20 if not said.</summary>
internal readonly record struct WhyOpsPage(int Page, int Count)
{
    public static WhyOpsPage Of(WhyOpsQuery given) => new(given.Whole("page", 1, 1, int.MaxValue), given.Whole("count", 20, 1, 100));

    public object Describe(long total) => new
    {
        total, count = Count, page = Page, totalPages = (total + Count - 1) / Count, hasMore = (long)Page * Count < total,
    };

    public IEnumerable<T> Of<T>(IReadOnlyList<T> all) => (Page - 1L) * Count >= all.Count ? [] : all.Skip((Page - 1) * Count).Take(Count);
}

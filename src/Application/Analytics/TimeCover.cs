using Hindcast.Application.ReadModels;

namespace Hindcast.Application.Analytics;

/// <summary>A stretch of time and what it is read from; null is the spans themselves. µs UTC, the end is not in it.</summary>
public readonly record struct Stretch(long From, long To, BucketWidth? Width);

/// <summary>
/// Cuts a window into the widest buckets that fit: days in its middle, hours and minutes towards its ends, and spans where it begins or
/// ends within a minute. No bucket reaches across a moment at which a price begins, so one price holds for all of it.
/// </summary>
public static class TimeCover
{
    /// <param name="widest">No bucket is wider: the answer is cut into pieces of this width.</param>
    /// <param name="cuts">Moments that must lie between buckets.</param>
    public static IReadOnlyList<Stretch> Of(long from, long to, BucketWidth widest, IEnumerable<long> cuts)
    {
        var stretches = new List<Stretch>();
        var begin = from;
        foreach (var cut in cuts.Where(c => c > from && c < to).Order().Append(to))
        {
            Cover(begin, cut, widest, stretches);
            begin = cut;
        }
        return stretches;
    }

    static void Cover(long from, long to, BucketWidth? width, List<Stretch> stretches)
    {
        if (from >= to) return;
        if (width is not { } wide)
        {
            stretches.Add(new(from, to, null));
            return;
        }
        var (first, last) = (-BucketKey.StartOf(-from, wide), BucketKey.StartOf(to, wide));
        if (first >= last)
        {
            Cover(from, to, Narrower(wide), stretches);
            return;
        }
        Cover(from, first, Narrower(wide), stretches);
        stretches.Add(new(first, last, wide));
        Cover(last, to, Narrower(wide), stretches);
    }

    /// <summary>Null below minutes: what is left are spans.</summary>
    public static BucketWidth? Narrower(BucketWidth width) => width switch
    {
        BucketWidth.Day => BucketWidth.Hour,
        BucketWidth.Hour => BucketWidth.Minute,
        _ => null,
    };
}

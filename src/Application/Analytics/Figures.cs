using Hindcast.Application.ReadModels;
using Hindcast.Domain.Analytics;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Analytics;

/// <summary>What a number of requests add up to. Times in ms, money in pico-USD, shares from 0 to 1; null is unknown.</summary>
public sealed class Figures
{
    readonly LatencyHistogram _durations = new(), _firstTokens = new();
    long _timed, _duration, _timedToFirst, _timeToFirst;
    // The values themselves, in order, where they are few enough to be read.
    long[]? _everyDuration, _everyFirstToken;
    readonly HashSet<string> _users = new(StringComparer.Ordinal), _sessions = new(StringComparer.Ordinal);

    public long Requests { get; private set; }
    /// <summary>Of them, those that failed.</summary>
    public long Errors { get; private set; }
    /// <summary>Of them, those that a response cache answered.</summary>
    public long CacheHits { get; private set; }
    /// <summary>Of them, those that used tokens at an unknown price: the cost is without them.</summary>
    public long Unpriced { get; private set; }
    public long InputTokens { get; private set; }
    public long CacheReadTokens { get; private set; }
    public long CacheWriteTokens { get; private set; }
    public long OutputTokens { get; private set; }
    public long ReasoningTokens { get; private set; }
    public long TotalTokens { get; private set; }
    public long PromptTokens => InputTokens + CacheReadTokens + CacheWriteTokens;
    public Cost Cost { get; private set; } = Cost.Unknown;
    /// <summary>Requests whose duration is known; it is unknown where nobody told the start.</summary>
    public long Timed => _timed;

    public long TimedToFirstToken => _timedToFirst;
    /// <summary>All durations together, and all times to the first token.</summary>
    public double? TotalMs => _timed == 0 ? null : _duration / 1_000.0;
    public double? TotalFirstTokenMs => _timedToFirst == 0 ? null : _timeToFirst / 1_000.0;
    /// <summary>Different users and sessions that were named, where they were asked for.</summary>
    public int Users => _users.Count;
    public int Sessions => _sessions.Count;

    public double? ErrorRate => Share(Errors);
    public double? CacheHitRate => Share(CacheHits);
    public double? AverageMs => _timed == 0 ? null : _duration / 1_000.0 / _timed;
    public double? AverageFirstTokenMs => _timedToFirst == 0 ? null : _timeToFirst / 1_000.0 / _timedToFirst;

    /// <summary>The nearest-rank percentile of the durations: the value itself, or within 1 % of it where there are too many to read.</summary>
    public double? PercentileMs(double percent) => Percentile(percent, _everyDuration, _durations);

    /// <summary>The same of the times to the first token.</summary>
    public double? FirstTokenPercentileMs(double percent) => Percentile(percent, _everyFirstToken, _firstTokens);

    internal void Add(BucketRow row, PriceBook prices)
    {
        var parts = (PaidParts)row.Parts;
        Requests += row.Requests;
        if (row.Status == (int)SpanStatus.Error) Errors += row.Requests;
        if (parts.HasFlag(PaidParts.Hit)) CacheHits += row.Requests;
        InputTokens += row.InputTokens;
        CacheReadTokens += row.CacheReadTokens;
        CacheWriteTokens += row.CacheWrite5mTokens + row.CacheWrite1hTokens;
        OutputTokens += row.OutputTokens;
        ReasoningTokens += row.ReasoningTokens;
        TotalTokens += row.TotalTokens;
        (_timed, _duration) = (_timed + row.Timed, _duration + row.Duration);
        (_timedToFirst, _timeToFirst) = (_timedToFirst + row.TimedToFirstToken, _timeToFirst + row.TimeToFirstToken);
        _durations.Add(row.Durations);
        _firstTokens.Add(row.FirstTokens);

        var cost = CostOf(row, parts, prices);
        Cost = Cost.Plus(cost);
        if (parts.HasFlag(PaidParts.Usage) && cost.Total is null) Unpriced += row.Requests;
    }

    internal void Meet(string? user, string? session)
    {
        if (user is not null) _users.Add(user);
        if (session is not null) _sessions.Add(session);
    }

    /// <summary>Replaces the histograms by the values they stand for.</summary>
    internal void Know(IEnumerable<long> durations, IEnumerable<long> firstTokens) =>
        (_everyDuration, _everyFirstToken) = ([.. durations.Order()], [.. firstTokens.Order()]);

    static Cost CostOf(BucketRow row, PaidParts parts, PriceBook prices)
    {
        if (parts.HasFlag(PaidParts.Hit)) return Cost.Nothing;
        if (!parts.HasFlag(PaidParts.Split)) return Cost.Unknown;
        return prices.CostOf(
            new()
            {
                Input = row.InputTokens,
                CacheRead = parts.HasFlag(PaidParts.CacheRead) ? row.CacheReadTokens : null,
                CacheWrite5m = parts.HasFlag(PaidParts.CacheWrite5m) ? row.CacheWrite5mTokens : null,
                CacheWrite1h = parts.HasFlag(PaidParts.CacheWrite1h) ? row.CacheWrite1hTokens : null,
                Output = row.OutputTokens,
            },
            row.Model, Time.At(row.Start));
    }

    double? Share(long some) => Requests == 0 ? null : (double)some / Requests;

    static double? Percentile(double percent, long[]? every, LatencyHistogram histogram) => every switch
    {
        null => histogram.Percentile(percent) / 1_000,
        [] => null,
        _ => every[NearestRank.Of(percent, every.Length) - 1] / 1_000.0,
    };
}

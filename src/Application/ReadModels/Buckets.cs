using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Analytics;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Requests of one minute, hour or day by what they have in common: counts, tokens and durations. Money is not kept: it is tokens times a
/// price, at reading time. <see cref="ModelRequest"/> says what a request is.
/// </summary>
[Table("buckets")]
[PrimaryKey(
    nameof(Project), nameof(Width), nameof(Start), nameof(Kind), nameof(Provider), nameof(Model), nameof(Environment), nameof(Status), nameof(Parts))]
public sealed class BucketRow
{
    public string Project { get; set; } = "";
    /// <summary>Seconds; see <see cref="BucketWidth"/>.</summary>
    public int Width { get; set; }
    /// <summary>µs UTC, a multiple of the width: the requests started from here on.</summary>
    public long Start { get; set; }
    public string Kind { get; set; } = "";
    /// <summary>Empty where unknown: a key holds no null.</summary>
    public string Provider { get; set; } = "";
    public string Model { get; set; } = "";
    public string Environment { get; set; } = "";
    public int Status { get; set; }
    /// <summary>What of them has to be paid for; see <see cref="PaidParts"/>.</summary>
    public int Parts { get; set; }
    public long Requests { get; set; }
    public long InputTokens { get; set; }
    public long CacheReadTokens { get; set; }
    public long CacheWrite5mTokens { get; set; }
    public long CacheWrite1hTokens { get; set; }
    public long OutputTokens { get; set; }
    public long ReasoningTokens { get; set; }
    public long TotalTokens { get; set; }
    /// <summary>Requests whose duration is known, and the sum of those in µs.</summary>
    public long Timed { get; set; }
    public long Duration { get; set; }
    public long TimedToFirstToken { get; set; }
    public long TimeToFirstToken { get; set; }
    /// <summary><see cref="LatencyHistogram"/> of the durations, and of the times to the first token.</summary>
    public byte[] Durations { get; set; } = [];
    public byte[] FirstTokens { get; set; } = [];
}

/// <summary>How much time a bucket holds, in seconds. Days and hours begin at whole ones in UTC.</summary>
public enum BucketWidth
{
    Minute = 60,
    Hour = 3_600,
    Day = 86_400,
}

/// <summary>
/// The parts of a request's usage. All requests of a bucket have the same ones, so either all of them can be priced or none, and a sum over
/// the bucket is the sum over its requests.
/// </summary>
[Flags]
public enum PaidParts
{
    None = 0,
    /// <summary>Some usage was told.</summary>
    Usage = 1,
    /// <summary>It was told by parts, of which the ones below have prices of their own.</summary>
    Split = 2,
    CacheRead = 4,
    CacheWrite5m = 8,
    CacheWrite1h = 16,
    /// <summary>Nothing: a response cache answered.</summary>
    Hit = 32,
}

/// <summary>The key of a bucket.</summary>
public readonly record struct BucketKey(
    string Project, BucketWidth Width, long Start, string Kind, string Provider, string Model, string Environment, int Status, PaidParts Parts)
{
    public static readonly IReadOnlyList<BucketWidth> Widths = [BucketWidth.Minute, BucketWidth.Hour, BucketWidth.Day];

    /// <summary>The minute a span counts in, or null when it is no request.</summary>
    public static BucketKey? Of(string project, Span span) => !span.IsRequest() ? null : new(
        project, BucketWidth.Minute, StartOf(span.StartedAt.Micros(), BucketWidth.Minute), span.Kind, span.Provider ?? "", span.Model ?? "",
        span.Environment ?? "", (int)span.Status, PartsOf(span.Usage, span.IsCacheHit()));

    public static BucketKey Of(BucketRow row) => new(
        row.Project, (BucketWidth)row.Width, row.Start, row.Kind, row.Provider, row.Model, row.Environment, row.Status, (PaidParts)row.Parts);

    /// <summary>The wider bucket that this one is a part of.</summary>
    public BucketKey In(BucketWidth width) => this with { Width = width, Start = StartOf(Start, width) };

    /// <summary>The start of the bucket that a moment lies in; both in µs.</summary>
    public static long StartOf(long micros, BucketWidth width) => micros - (((micros % Micros(width)) + Micros(width)) % Micros(width));

    public static long Micros(BucketWidth width) => (long)width * 1_000_000;

    public static PaidParts PartsOf(Usage? usage, bool cacheHit)
    {
        if (cacheHit) return PaidParts.Hit;
        if (usage is null || usage.IsEmpty) return PaidParts.None;
        return PaidParts.Usage
            | (usage.Prompt is not null || usage.Output is not null ? PaidParts.Split : 0)
            | (usage.CacheRead > 0 ? PaidParts.CacheRead : 0)
            | (usage.CacheWrite5m > 0 ? PaidParts.CacheWrite5m : 0)
            | (usage.CacheWrite1h > 0 ? PaidParts.CacheWrite1h : 0);
    }

    public BucketRow Empty() => new()
    {
        Project = Project, Width = (int)Width, Start = Start, Kind = Kind, Provider = Provider, Model = Model, Environment = Environment, Status = Status,
        Parts = (int)Parts,
    };
}

/// <summary>What one request puts into its buckets; times in µs.</summary>
public readonly record struct Contribution(Usage? Usage, long? Duration, long? TimeToFirstToken)
{
    public static Contribution Of(Span span) => new(span.Usage, span.Duration?.Micros(), span.TimeToFirstToken?.Micros());
}

/// <summary>What a page changes in one bucket: contributions put in and taken out, so that a corrected span is counted once and right.</summary>
public sealed class BucketChange
{
    readonly List<(Contribution Of, int Sign)> _changes = [];

    public void Count(Contribution of, int sign) => _changes.Add((of, sign));

    public BucketRow Apply(BucketRow row)
    {
        LatencyHistogram? durations = null, firstTokens = null;
        foreach (var (of, sign) in _changes)
        {
            row.Requests += sign;
            row.InputTokens = Add(row.InputTokens, sign, of.Usage?.Input);
            row.CacheReadTokens = Add(row.CacheReadTokens, sign, of.Usage?.CacheRead);
            row.CacheWrite5mTokens = Add(row.CacheWrite5mTokens, sign, of.Usage?.CacheWrite5m);
            row.CacheWrite1hTokens = Add(row.CacheWrite1hTokens, sign, of.Usage?.CacheWrite1h);
            row.OutputTokens = Add(row.OutputTokens, sign, of.Usage?.Output);
            row.ReasoningTokens = Add(row.ReasoningTokens, sign, of.Usage?.Reasoning);
            row.TotalTokens = Add(row.TotalTokens, sign, of.Usage?.Total);
            if (of.Duration is { } took)
            {
                (row.Timed, row.Duration) = (row.Timed + sign, row.Duration + (sign * took));
                (durations ??= LatencyHistogram.Of(row.Durations)).Add(took, sign);
            }
            if (of.TimeToFirstToken is { } first)
            {
                (row.TimedToFirstToken, row.TimeToFirstToken) = (row.TimedToFirstToken + sign, row.TimeToFirstToken + (sign * first));
                (firstTokens ??= LatencyHistogram.Of(row.FirstTokens)).Add(first, sign);
            }
        }
        if (durations is not null) row.Durations = durations.ToBytes();
        if (firstTokens is not null) row.FirstTokens = firstTokens.ToBytes();
        return row;
    }

    /// <summary>Wraps around instead of stopping at the end: what absurd token counts put in, taking them out again removes exactly.</summary>
    static long Add(long sum, int sign, long? value) => unchecked(sum + (sign * (value ?? 0)));
}

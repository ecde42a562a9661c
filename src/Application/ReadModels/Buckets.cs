using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Analytics;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Requests of one minute by what they have in common: counts, tokens and durations. A request is a finished or failed model call. Money
/// is not kept: it is tokens times a price, at reading time.
/// </summary>
[Table("buckets")]
[PrimaryKey(nameof(Project), nameof(Minute), nameof(Kind), nameof(Provider), nameof(Model), nameof(Environment), nameof(Status))]
public sealed class BucketRow
{
    public string Project { get; set; } = "";
    /// <summary>µs UTC of the minute in which the request started.</summary>
    public long Minute { get; set; }
    public string Kind { get; set; } = "";
    /// <summary>Empty where unknown: a key holds no null.</summary>
    public string Provider { get; set; } = "";
    public string Model { get; set; } = "";
    public string Environment { get; set; } = "";
    public int Status { get; set; }
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
    /// <summary><see cref="LatencyHistogram"/> of the durations.</summary>
    public byte[] Durations { get; set; } = [];
}

/// <summary>The key of a bucket.</summary>
public readonly record struct BucketKey(string Project, long Minute, string Kind, string Provider, string Model, string Environment, int Status)
{
    const long MicrosPerMinute = 60_000_000;

    /// <summary>The bucket a span counts in, or null when it is no request.</summary>
    public static BucketKey? Of(string project, Span span) =>
        span.Kind is "llm" or "embedding" && span.Status != SpanStatus.Running
            ? new(project, span.StartedAt.Micros() / MicrosPerMinute * MicrosPerMinute, span.Kind, span.Provider ?? "", span.Model ?? "",
                span.Environment ?? "", (int)span.Status)
            : null;
}

/// <summary>What a page changes in one bucket: contributions put in and taken out, so that a corrected span is counted once and right.</summary>
public sealed class BucketChange
{
    readonly List<(Span Span, int Sign)> _changes = [];

    public void Count(Span span, int sign) => _changes.Add((span, sign));

    public BucketRow Apply(BucketKey key, BucketRow? row)
    {
        row ??= new()
        {
            Project = key.Project, Minute = key.Minute, Kind = key.Kind, Provider = key.Provider, Model = key.Model,
            Environment = key.Environment, Status = key.Status,
        };
        var durations = LatencyHistogram.Of(row.Durations);
        foreach (var (span, sign) in _changes)
        {
            row.Requests += sign;
            row.InputTokens = Add(row.InputTokens, sign, span.Usage?.Input);
            row.CacheReadTokens = Add(row.CacheReadTokens, sign, span.Usage?.CacheRead);
            row.CacheWrite5mTokens = Add(row.CacheWrite5mTokens, sign, span.Usage?.CacheWrite5m);
            row.CacheWrite1hTokens = Add(row.CacheWrite1hTokens, sign, span.Usage?.CacheWrite1h);
            row.OutputTokens = Add(row.OutputTokens, sign, span.Usage?.Output);
            row.ReasoningTokens = Add(row.ReasoningTokens, sign, span.Usage?.Reasoning);
            row.TotalTokens = Add(row.TotalTokens, sign, span.Usage?.Total);
            if (span.Duration is { } took)
            {
                row.Timed += sign;
                row.Duration += sign * took.Micros();
                durations.Add(took.Micros(), sign);
            }
            if (span.TimeToFirstToken is { } first)
            {
                row.TimedToFirstToken += sign;
                row.TimeToFirstToken += sign * first.Micros();
            }
        }
        row.Durations = durations.ToBytes();
        return row;
    }

    /// <summary>Wraps around instead of stopping at the end: what absurd token counts put in, taking them out again removes exactly.</summary>
    static long Add(long sum, int sign, long? value) => unchecked(sum + (sign * (value ?? 0)));
}

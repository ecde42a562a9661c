using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Analytics;

/// <summary>The requests of a project that a filter takes, both as buckets and as the spans they count.</summary>
sealed class RequestsOf(ReadDb db, string project)
{
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Environment { get; init; }
    /// <summary>Null: any. Success takes warnings in.</summary>
    public SpanStatus? Status { get; init; }
    /// <summary>Buckets do not know it.</summary>
    public string? UserId { get; init; }

    public string Project => project;

    /// <summary>µs UTC, the end is not in it; whole buckets only.</summary>
    public IQueryable<BucketRow> Buckets(Stretch stretch, BucketWidth width)
    {
        var rows = db.Set<BucketRow>().Where(x => x.Project == project && x.Width == (int)width && x.Start >= stretch.From && x.Start < stretch.To);
        if (Provider is { } provider) rows = rows.Where(x => x.Provider == provider);
        if (Model is { } model) rows = rows.Where(x => x.Model == model);
        if (Environment is { } environment) rows = rows.Where(x => x.Environment == environment);
        return Statuses() is { } statuses ? rows.Where(x => statuses.Contains(x.Status)) : rows;
    }

    /// <summary>µs UTC, the end is not in it.</summary>
    public IQueryable<SpanRow> Spans(long from, long to)
    {
        var rows = db.Set<SpanRow>().Where(x => x.Project == project && x.StartedAt >= from && x.StartedAt < to && x.Request);
        if (UserId is { } user) rows = rows.Where(x => x.UserId == user);
        if (Provider is { } provider) rows = rows.Where(x => x.Provider == provider);
        if (Model is { } model) rows = rows.Where(x => x.Model == model);
        if (Environment is { } environment) rows = rows.Where(x => x.Environment == environment);
        return Statuses() is { } statuses ? rows.Where(x => statuses.Contains(x.Status)) : rows;
    }

    public async Task<long> CountAsync(long from, long to, CancellationToken ct)
    {
        var count = 0L;
        foreach (var stretch in TimeCover.Of(from, to, BucketWidth.Day, []))
            count += stretch.Width is { } width
                ? await Buckets(stretch, width).SumAsync(x => x.Requests, ct)
                : await Spans(stretch.From, stretch.To).LongCountAsync(ct);
        return count;
    }

    int[]? Statuses() => Status switch
    {
        null => null,
        SpanStatus.Success => [(int)SpanStatus.Success, (int)SpanStatus.Warning],
        var status => [(int)status],
    };
}

using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Analytics;

/// <summary>The project's requests, newest first (ties by trace and span), a page by its number, with how many there are in all.</summary>
/// <param name="Page">From 1; one beyond the end is empty.</param>
public sealed record ListRequests(Caller Caller, int Page, int PageSize) : IRequest<RequestPage>
{
    /// <summary>Null: any. Success takes warnings in.</summary>
    public SpanStatus? Status { get; init; }
    public string? Model { get; init; }
    /// <summary>The first moment in it; null: from the first request on.</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>The first moment after it; null: no end.</summary>
    public DateTimeOffset? To { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListRequests, RequestPage>
    {
        public async Task<RequestPage> Handle(ListRequests query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            // One snapshot: the total and the page must tell of the same requests.
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var requests = new RequestsOf(db, query.Caller.Project) { Status = query.Status, Model = query.Model };
            var (from, to) = (query.From?.Micros() ?? Time.Earliest, query.To?.Micros() ?? Time.Latest);
            var total = await requests.CountAsync(from, to, ct);
            var skip = (query.Page - 1L) * query.PageSize;
            if (skip >= total) return new([], total);

            var (before, past) = await SeekAsync(requests, from, to, BucketWidth.Day, skip, ct);
            var rows = await requests.Spans(from, before)
                .OrderByDescending(x => x.StartedAt).ThenBy(x => x.TraceId).ThenBy(x => x.SpanId)
                .Skip((int)past).Take(query.PageSize)
                .Select(x => new SpanRow
                {
                    Project = x.Project, TraceId = x.TraceId, SpanId = x.SpanId, Model = x.Model, Status = x.Status, StartedAt = x.StartedAt, Duration = x.Duration,
                    InputTokens = x.InputTokens, CacheReadTokens = x.CacheReadTokens, CacheWrite5mTokens = x.CacheWrite5mTokens,
                    CacheWrite1hTokens = x.CacheWrite1hTokens, OutputTokens = x.OutputTokens, TotalTokens = x.TotalTokens, TotalCost = x.TotalCost,
                    Attributes = x.Attributes,
                })
                .ToListAsync(ct);
            return new(rows, total);
        }
    }

    /// <summary>
    /// Where a page begins, without walking over the pages before it: days are counted from the newest on, then the hours of the day it lies in,
    /// then the minutes of the hour. All requests before the moment are left, and a few to pass.
    /// </summary>
    static async Task<(long Before, long Past)> SeekAsync(RequestsOf requests, long from, long to, BucketWidth widest, long skip, CancellationToken ct)
    {
        foreach (var stretch in TimeCover.Of(from, to, widest, []).Reverse())
        {
            if (stretch.Width is not { } width)
            {
                var count = await requests.Spans(stretch.From, stretch.To).LongCountAsync(ct);
                if (skip < count) return (stretch.To, skip);
                skip -= count;
                continue;
            }
            var counts = await requests.Buckets(stretch, width).GroupBy(x => x.Start).Select(g => new { Start = g.Key, Requests = g.Sum(x => x.Requests) }).OrderByDescending(x => x.Start).ToListAsync(ct);
            foreach (var bucket in counts)
            {
                var end = bucket.Start + BucketKey.Micros(width);
                if (skip < bucket.Requests) return TimeCover.Narrower(width) is { } narrower ? await SeekAsync(requests, bucket.Start, end, narrower, skip, ct) : (end, skip);
                skip -= bucket.Requests;
            }
        }
        return (to, skip);
    }

    /// <summary>The name of a request: 22 characters that follow from its place and never change.</summary>
    public static string IdOf(SpanRow row) => EventIds.SpanOf(EventIds.Of(
        System.Text.Encoding.UTF8.GetBytes(row.Project), System.Text.Encoding.UTF8.GetBytes(row.TraceId), System.Text.Encoding.UTF8.GetBytes(row.SpanId)))["span_".Length..];
}

/// <param name="Rows">Without texts.</param>
public sealed record RequestPage(IReadOnlyList<SpanRow> Rows, long Total);

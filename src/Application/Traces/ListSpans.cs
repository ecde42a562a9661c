using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>A place in a list of spans ordered by start: the last row that was seen.</summary>
public sealed record SpanCursor(DateTimeOffset Timestamp, string TraceId, string SpanId, bool Descending);

/// <summary>A page of the project's spans by start. Bounds are inclusive; durations in ms, money in USD.</summary>
public sealed record ListSpans(Caller Caller) : IRequest<SpanPage>
{
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }
    public string? TraceId { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public SpanStatus? Status { get; init; }
    public long? MinDuration { get; init; }
    public long? MaxDuration { get; init; }
    public decimal? MinCost { get; init; }
    public decimal? MaxCost { get; init; }
    public long? MinTokens { get; init; }
    public long? MaxTokens { get; init; }
    public string? Environment { get; init; }
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public bool Descending { get; init; } = true;
    public SpanCursor? After { get; init; }
    public int Limit { get; init; } = 50;

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListSpans, SpanPage>
    {
        public async Task<SpanPage> Handle(ListSpans q, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            var rows = await Page(Matching(db.Set<SpanRow>().Where(x => x.Project == q.Caller.Project), q), q).Take(q.Limit + 1).ToListAsync(ct);
            var more = rows.Count > q.Limit;
            if (more) rows.RemoveAt(q.Limit);
            return new(rows, more);
        }

        static IQueryable<SpanRow> Matching(IQueryable<SpanRow> spans, ListSpans q)
        {
            if (q.From is { } from) spans = spans.Where(x => x.StartedAt >= from.Micros());
            if (q.To is { } to) spans = spans.Where(x => x.StartedAt <= to.Micros());
            if (q.TraceId is not null) spans = spans.Where(x => x.TraceId == q.TraceId);
            if (q.Provider is not null) spans = spans.Where(x => x.Provider == q.Provider);
            if (q.Model is not null) spans = spans.Where(x => x.Model == q.Model);
            // A warning is a success to those who know two kinds only.
            if (q.Status is SpanStatus.Success) spans = spans.Where(x => x.Status == (int)SpanStatus.Success || x.Status == (int)SpanStatus.Warning);
            else if (q.Status is { } status) spans = spans.Where(x => x.Status == (int)status);
            if (q.MinDuration is { } least) spans = spans.Where(x => x.Duration >= Micros(least));
            if (q.MaxDuration is { } most) spans = spans.Where(x => x.Duration <= Micros(most));
            if (q.MinCost is { } cheap) spans = spans.Where(x => x.TotalCost >= Pico(cheap));
            if (q.MaxCost is { } dear) spans = spans.Where(x => x.TotalCost <= Pico(dear));
            if (q.MinTokens is { } few) spans = spans.Where(x => x.TotalTokens >= few);
            if (q.MaxTokens is { } many) spans = spans.Where(x => x.TotalTokens <= many);
            if (q.Environment is not null) spans = spans.Where(x => x.Environment == q.Environment);
            if (q.UserId is not null) spans = spans.Where(x => x.UserId == q.UserId);
            if (q.SessionId is not null) spans = spans.Where(x => x.SessionId == q.SessionId);
            return spans;
        }

        /// <summary>Rows after the cursor. SQLite compares no tuples, so the order is spelled out.</summary>
        static IQueryable<SpanRow> Page(IQueryable<SpanRow> spans, ListSpans q)
        {
            if (q.After is { } after)
            {
                var (ts, trace, span) = (after.Timestamp.Micros(), after.TraceId, after.SpanId);
                spans = q.Descending
                    ? spans.Where(x => x.StartedAt < ts || (x.StartedAt == ts
                        && (x.TraceId.CompareTo(trace) < 0 || (x.TraceId == trace && x.SpanId.CompareTo(span) < 0))))
                    : spans.Where(x => x.StartedAt > ts || (x.StartedAt == ts
                        && (x.TraceId.CompareTo(trace) > 0 || (x.TraceId == trace && x.SpanId.CompareTo(span) > 0))));
            }
            return q.Descending
                ? spans.OrderByDescending(x => x.StartedAt).ThenByDescending(x => x.TraceId).ThenByDescending(x => x.SpanId)
                : spans.OrderBy(x => x.StartedAt).ThenBy(x => x.TraceId).ThenBy(x => x.SpanId);
        }

        static long Micros(long ms) => (long)Math.Clamp((decimal)ms * 1_000m, long.MinValue, long.MaxValue);

        static long Pico(decimal usd) => (long)(Math.Clamp(usd, -9_000_000m, 9_000_000m) * 1_000_000_000_000m);
    }
}

/// <summary>Spans in order, and whether there are more after them.</summary>
public sealed record SpanPage(IReadOnlyList<SpanRow> Rows, bool HasMore);

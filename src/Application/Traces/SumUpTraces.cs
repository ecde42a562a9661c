using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>Whatever is counted by something stands by its count, equals in the order they were first seen.</summary>
/// <param name="MeanLatency">ms.</param>
/// <param name="P95Latency">ms, nearest rank, exact.</param>
public sealed record TraceSums(
    int Traces, double MeanLatency, double P95Latency, long Tokens, long Retries, int Slow,
    IReadOnlyList<(SpanStatus Status, int Count)> Statuses, IReadOnlyList<HourOfTraces> Hours, IReadOnlyList<Counted> Models, IReadOnlyList<Counted> ProjectNames, IReadOnlyList<WholeTrace> RecentTrouble)
{
    public static readonly TraceSums None = new(0, 0, 0, 0, 0, 0, [], [], [], [], []);

    /// <param name="status">One under way counts as a success.</param>
    public int With(SpanStatus status) => Statuses.Where(s => s.Status == status).Sum(s => s.Count);
}

/// <param name="MeanLatency">ms.</param>
public sealed record HourOfTraces(DateTimeOffset From, double MeanLatency, long Tokens, int Traces);

/// <param name="Key">Null: nobody told.</param>
public sealed record Counted(string? Key, int Count);

/// <summary>What a project's traces add up to: all that match, counted by the store; the hours of the last 24 h that have any, and the newest trouble.</summary>
public sealed record SumUpTraces(Caller Caller, string? Environment, int RecentTrouble) : IRequest<TraceSums>
{
    internal sealed class Handler(ServingModels models, TimeProvider clock) : IRequestHandler<SumUpTraces, TraceSums>
    {
        const long Hour = 3_600_000_000;

        public async Task<TraceSums> Handle(SumUpTraces q, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            // One snapshot: parts of one sum must not come from two moments.
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var runs = db.Set<RunRow>().Where(x => x.Project == q.Caller.Project);
            if (q.Environment is { } environment) runs = runs.Where(x => (x.Environment ?? "development") == environment);

            var byStatus = await runs.GroupBy(x => x.Status).Select(g => new
            {
                Status = (SpanStatus)g.Key,
                Traces = g.Count(),
                Latency = g.Sum(x => (double)x.Latency),
                Tokens = g.Sum(x => x.TotalTokens ?? 0),
                Retries = g.Sum(x => (long)x.Retries),
                Slow = g.Count(x => x.Slow),
                First = g.Min(x => x.StartedAt),
            }).ToListAsync(ct);
            var total = byStatus.Sum(s => s.Traces);
            if (total == 0) return TraceSums.None;

            var rank = (int)Math.Ceiling(0.95 * total) - 1;
            var p95 = await runs.OrderBy(x => x.Latency).Select(x => x.Latency).Skip(rank).FirstAsync(ct);
            var since = (clock.GetUtcNow() - TimeSpan.FromHours(24)).Micros();
            var hours = await runs.Where(x => x.StartedAt >= since).GroupBy(x => x.StartedAt / Hour)
                .Select(g => new { Hour = g.Key, Latency = g.Average(x => (double)x.Latency), Tokens = g.Sum(x => x.TotalTokens ?? 0), Traces = g.Count() })
                .ToListAsync(ct);
            var byModel = await runs.GroupBy(x => x.Model).Select(g => new { g.Key, Count = g.Count(), First = g.Min(x => x.StartedAt) }).ToListAsync(ct);
            var names = await runs.GroupBy(x => x.ProjectName).Select(g => new { g.Key, Count = g.Count(), First = g.Min(x => x.StartedAt) }).ToListAsync(ct);
            var trouble = await runs
                .Where(x => x.Status == (int)SpanStatus.Error || x.Status == (int)SpanStatus.Warning || x.Slow || x.Retries > 0)
                .Newest().Take(q.RecentTrouble).ToListAsync(ct);

            return new(
                total, byStatus.Sum(s => s.Latency) / total / 1000, p95 / 1000.0, byStatus.Sum(s => s.Tokens), byStatus.Sum(s => s.Retries), byStatus.Sum(s => s.Slow),
                [.. byStatus.GroupBy(s => s.Status == SpanStatus.Running ? SpanStatus.Success : s.Status).Select(g => (Status: g.Key, Count: g.Sum(s => s.Traces), First: g.Min(s => s.First)))
                    .OrderByDescending(s => s.Count).ThenBy(s => s.First).Select(s => (s.Status, s.Count))],
                [.. hours.OrderBy(h => h.Hour).Select(h => new HourOfTraces(Time.At(h.Hour * Hour), h.Latency / 1000, h.Tokens, h.Traces))],
                [.. byModel.OrderByDescending(m => m.Count).ThenBy(m => m.First).Select(m => new Counted(m.Key, m.Count))],
                [.. names.OrderByDescending(n => n.Count).ThenBy(n => n.First).Select(n => new Counted(n.Key, n.Count))],
                await db.WholeAsync(q.Caller.Project, trouble, ct));
        }
    }
}

using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Analytics;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Failures;

/// <summary>A place in the list of groups: the last one that was seen.</summary>
/// <param name="AsOf">The list is that of this time, µs UTC; null: of now.</param>
public sealed record FailureGroupCursor(long LastAt, string Id, long? AsOf = null);

/// <summary>
/// What goes wrong, grouped by what is alike, the most recently seen first: spans that failed, attempts that were retried, warnings, and
/// successes that took <see cref="SlowMs"/> or more. The window is that of their end; a slow call belongs to the one in which it started.
/// </summary>
/// <param name="From">The first moment in it.</param>
/// <param name="To">The first moment after it.</param>
public sealed record ListFailureGroups(Caller Caller, DateTimeOffset From, DateTimeOffset To, int Limit) : IRequest<FailureGroupPage>
{
    /// <summary>A successful model or tool call of this many ms or more is slow.</summary>
    public const int SlowMs = 1_500;
    public const string Slow = "slow";

    public string? Category { get; init; }
    public string? Environment { get; init; }
    public string? Model { get; init; }
    public FailureGroupCursor? After { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListFailureGroups, FailureGroupPage>
    {
        public async Task<FailureGroupPage> Handle(ListFailureGroups query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var groups = new List<FailureGroup>();
            if (query.Category != Slow) groups.AddRange(await FailuresAsync(db, query, ct));
            if (query.Category is null or Slow) groups.AddRange(await SlowAsync(db, query, ct));

            var after = groups.OrderByDescending(g => g.LastAt).ThenBy(g => g.Id, StringComparer.Ordinal)
                .Where(g => query.After is not { } seen || g.LastAt < seen.LastAt || (g.LastAt == seen.LastAt && string.CompareOrdinal(g.Id, seen.Id) > 0)).ToList();
            var page = after.Take(query.Limit).ToList();
            for (var i = 0; i < page.Count; i++) page[i] = await LinkAsync(db, query, page[i], ct);
            return new(page, after.Count > page.Count);
        }

        static IQueryable<FailureRow> Matching(ReadDb db, ListFailureGroups query)
        {
            var (from, to) = (query.From.Micros(), query.To.Micros());
            var rows = db.Set<FailureRow>().Where(x => x.Project == query.Caller.Project && x.At >= from && x.At < to);
            if (query.Category is { } category) rows = rows.Where(x => x.Category == category);
            if (query.Environment is { } environment) rows = rows.Where(x => x.Environment == environment);
            return query.Model is { } model ? rows.Where(x => x.Model == model) : rows;
        }

        static IQueryable<SpanRow> SlowOnes(ReadDb db, ListFailureGroups query)
        {
            var (from, to) = (query.From.Micros(), query.To.Micros());
            var rows = db.Set<SpanRow>().Where(x => x.Project == query.Caller.Project && x.StartedAt >= from && x.StartedAt < to
                && x.Duration >= SlowMs * 1_000L && x.Status == (int)Domain.Traces.SpanStatus.Success && (x.Kind == "llm" || x.Kind == "embedding" || x.Kind == "tool"));
            if (query.Environment is { } environment) rows = rows.Where(x => x.Environment == environment);
            return query.Model is { } model ? rows.Where(x => x.Model == model) : rows;
        }

        static async Task<IEnumerable<FailureGroup>> FailuresAsync(ReadDb db, ListFailureGroups query, CancellationToken ct)
        {
            var rows = await Matching(db, query).GroupBy(x => new { x.Fingerprint, x.Category, x.Kind, x.Name })
                .Select(g => new { g.Key, First = g.Min(x => x.At), Last = g.Max(x => x.At), Count = g.LongCount(), Users = g.Select(x => x.UserId).Distinct().Count() })
                .ToListAsync(ct);
            return rows.Select(r => new FailureGroup(r.Key.Fingerprint, r.Key.Category, r.Key.Kind, r.Key.Name, r.First, r.Last, r.Count, r.Users));
        }

        static async Task<IEnumerable<FailureGroup>> SlowAsync(ReadDb db, ListFailureGroups query, CancellationToken ct)
        {
            var rows = await SlowOnes(db, query).GroupBy(x => new { x.Kind, x.Name })
                .Select(g => new { g.Key, First = g.Min(x => x.EndedAt!.Value), Last = g.Max(x => x.EndedAt!.Value), Count = g.LongCount(), Users = g.Select(x => x.UserId).Distinct().Count() })
                .ToListAsync(ct);
            return rows.Select(r => new FailureGroup(
                Fingerprint.Of($"{Slow} {r.Key.Kind} {r.Key.Name}", ""), Slow, r.Key.Kind, r.Key.Name, r.First, r.Last, r.Count, r.Users));
        }

        /// <summary>The newest of a group, to look at.</summary>
        static async Task<FailureGroup> LinkAsync(ReadDb db, ListFailureGroups query, FailureGroup group, CancellationToken ct)
        {
            if (group.Category == Slow)
            {
                var slow = await SlowOnes(db, query).Where(x => x.Kind == group.Kind && x.Name == group.Name && x.EndedAt == group.LastAt)
                    .OrderBy(x => x.TraceId).ThenBy(x => x.SpanId).Select(x => new { x.TraceId, x.SpanId }).FirstAsync(ct);
                return group with { TraceId = slow.TraceId, SpanId = slow.SpanId, Message = $"took {SlowMs} ms or more" };
            }
            var newest = await Matching(db, query).Where(x => x.Fingerprint == group.Id && x.At == group.LastAt).OrderBy(x => x.TraceId).ThenBy(x => x.SpanId).FirstAsync(ct);
            return group with { TraceId = newest.TraceId, SpanId = newest.SpanId, Message = newest.Message };
        }
    }
}

/// <param name="Id">The same for what is alike, in every process and for ever.</param>
/// <param name="FirstAt">µs UTC, within the window, as <paramref name="LastAt"/> is.</param>
/// <param name="Users">Different users it happened to; those nobody named are none.</param>
public sealed record FailureGroup(string Id, string Category, string Kind, string Name, long FirstAt, long LastAt, long Count, int Users)
{
    public string TraceId { get; init; } = "";
    public string SpanId { get; init; } = "";
    /// <summary>What the newest of them says.</summary>
    public string Message { get; init; } = "";
}

public sealed record FailureGroupPage(IReadOnlyList<FailureGroup> Groups, bool HasMore);

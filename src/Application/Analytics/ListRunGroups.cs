using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Analytics;

/// <summary>What whole traces can be gathered by.</summary>
public enum RunGroupBy { Session, User }

/// <summary>The traces of one session, or of one user, in one row.</summary>
/// <param name="User">Of a session: the first of its users in the order of the alphabet; null when none is named.</param>
/// <param name="Others">Of a session its users, of a user their sessions, counted.</param>
/// <param name="Errors">Spans that failed.</param>
/// <param name="Tokens">Null when of no trace it is known.</param>
/// <param name="Cost">pico-USD, of what has a price; null when nothing has.</param>
/// <param name="Unpriced">Model calls that <paramref name="Cost"/> leaves out.</param>
/// <param name="Scores">Feedback on the traces and their spans.</param>
public sealed record RunGroup(
    string Project, string Id, string? User, long FirstAt, long LastAt, int Traces, int Others, int Errors, long? Tokens, long? Cost, int Unpriced, int Scores);

/// <summary>Sessions or users, the last active first, page by page.</summary>
/// <param name="Projects">Null: all there are.</param>
/// <param name="From">µs UTC; traces that started from here on.</param>
/// <param name="To">Up to here.</param>
public sealed record ListRunGroups(RunGroupBy By, IReadOnlyList<string>? Projects, long? From, long? To, string? Only, SearchPosition? After, int Limit) : IRequest<Found<RunGroup>>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<ListRunGroups, Found<RunGroup>>
    {
        public async Task<Found<RunGroup>> Handle(ListRunGroups query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            var groups = await Page(Grouped(db, query), query.After).Take(query.Limit + 1).ToListAsync(ct);
            var more = groups.Count > query.Limit;
            if (more) groups.RemoveAt(query.Limit);
            var scores = await ScoresAsync(db, query.By, groups, ct);
            List<RunGroup> rows = [.. groups.Select(g => new RunGroup(
                g.Project, g.Id!, g.User, g.FirstAt, g.LastAt, g.Traces, g.Others, g.Errors, g.Counted == 0 ? null : g.Tokens, g.Priced == 0 ? null : g.Cost, g.Unpriced, scores.GetValueOrDefault((g.Project, g.Id!))))];
            return new(rows, more ? new SearchPosition(rows[^1].LastAt, rows[^1].LastAt, rows[^1].Id, "", rows[^1].Project) : null);
        }

        static IQueryable<Row> Grouped(ReadDb db, ListRunGroups query)
        {
            var runs = db.Set<RunRow>().AsNoTracking();
            if (query.Projects is { } projects) runs = runs.Where(r => projects.Contains(r.Project));
            if (query.From is { } from) runs = runs.Where(r => r.StartedAt >= from);
            if (query.To is { } to) runs = runs.Where(r => r.StartedAt <= to);
            var keyed = query.By == RunGroupBy.Session
                ? runs.Where(r => r.SessionId != null).Select(r => new { r.Project, Id = r.SessionId, Other = r.UserId, r.UserId, Run = r })
                : runs.Where(r => r.UserId != null).Select(r => new { r.Project, Id = r.UserId, Other = r.SessionId, r.UserId, Run = r });
            if (query.Only is { } only) keyed = keyed.Where(k => k.Id == only);
            return keyed.GroupBy(k => new { k.Project, k.Id }).Select(g => new Row
            {
                Project = g.Key.Project,
                Id = g.Key.Id,
                User = g.Min(k => k.UserId),
                FirstAt = g.Min(k => k.Run.StartedAt),
                LastAt = g.Max(k => k.Run.LastAt),
                Traces = g.Count(),
                Others = g.Select(k => k.Other).Where(o => o != null).Distinct().Count(),
                Errors = g.Sum(k => k.Run.Errors),
                Tokens = g.Sum(k => k.Run.TotalTokens),
                Counted = g.Count(k => k.Run.TotalTokens != null),
                Cost = g.Sum(k => k.Run.TotalCost),
                Priced = g.Count(k => k.Run.TotalCost != null),
                Unpriced = g.Sum(k => k.Run.Unpriced),
            });
        }

        static IQueryable<Row> Page(IQueryable<Row> groups, SearchPosition? after)
        {
            if (after is { StartedAt: var at, TraceId: var id, Project: var project })
                groups = groups.Where(g => g.LastAt < at || (g.LastAt == at && (string.Compare(g.Id, id) > 0 || (g.Id == id && string.Compare(g.Project, project) > 0))));
            return groups.OrderByDescending(g => g.LastAt).ThenBy(g => g.Id).ThenBy(g => g.Project);
        }

        static async Task<Dictionary<(string, string), int>> ScoresAsync(ReadDb db, RunGroupBy by, List<Row> groups, CancellationToken ct)
        {
            var (projects, ids) = (groups.Select(g => g.Project).Distinct().ToList(), groups.Select(g => g.Id).ToList());
            var runs = db.Set<RunRow>().Where(r => projects.Contains(r.Project));
            var keyed = by == RunGroupBy.Session
                ? runs.Where(r => ids.Contains(r.SessionId)).Select(r => new { r.Project, r.TraceId, r.Day, Id = r.SessionId })
                : runs.Where(r => ids.Contains(r.UserId)).Select(r => new { r.Project, r.TraceId, r.Day, Id = r.UserId });
            var counts = await keyed.Join(
                    db.Set<FactRow>().Where(f => f.Type == "score"), r => new { r.Project, r.TraceId, r.Day }, f => new { f.Project, f.TraceId, f.Day }, (r, f) => new { r.Project, r.Id })
                .GroupBy(x => new { x.Project, x.Id }).Select(g => new { g.Key.Project, g.Key.Id, Count = g.Count() }).ToListAsync(ct);
            return counts.ToDictionary(c => (c.Project, c.Id!), c => c.Count);
        }

        sealed class Row
        {
            public string Project { get; init; } = "";
            public string? Id { get; init; }
            public string? User { get; init; }
            public long FirstAt { get; init; }
            public long LastAt { get; init; }
            public int Traces { get; init; }
            public int Others { get; init; }
            public int Errors { get; init; }
            public long? Tokens { get; init; }
            public int Counted { get; init; }
            public long? Cost { get; init; }
            public int Priced { get; init; }
            public int Unpriced { get; init; }
        }
    }
}

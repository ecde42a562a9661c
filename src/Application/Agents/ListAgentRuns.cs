using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Agents;

/// <summary>Traces by their last activity, newest first, a page by its number, with how many there are in all.</summary>
public sealed record ListAgentRuns(Caller Caller, int Page, int Count) : IRequest<AgentRunPage>
{
    public string? Agent { get; init; }
    public string? UserId { get; init; }
    /// <summary>Bounds of the last activity, both in it.</summary>
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListAgentRuns, AgentRunPage>
    {
        public async Task<AgentRunPage> Handle(ListAgentRuns query, CancellationToken ct)
        {
            var project = query.Caller.Project;
            await using var db = models.Open("traces");
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var runs = db.Set<RunRow>().Where(x => x.Project == project);
            if (query.Agent is { } agent) runs = runs.Where(x => x.Agent == agent);
            if (query.UserId is { } user) runs = runs.Where(x => x.UserId == user);
            if (query.From is { } from) runs = runs.Where(x => x.LastAt >= from.Micros());
            if (query.To is { } to) runs = runs.Where(x => x.LastAt <= to.Micros());

            var total = await runs.LongCountAsync(ct);
            var skip = (query.Page - 1L) * query.Count;
            if (skip >= total || skip > int.MaxValue) return new([], total);
            var rows = await runs.OrderByDescending(x => x.LastAt).ThenBy(x => x.TraceId).Skip((int)skip).Take(query.Count).ToListAsync(ct);

            var ids = rows.ConvertAll(x => x.TraceId);
            var times = await db.Set<FactRow>().Where(x => x.Project == project && ids.Contains(x.TraceId))
                .GroupBy(x => x.TraceId).Select(g => new { TraceId = g.Key, First = g.Min(x => x.At), Last = g.Max(x => x.At) })
                .ToDictionaryAsync(x => x.TraceId, StringComparer.Ordinal, ct);
            return new([.. rows.Select(x => new AgentRun(x, Time.At(times[x.TraceId].First), Time.At(times[x.TraceId].Last)))], total);
        }
    }
}

/// <summary>A trace with the times of its first and last event, which are not those of its spans: a response ends a span and begins none.</summary>
public sealed record AgentRun(RunRow Row, DateTimeOffset FirstAt, DateTimeOffset LastAt);

public sealed record AgentRunPage(IReadOnlyList<AgentRun> Runs, long Total);

using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Agents;

/// <summary>An agent with what its traces add up to.</summary>
/// <param name="Versions">Newest first.</param>
/// <param name="LastAt">Null when it has no trace.</param>
public sealed record Agent(AgentRow Row, IReadOnlyList<AgentVersionRow> Versions, long Traces, long Events, long Errors, DateTimeOffset? LastAt)
{
    public Guid Id => InitAgent.IdOf(Row.Project, Row.Name);

    /// <summary>Of its events, those that are no errors, in percent; null when it has none.</summary>
    public double? SuccessPercent => Events == 0 ? null : 100.0 * (Events - Errors) / Events;
}

/// <summary>The project's agents, by when they were first heard of, with what their traces add up to.</summary>
public sealed record ListAgents(Caller Caller) : IRequest<IReadOnlyList<Agent>>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<ListAgents, IReadOnlyList<Agent>>
    {
        public async Task<IReadOnlyList<Agent>> Handle(ListAgents query, CancellationToken ct)
        {
            var project = query.Caller.Project;
            await using var db = models.Open("traces");
            var agents = await db.Set<AgentRow>().Where(x => x.Project == project).OrderBy(x => x.CreatedAt).ThenBy(x => x.Name).ToListAsync(ct);
            var versions = (await db.Set<AgentVersionRow>().Where(x => x.Project == project).OrderByDescending(x => x.CreatedAt).ThenBy(x => x.Id).ToListAsync(ct))
                .ToLookup(x => x.Name, StringComparer.Ordinal);

            var sums = await db.Set<RunRow>().Where(x => x.Project == project && x.Agent != null)
                .GroupBy(x => x.Agent!)
                .Select(g => new { Name = g.Key, Traces = g.LongCount(), Events = g.Sum(x => (long)x.Events), Errors = g.Sum(x => (long)x.Errors), LastAt = g.Max(x => x.LastAt) })
                .ToDictionaryAsync(x => x.Name, StringComparer.Ordinal, ct);
            return [.. agents.Select(row => sums.TryGetValue(row.Name, out var sum)
                ? new Agent(row, [.. versions[row.Name]], sum.Traces, sum.Events, sum.Errors, Time.At(sum.LastAt))
                : new Agent(row, [.. versions[row.Name]], 0, 0, 0, null))];
        }
    }
}

/// <summary>What an agent did on one day, in UTC.</summary>
public sealed record AgentDay(DateTimeOffset Day, long Traces, long Events, long Errors);

/// <summary>The days since <paramref name="From"/> on which traces of an agent began; all agents' where <paramref name="Agent"/> is null.</summary>
public sealed record ListAgentDays(Caller Caller, string? Agent, DateTimeOffset From) : IRequest<IReadOnlyList<AgentDay>>
{
    /// <summary>Only traces of this user; null: anybody's.</summary>
    public string? UserId { get; init; }

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListAgentDays, IReadOnlyList<AgentDay>>
    {
        public async Task<IReadOnlyList<AgentDay>> Handle(ListAgentDays query, CancellationToken ct)
        {
            var day = BucketKey.Micros(BucketWidth.Day);
            await using var db = models.Open("traces");
            var runs = db.Set<RunRow>().Where(x => x.Project == query.Caller.Project && x.StartedAt >= query.From.Micros());
            runs = query.Agent is { } agent ? runs.Where(x => x.Agent == agent) : runs.Where(x => x.Agent != null);
            if (query.UserId is { } user) runs = runs.Where(x => x.UserId == user);
            var days = await runs.GroupBy(x => x.StartedAt / day)
                .Select(g => new { Day = g.Key, Traces = g.LongCount(), Events = g.Sum(x => (long)x.Events), Errors = g.Sum(x => (long)x.Errors) })
                .ToListAsync(ct);
            return [.. days.OrderBy(d => d.Day).Select(d => new AgentDay(Time.At(d.Day * day), d.Traces, d.Events, d.Errors))];
        }
    }
}

/// <summary>What one user did with an agent. Money in pico-USD; null where no cost is known.</summary>
public sealed record AgentUser(string UserId, long Traces, long Tokens, long? Cost, long Errors, DateTimeOffset LastAt);

/// <summary>The users of an agent's traces, the busiest first.</summary>
public sealed record ListAgentUsers(Caller Caller, string Agent) : IRequest<IReadOnlyList<AgentUser>>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<ListAgentUsers, IReadOnlyList<AgentUser>>
    {
        public async Task<IReadOnlyList<AgentUser>> Handle(ListAgentUsers query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            var users = await db.Set<RunRow>().Where(x => x.Project == query.Caller.Project && x.Agent == query.Agent && x.UserId != null)
                .GroupBy(x => x.UserId!)
                .Select(g => new
                {
                    User = g.Key, Traces = g.LongCount(), Tokens = g.Sum(x => x.TotalTokens), Priced = g.Count(x => x.TotalCost != null), Cost = g.Sum(x => x.TotalCost),
                    Errors = g.Sum(x => (long)x.Errors), LastAt = g.Max(x => x.LastAt),
                })
                .ToListAsync(ct);
            return [.. users.OrderByDescending(u => u.Traces).ThenBy(u => u.User, StringComparer.Ordinal)
                .Select(u => new AgentUser(u.User, u.Traces, u.Tokens ?? 0, u.Priced == 0 ? null : u.Cost, u.Errors, Time.At(u.LastAt)))];
        }
    }
}

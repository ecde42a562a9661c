using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Operations;

/// <param name="LagEvents">Facts in the log that cannot be read yet; counted.</param>
/// <param name="LagMs">How long the oldest of them has been waiting; 0 when there are none.</param>
public sealed record ProjectionStatus(
    string Name, int Version, LogPosition Position, LogPosition Head, long LagEvents, double LagMs, ProjectionState State, int Generation, int Parked,
    string? Trouble, string? Owner, Rebuild? Rebuild, Rebuilt? Rebuilt);

/// <summary>Where each projection stands.</summary>
public sealed record ListProjections : IRequest<IReadOnlyList<ProjectionStatus>>
{
    internal sealed class Handler(ServingModels models, IEventLog log, TimeProvider clock) : IRequestHandler<ListProjections, IReadOnlyList<ProjectionStatus>>
    {
        public async Task<IReadOnlyList<ProjectionStatus>> Handle(ListProjections query, CancellationToken ct)
        {
            var head = await log.HeadAsync(ct);
            var all = new List<ProjectionStatus>();
            foreach (var p in models.Progress.Values)
            {
                var position = p.Position;
                var lag = position >= head ? 0 : await log.CountAsync(position, ct);
                var waiting = lag == 0 || p.RecordedAt is not { } recorded ? 0 : Math.Max(0, (clock.GetUtcNow() - recorded).TotalMilliseconds);
                all.Add(new(p.Name, p.Version, position, head, lag, waiting, p.State, p.Generation, p.Parked, p.Trouble, p.Owner, p.Rebuild, p.Rebuilt));
            }
            return all;
        }
    }
}

/// <summary>The facts a projection could not apply, oldest first.</summary>
/// <exception cref="NotFound">No such projection.</exception>
public sealed record ListParked(string Projection, int Limit) : IRequest<IReadOnlyList<ParkedRow>>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<ListParked, IReadOnlyList<ParkedRow>>
    {
        public async Task<IReadOnlyList<ParkedRow>> Handle(ListParked query, CancellationToken ct)
        {
            if (!models.Projections.ContainsKey(query.Projection)) throw new NotFound($"There is no projection '{query.Projection}'.");
            await using var db = models.Open(query.Projection);
            return await db.Set<ParkedRow>().OrderBy(p => p.Position).Take(query.Limit).ToListAsync(ct);
        }
    }
}

/// <summary>Applies parked facts again; those that still fail stay parked.</summary>
/// <exception cref="NotFound">No such projection.</exception>
public sealed record ReplayParked(Caller By, string Projection) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "projection.replay", Projection);

    internal sealed class Handler(ServingModels models, IReadStore store) : AsyncRequestHandler<ReplayParked>
    {
        protected override Task Handle(ReplayParked command, CancellationToken ct) => models.Projections.ContainsKey(command.Projection)
            ? store.AskReplayAsync(command.Projection, ct)
            : throw new NotFound($"There is no projection '{command.Projection}'.");
    }
}

using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Application.Operations;

/// <summary>
/// Builds a projection again from position zero beside the one that serves, while ingestion and reading go on, and lets it serve once it is
/// at the head. The wish stands in the catalogue, so any node takes it, the owner fulfils it, and a restart goes on with it. A second
/// request while one is under way changes nothing.
/// </summary>
/// <param name="AcceptParked">It takes over even if facts could not be applied; otherwise such a build is dropped, and what serves goes on.</param>
/// <exception cref="NotFound">No such projection.</exception>
public sealed record RebuildProjection(Caller By, string Projection, bool AcceptParked = false) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "projection.rebuild", Projection);

    internal sealed class Handler(ServingModels models, IEventLog log, IReadStore store) : AsyncRequestHandler<RebuildProjection>
    {
        protected override async Task Handle(RebuildProjection command, CancellationToken ct)
        {
            if (!models.Projections.TryGetValue(command.Projection, out var projection)) throw new NotFound($"There is no projection '{command.Projection}'.");
            var all = (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name).ToList();
            var serving = all.Find(g => g.Serving)?.Number ?? 0;
            if (all.TrueForAll(g => g.Number <= serving)) await Ownership.RequestAsync(projection, all, log, store, ct, command.AcceptParked);
            models.Progress[projection.Name].Wake();
        }
    }
}

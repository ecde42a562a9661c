using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Application.Erasure;

/// <summary>Rewrites the files of the read models and of the vault, so that nothing erased is left in them.</summary>
public sealed record ScrubFiles(Caller By) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "files.scrub", null);

    internal sealed class Handler(Erasures erasures) : AsyncRequestHandler<ScrubFiles>
    {
        protected override Task Handle(ScrubFiles command, CancellationToken ct) => erasures.ScrubAsync(ct);
    }
}

using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Application.Erasure;

/// <summary>Makes all that was said in a trace unreadable, for good. What is sent to it later is refused.</summary>
/// <exception cref="NotFound">The project has no such trace.</exception>
public sealed record EraseTrace(Caller By, string? Project, string TraceId) : IRequest<Erased>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "trace.erase", TraceId, Project);

    internal sealed class Handler(Erasures erasures) : IRequestHandler<EraseTrace, Erased>
    {
        public async Task<Erased> Handle(EraseTrace command, CancellationToken ct)
        {
            var project = command.By.Managed(command.Project);
            var found = await erasures.FindAsync(project, command.TraceId, ct) ?? throw new NotFound($"Trace with ID '{command.TraceId}' not found");
            // Once begun it goes to its end, whether or not somebody waits.
            var position = await erasures.RunAsync(new(Guid.CreateVersion7(), project, command.By.KeyId, null, [command.TraceId], []), [found], CancellationToken.None);
            var (forgotten, scrubbed) = await erasures.SettleAsync(project, position, ct);
            return new(1, 0, found.ClearFacts, position, forgotten, scrubbed);
        }
    }
}

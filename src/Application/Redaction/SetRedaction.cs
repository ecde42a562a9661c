using Hindcast.Application.Projects;
using Hindcast.Domain.Redaction;
using MediatR;

namespace Hindcast.Application.Redaction;

/// <summary>Sets what is not to be kept from now on; what is in the log already stays there.</summary>
/// <exception cref="BadRequest">A rule has no meaning; names it.</exception>
public sealed record SetRedaction(Caller By, string? Project, RedactionRules Rules) : IRequest
{
    internal sealed class Handler(Redactions redactions) : AsyncRequestHandler<SetRedaction>
    {
        protected override Task Handle(SetRedaction command, CancellationToken ct)
        {
            Redactor.Of(command.Rules);
            return redactions.SaveAsync(command.By, command.By.Managed(command.Project), command.Rules, ct);
        }
    }
}

public sealed record GetRedaction(Caller By, string? Project) : IRequest<RedactionRules>
{
    internal sealed class Handler(Redactions redactions) : IRequestHandler<GetRedaction, RedactionRules>
    {
        public Task<RedactionRules> Handle(GetRedaction query, CancellationToken ct) =>
            Task.FromResult(redactions.Of(query.By.Managed(query.Project)) ?? RedactionRules.None);
    }
}

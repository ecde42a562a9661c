using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using Hindcast.Domain.Gateway;
using MediatR;

namespace Hindcast.Application.Gateway;

/// <exception cref="BadRequest">A member has no meaning; names it.</exception>
public sealed record SetBudget(Caller By, string? Project, Budget Budget) : IRequest, IAudited
{
    const int MostBudgets = 1_000;

    public Deed? Deed(object? answer) => new(By, "budget.set", Budget.Id, Project);

    internal sealed class Handler(GatewaySettings settings) : AsyncRequestHandler<SetBudget>
    {
        protected override Task Handle(SetBudget command, CancellationToken ct)
        {
            var (b, project) = (command.Budget, command.By.Managed(command.Project));
            if (!Domain.Projects.Project.IsId(b.Id)) throw new BadRequest("id", "A budget's id has 1 to 64 small letters, digits, '_' and '-'.");
            if (b.Subject is not ("project" or "key" or "user")) throw new BadRequest("subject", "subject must be project, key or user.");
            if (b.SubjectId is { Length: 0 or > 255 }) throw new BadRequest("subject_id", "subject_id must have 1 to 255 characters.");
            if (b.SubjectId is not null && b.Subject == "project") throw new BadRequest("subject_id", "A budget of the project has no subject_id.");
            if (b.Period is not ("minute" or "day" or "month")) throw new BadRequest("period", "period must be minute, day or month.");
            if (b is { Usd: null, Tokens: null, Requests: null }) throw new BadRequest("usd", "A budget must name usd, tokens or requests.");
            if (b.Usd is < 0 or > 1_000_000) throw new BadRequest("usd", "usd must be from 0 to 1000000.");
            if (b.Tokens < 0) throw new BadRequest("tokens", "tokens must be 0 or more.");
            if (b.Requests < 0) throw new BadRequest("requests", "requests must be 0 or more.");
            if (settings.Of(project).Budgets is { Count: >= MostBudgets } all && !all.Exists(known => known.Id == b.Id))
                throw new BadRequest("id", $"A project has at most {MostBudgets} budgets.");
            return settings.SaveAsync(command.By, project, b, ct);
        }
    }
}

/// <exception cref="NotFound">There is no such budget in the project.</exception>
public sealed record DeleteBudget(Caller By, string? Project, string Id) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "budget.delete", Id, Project);

    internal sealed class Handler(GatewaySettings settings) : AsyncRequestHandler<DeleteBudget>
    {
        protected override Task Handle(DeleteBudget command, CancellationToken ct)
        {
            var project = command.By.Managed(command.Project);
            if (!settings.Of(project).Budgets.Exists(b => b.Id == command.Id)) throw new NotFound($"There is no budget '{command.Id}'.");
            return settings.DeleteBudgetAsync(command.By, project, command.Id, ct);
        }
    }
}

/// <summary>Budgets, each with what is used and reserved in the period that runs, by subject.</summary>
public sealed record ListBudgets(Caller By, string? Project) : IRequest<IReadOnlyList<(Budget Budget, IReadOnlyList<(string Subject, DateTimeOffset Start, Amount Used)> Used)>>
{
    internal sealed class Handler(GatewaySettings settings, Ledger ledger)
        : IRequestHandler<ListBudgets, IReadOnlyList<(Budget Budget, IReadOnlyList<(string Subject, DateTimeOffset Start, Amount Used)> Used)>>
    {
        public Task<IReadOnlyList<(Budget Budget, IReadOnlyList<(string Subject, DateTimeOffset Start, Amount Used)> Used)>> Handle(ListBudgets query, CancellationToken ct)
        {
            var project = query.By.Managed(query.Project);
            return Task.FromResult<IReadOnlyList<(Budget, IReadOnlyList<(string, DateTimeOffset, Amount)>)>>(
                [.. settings.Of(project).Budgets.Select(b => (b, ledger.Of(project, b.Id)))]);
        }
    }
}

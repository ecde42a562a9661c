using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Application.Audit;

/// <summary>A page of the audit list, the newest first; administrators of the default project see all projects.</summary>
/// <param name="Search">Its project is what was asked for.</param>
/// <exception cref="NotFound">The project is not the caller's to manage.</exception>
public sealed record ListDeeds(Caller By, AuditSearch Search) : IRequest<(IReadOnlyList<AuditRow> Rows, bool More)>
{
    internal sealed class Handler(IAuditStore store) : IRequestHandler<ListDeeds, (IReadOnlyList<AuditRow> Rows, bool More)>
    {
        public async Task<(IReadOnlyList<AuditRow> Rows, bool More)> Handle(ListDeeds query, CancellationToken ct)
        {
            var (by, search) = (query.By, query.Search);
            var all = search.Project is null && by.Project == Domain.Projects.Project.Default;
            var rows = await store.ListAsync(search with { Project = all ? null : by.Managed(search.Project), Limit = search.Limit + 1 }, ct);
            return ([.. rows.Take(search.Limit)], rows.Count > search.Limit);
        }
    }
}

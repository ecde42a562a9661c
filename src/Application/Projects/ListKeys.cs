using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <param name="Old">Older than <see cref="KeyRow.Old"/>: time to rotate it.</param>
public sealed record ListedKey(KeyRow Row, bool Expired, bool Old);

/// <summary>The keys the caller may manage, newest first; administrators of the default project see all.</summary>
/// <exception cref="NotFound">The project is not the caller's to manage.</exception>
public sealed record ListKeys(Caller By, string? Project = null) : IRequest<IReadOnlyList<ListedKey>>
{
    internal sealed class Handler(KeyRing ring, TimeProvider clock) : RequestHandler<ListKeys, IReadOnlyList<ListedKey>>
    {
        protected override IReadOnlyList<ListedKey> Handle(ListKeys query)
        {
            var now = clock.GetUtcNow();
            var all = query.Project is null && query.By.Project == Domain.Projects.Project.Default;
            var project = query.By.Managed(query.Project);
            return
            [
                .. from row in ring.Rows
                   where all || row.Project == project
                   orderby row.Created descending, row.Id
                   select new ListedKey(row, row.IsExpired(now), row.Revoked is null && row.IsOld(now)),
            ];
        }
    }
}

using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <param name="Name">For people; the id where nobody gave one.</param>
/// <param name="Created">Null where nothing says so: a project that only a token names, or the default one while the log is empty.</param>
public sealed record ProjectInfo(string Id, string Name, string Description, DateTimeOffset? Created);

/// <summary>Makes a project under a name, with its first key.</summary>
/// <exception cref="ProjectExists">The id is taken.</exception>
/// <exception cref="NotFound">The caller administers one project only, and this is another.</exception>
/// <exception cref="BadRequest">A field has no meaning.</exception>
public sealed record CreateProject(Caller By, string Id, string Name, string Description, string Environment, string KeyPrefix) : IRequest<(ProjectInfo Project, IssuedKey Key)>, IAudited
{
    public Deed? Deed(object? answer) => new(By, "project.create", Id, Id);

    internal sealed class Handler(Streams streams, KeyRing ring, IMediator app, TimeProvider clock) : IRequestHandler<CreateProject, (ProjectInfo, IssuedKey)>
    {
        public async Task<(ProjectInfo, IssuedKey)> Handle(CreateProject command, CancellationToken ct)
        {
            var id = command.By.Managed(command.Id);
            if (id == Project.Default || ring.Rows.Any(row => row.Project == id)) throw new ProjectExists();
            var created = Streams.Micros(clock.GetUtcNow());
            await streams.DecideAsync(KeyStream.OfProject(id), facts => facts.Count > 0
                ? throw new ProjectExists()
                : [KeyStream.Draft(new ProjectCreated(id, command.Name, command.Description), command.By, id, created)], ct);
            var key = await app.Send(new CreateKey(command.By)
            {
                Project = id, Name = command.Name.Length > 0 ? command.Name : null, Environment = command.Environment, Prefix = command.KeyPrefix, Scopes = Scopes.Ingest | Scopes.Read,
            }, ct);
            return (new(id, command.Name, command.Description, created), key);
        }
    }
}

public sealed class ProjectExists() : RuleBroken("Project already exists");

/// <summary>The projects the caller may see, oldest first: its own, or all for administrators of the default project.</summary>
public sealed record ListProjects(Caller By) : IRequest<IReadOnlyList<ProjectInfo>>
{
    internal sealed class Handler(Streams streams, KeyRing ring, IEventLog log) : IRequestHandler<ListProjects, IReadOnlyList<ProjectInfo>>
    {
        public async Task<IReadOnlyList<ProjectInfo>> Handle(ListProjects query, CancellationToken ct)
        {
            var all = query.By.Project == Project.Default && query.By.May(Scopes.Admin);
            var seen = ring.Rows.Where(row => all || row.Project == query.By.Project)
                .GroupBy(row => row.Project, StringComparer.Ordinal).ToDictionary(g => g.Key, g => (DateTimeOffset?)g.Min(row => row.Created), StringComparer.Ordinal);
            seen.TryAdd(query.By.Project, null);
            var projects = new List<ProjectInfo>(seen.Count);
            foreach (var (id, since) in seen) projects.Add(await ReadAsync(id, since, ct));
            return [.. projects.OrderBy(p => p.Created).ThenBy(p => p.Id, StringComparer.Ordinal)];
        }

        /// <summary>What its stream says; a project that came with its first key has no words of its own.</summary>
        async Task<ProjectInfo> ReadAsync(string id, DateTimeOffset? since, CancellationToken ct)
        {
            var facts = await streams.ReadReadableAsync(KeyStream.OfProject(id), 0, ct).ToListAsync(ct);
            if (facts.Facts<ProjectCreated>().FirstOrDefault() is ({ } said, var at)) return new(id, said.Name ?? id, said.Description ?? "", at);
            // The default one comes with the log, whatever keys it was given later. Asked after its stream: a log that is away has said so by then, a follower would wait for it.
            return new(id, id, "", id == Project.Default ? await BeganAsync(ct) ?? since : since);
        }

        /// <summary>When the first fact of the log was recorded; null while there is none.</summary>
        async Task<DateTimeOffset?> BeganAsync(CancellationToken ct)
        {
            await foreach (var page in log.FollowAsync(LogPosition.Start, ct, pageBytes: 1))
            {
                foreach (var record in page.Records)
                    if (Fact.TryOf(record, out _) is { } first) return first.Header.RecordedAt;
                if (page.AtHead) break;
            }
            return null;
        }
    }
}

using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Application.Projects;

/// <summary>Issues a key; a project comes to be with its first one.</summary>
/// <exception cref="BadRequest">A field has no meaning; names it as the door spells it.</exception>
/// <exception cref="NotFound">The project is not the caller's to manage.</exception>
public sealed record CreateKey(Caller By) : IRequest<IssuedKey>, IAudited
{
    const int LongestName = 255;
    const int LongestEnvironment = 64;

    /// <summary>Null: the caller's own.</summary>
    public string? Project { get; init; }
    public string? Name { get; init; }
    public Scopes Scopes { get; init; } = Scopes.Ingest | Scopes.Read;
    public string Environment { get; init; } = "development";
    public string Plan { get; init; } = Plans.Free;
    public long? MonthlyQuota { get; init; }
    public DateTimeOffset? Expires { get; init; }
    public string Prefix { get; init; } = "hc";

    public Deed? Deed(object? answer) => new(By, "key.create", (answer as IssuedKey)?.Row.Id, Project);

    internal sealed class Handler(Streams streams, IVault vault, KeyRing ring, TimeProvider clock) : IRequestHandler<CreateKey, IssuedKey>
    {
        public async Task<IssuedKey> Handle(CreateKey command, CancellationToken ct)
        {
            var now = Streams.Micros(clock.GetUtcNow());
            var project = command.By.Managed(command.Project);
            Check(command, now);

            var issued = IssuedKey.Mint(command.Prefix, (id, hash, lastFour) => new()
            {
                Id = id,
                Project = project,
                Hash = hash,
                Prefix = command.Prefix,
                LastFour = lastFour,
                Name = command.Name,
                Scopes = command.Scopes,
                Environment = command.Environment,
                Plan = command.Plan,
                MonthlyQuota = command.MonthlyQuota,
                Created = now,
                Expires = command.Expires,
            });

            await streams.DecideAsync(
                KeyStream.OfProject(project),
                facts => facts.Count > 0 ? [] : [KeyStream.Draft(new ProjectCreated(project), command.By, project, now)], ct);
            await streams.DecideAsync(KeyStream.Of(project), _ => [KeyStream.Draft(FactOf(issued.Row), command.By, project, now)], ct);
            await vault.SaveAsync([issued.Row], ct);
            ring.Put(issued.Row);
            return issued;
        }

        static void Check(CreateKey command, DateTimeOffset now)
        {
            if (command.Name is { Length: 0 or > LongestName }) throw new BadRequest("name", $"name must have 1 to {LongestName} characters.");
            if (command.Name?.Any(char.IsControl) == true) throw new BadRequest("name", "name must not contain control characters.");
            if (command.Scopes == Scopes.None) throw new BadRequest("scopes", "scopes must name at least one of ingest, read, gateway, admin.");
            if (command.Environment.Length is 0 or > LongestEnvironment || command.Environment.Any(char.IsControl))
                throw new BadRequest("environment", $"environment must have 1 to {LongestEnvironment} characters and no control characters.");
            if (!Plans.All.Contains(command.Plan)) throw new BadRequest("plan", $"plan must be one of {string.Join(", ", Plans.All)}.");
            if (command.MonthlyQuota < 0) throw new BadRequest("monthly_quota", "monthly_quota must be 0 or more.");
            if (command.Expires <= now) throw new BadRequest("expires_at", "expires_at must lie in the future.");
            if (!ApiKey.IsPrefix(command.Prefix)) throw new BadRequest("prefix", "prefix must be a small letter and up to 15 small letters and digits, or YOPS.");
        }
    }

    internal static KeyCreated FactOf(KeyRow row) =>
        new(row.Id, row.Prefix, row.LastFour, row.Name, ScopeNames.Of(row.Scopes), row.Environment, row.Plan, row.MonthlyQuota, row.Expires);
}

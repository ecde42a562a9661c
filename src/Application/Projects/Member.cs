using Hindcast.Application.Gateway;

namespace Hindcast.Application.Projects;

/// <summary>Somebody who signs in by a name, with what the role may do in one project (LLM Observatory contract, 4.1).</summary>
public sealed record Member : IShelved
{
    public required string Id { get; init; }
    public required string Project { get; init; }
    public required string Name { get; init; }
    /// <summary>One of <see cref="Roles"/>.</summary>
    public required string Role { get; init; }
    /// <summary>SHA-256 of the secret, as keys are kept.</summary>
    public required KeyHash Hash { get; init; }
    /// <summary>How often the secret was replaced; what was given for the one before ends with it.</summary>
    public int Renewals { get; init; }
    public required DateTimeOffset Created { get; init; }
    public required DateTimeOffset Updated { get; init; }

    /// <summary>What tokens name as the thing they were given for.</summary>
    internal string Ticket => $"{Id}.{Renewals}";
}

/// <summary>The members of all projects, looked up as they stand now: who asks again after a change of role or a removal hears of it at once.</summary>
public sealed class Members(IGatewayStore store) : Shelf<Member>(store, "member")
{
    /// <summary>Null when nobody goes by this name, or id, with this secret.</summary>
    public Member? Find(string name, string secret)
    {
        if (!Domain.Projects.ApiKey.HasValidChecksum(secret)) return null;
        var hash = KeyHash.Of(secret);
        return All.FirstOrDefault(m => m.Hash == hash && (m.Name == name || m.Id == name));
    }

    internal Member? Holder(string ticket) => All.FirstOrDefault(m => m.Ticket == ticket);
}

/// <summary>Another member of the project goes by this name.</summary>
public sealed class MemberNameTaken(string name) : Domain.RuleBroken($"There is a member '{name}' already.");

/// <summary>Nobody of the project could let anybody in again.</summary>
public sealed class LastAdmin() : Domain.RuleBroken("This is the last admin of the project; make another member admin first.");

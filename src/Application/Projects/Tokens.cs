using System.Text;
using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>Tokens at the doors: given for a key or to a member, and taken from whoever knows the secret.</summary>
/// <remarks>
/// Ours live 15 minutes, as sessions 12 hours, and end with their key or their member, whose role is the one of now. They look into one project and no other, whatever their role. Tokens signed
/// elsewhere with the same secret may live 24 hours; of these an admin looks into every project, as the contract has it.
/// </remarks>
public sealed class Tokens(byte[] secret, KeyRing ring, Members members, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan Session = TimeSpan.FromHours(12);
    public const string Org = "default";

    /// <summary>The secret of the settings, else the one of the vault.</summary>
    public static byte[] SecretOf(JwtOptions options, IVault vault) => options.Secret is { } set
        ? Encoding.UTF8.GetBytes(set)
        : vault.SecretAsync(Secrets.Jwt, Secrets.Make, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>A token for a key or a member's secret, and its id or name; null when they are not together, or do not work.</summary>
    public Admission? Issue(string clientId, string shown, TimeSpan life)
    {
        var caller = members.Find(clientId, shown) is { } member ? CallerOf(member) : ring.Find(shown);
        if (caller is null) return null;
        if (caller.Token is null && clientId != caller.KeyId && clientId != (ring.Row(caller.KeyId)?.Name ?? caller.KeyId)) return null;
        var now = clock.GetUtcNow();
        return new(caller, Jwt.Sign(new(caller.KeyId, Org, [caller.Project], caller.Role, caller.Token?.Permissions ?? PermissionsOf(caller), now, now + life, Guid.NewGuid().ToString("n"), caller.Token?.KeyId ?? caller.KeyId), secret));
    }

    /// <summary>The member or the key with this id or name; of keys of one name the newest that works.</summary>
    public (string Id, string Project)? Named(string clientId) =>
        members.All.FirstOrDefault(m => m.Id == clientId || m.Name == clientId) is { } member ? (member.Id, member.Project)
        : (ring.Row(clientId) ?? ring.Rows.Where(row => row.Name == clientId).MaxBy(row => (ring.Works(row.Id), row.Created))) is { } row ? (row.Id, row.Project)
        : null;

    /// <summary>Who shows this token; null when it is none that holds now. For every door, <c>/ws?token=</c> too.</summary>
    public Caller? Find(string token)
    {
        if (Jwt.Read(token, secret, clock.GetUtcNow()) is not { } claims) return null;
        if (claims.KeyId is { } id)
        {
            if (members.Holder(id) is { } member) return CallerOf(member);
            if (!ring.Works(id)) return null;
        }

        // Another organisation's token is a good one that leads nowhere.
        var projects = claims.Org != Org ? [] : claims is { Role: Roles.Admin, KeyId: null } ? null : claims.Projects;
        return new(projects is [var first, ..] ? first : Project.Default, claims.Subject, ScopesOf(claims, projects), "development") { Token = claims, Projects = projects };
    }

    /// <summary>As a token says it, with the role of now; developers write events, as keys that act as one do.</summary>
    static Caller CallerOf(Member member)
    {
        var permissions = Roles.Of(member.Role)!.Permissions;
        if (member.Role == Roles.Developer) permissions = [.. permissions, Permissions.WriteEvents];
        var claims = new TokenClaims(member.Id, Org, [member.Project], member.Role, permissions, member.Updated, DateTimeOffset.MaxValue, member.Id, member.Ticket);
        return new(member.Project, member.Id, ScopesOf(claims, claims.Projects), "development") { Token = claims };
    }

    static IReadOnlyList<string> PermissionsOf(Caller caller) =>
    [
        .. caller.May(Scopes.Read) ? Roles.Of(caller.Role)!.Permissions : [],
        .. caller.Role != Roles.Admin && caller.May(Scopes.Ingest) ? (string[])[Permissions.WriteEvents] : [],
    ];

    /// <summary>What doors that know scopes alone make of it. Who may look into nothing may do nothing.</summary>
    static Scopes ScopesOf(TokenClaims claims, IReadOnlyList<string>? projects) => projects is [] ? Scopes.None
        : claims.Role == Roles.Admin ? Scopes.Admin | Scopes.Read | Scopes.Ingest | Scopes.Gateway
        : (claims.Permissions.Contains(Permissions.ReadTraces) ? Scopes.Read : Scopes.None)
            | (claims.Permissions.Contains(Permissions.WriteEvents) ? Scopes.Ingest : Scopes.None);
}

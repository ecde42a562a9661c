using System.Text;
using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>Tokens at the doors: given for a key, and taken from whoever knows the secret.</summary>
/// <remarks>
/// Ours live 15 minutes and end with their key. They look into their key's project and no other, whatever their role. Tokens signed
/// elsewhere with the same secret may live 24 hours; of these an admin looks into every project, as the contract has it.
/// </remarks>
public sealed class Tokens(byte[] secret, KeyRing ring, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);
    public const string Org = "default";

    /// <summary>The secret of the settings, else the one of the vault.</summary>
    public static byte[] SecretOf(JwtOptions options, IVault vault) => options.Secret is { } set
        ? Encoding.UTF8.GetBytes(set)
        : vault.SecretAsync(Secrets.Jwt, Secrets.Make, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>A token for a key and its id or name; null when they are not together, or the key does not work.</summary>
    public Admission? Issue(string clientId, string key)
    {
        if (ring.Find(key) is not { } caller) return null;
        if (clientId != caller.KeyId && clientId != (ring.Row(caller.KeyId)?.Name ?? caller.KeyId)) return null;
        var now = clock.GetUtcNow();
        return new(caller, Jwt.Sign(new(caller.KeyId, Org, [caller.Project], caller.Role, PermissionsOf(caller), now, now + Life, Guid.NewGuid().ToString("n"), caller.KeyId), secret));
    }

    /// <summary>The key with this id or, failing that, this name.</summary>
    public (string Id, string Project)? Named(string clientId) =>
        (ring.Row(clientId) ?? ring.Rows.FirstOrDefault(row => row.Name == clientId)) is { } row ? (row.Id, row.Project) : null;

    /// <summary>Who shows this token; null when it is none that holds now. For every door, <c>/ws?token=</c> too.</summary>
    public Caller? Find(string token)
    {
        if (Jwt.Read(token, secret, clock.GetUtcNow()) is not { } claims) return null;
        if (claims.KeyId is { } id && !ring.Works(id)) return null;

        // Another organisation's token is a good one that leads nowhere.
        var projects = claims.Org != Org ? [] : claims is { Role: Roles.Admin, KeyId: null } ? null : claims.Projects;
        return new(projects is [var first, ..] ? first : Project.Default, claims.Subject, ScopesOf(claims, projects), "development") { Token = claims, Projects = projects };
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

namespace Hindcast.Application.Projects;

/// <summary>What a key may do; see rulings on keys in <c>docs/adr/0006-keys.md</c>.</summary>
[Flags]
public enum Scopes
{
    None = 0,
    /// <summary>Write events.</summary>
    Ingest = 1,
    /// <summary>Read traces and figures.</summary>
    Read = 2,
    /// <summary>Call models through the gateway.</summary>
    Gateway = 4,
    /// <summary>Manage projects, keys and projections; includes the others.</summary>
    Admin = 8,
}

/// <summary>Who asks: the project every stream, row and query of the request is bound to, and what the key or token allows.</summary>
/// <param name="KeyId">Of a token: its subject.</param>
public sealed record Caller(string Project, string KeyId, Scopes Scopes, string Environment)
{
    /// <summary>What its requests are counted against where a dialect has plans; null: no plan limits it.</summary>
    public string? Plan { get; init; }
    /// <summary>The claims of the token that was shown; null where a key was.</summary>
    public TokenClaims? Token { get; init; }

    /// <summary>Projects it may look into; null means all there are, none that it may look into nothing.</summary>
    public IReadOnlyList<string>? Projects { get; init; } = [Project];

    /// <summary>admin, developer, viewer or billing; a key acts as one of the first three.</summary>
    public string Role => Token?.Role ?? (Scopes.HasFlag(Scopes.Admin) ? Roles.Admin : Scopes.HasFlag(Scopes.Read | Scopes.Ingest) ? Roles.Developer : Roles.Viewer);

    /// <summary>Calls through the gateway in a calendar month, UTC; null: as many as it likes.</summary>
    public long? MonthlyQuota { get; init; }

    public bool May(Scopes scope) => (Scopes & (scope | Scopes.Admin)) != 0;

    /// <param name="permission">What a token must say to pass; keys know scopes alone.</param>
    public bool May(Scopes scope, string? permission) =>
        Token is null || permission is null ? May(scope) : Role == Roles.Admin || Token.Permissions.Contains(permission) || Token.Permissions.Contains(Permissions.Turned(permission));
}

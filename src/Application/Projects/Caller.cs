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

/// <summary>Who asks: the project every stream, row and query of the request is bound to, and what the key allows.</summary>
public sealed record Caller(string Project, string KeyId, Scopes Scopes, string Environment)
{
    /// <summary>What its requests are counted against where a dialect has plans; null: no plan limits it.</summary>
    public string? Plan { get; init; }

    /// <summary>Calls through the gateway in a calendar month, UTC; null: as many as it likes.</summary>
    public long? MonthlyQuota { get; init; }

    public bool May(Scopes scope) => (Scopes & (scope | Scopes.Admin)) != 0;
}

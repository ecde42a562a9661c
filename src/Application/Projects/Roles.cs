namespace Hindcast.Application.Projects;

/// <summary>What a role may do and how often, by the LLM Observatory contract (4.1).</summary>
/// <param name="PerMinute">Requests a minute, in the long run.</param>
/// <param name="Burst">Requests at once.</param>
public sealed record Role(string Name, IReadOnlyList<string> Permissions, int PerMinute, int Burst);

public static class Roles
{
    public const string Admin = "admin";
    public const string Developer = "developer";
    public const string Viewer = "viewer";
    public const string Billing = "billing";

    static readonly Dictionary<string, Role> s_all = new Role[]
    {
        new(Admin, ["*"], 100_000, 120_000),
        new(Developer, [Permissions.ReadTraces, Permissions.ReadMetrics, Permissions.ReadCosts, "write:evaluations", "write:feedback"], 10_000, 12_000),
        new(Viewer, [Permissions.ReadTraces, Permissions.ReadMetrics, Permissions.ReadCosts], 1_000, 1_200),
        new(Billing, [Permissions.ReadCosts, Permissions.ReadUsage], 1_000, 1_200),
    }.ToDictionary(role => role.Name, StringComparer.Ordinal);

    /// <summary>Null for a name that is no role.</summary>
    public static Role? Of(string name) => s_all.GetValueOrDefault(name);
}

/// <summary>What a token's <c>permissions</c> may name.</summary>
public static class Permissions
{
    public const string ReadTraces = "read:traces";
    public const string ReadMetrics = "read:metrics";
    public const string ReadCosts = "read:costs";
    public const string ReadUsage = "read:usage";
    /// <summary>Ours: the contract's tokens do not write events.</summary>
    public const string WriteEvents = "write:events";

    /// <summary>The contract's roles name what is done first, and some of its routes last: <c>metrics:read</c>.</summary>
    public static string Turned(string permission) => string.Join(':', permission.Split(':').Reverse());
}

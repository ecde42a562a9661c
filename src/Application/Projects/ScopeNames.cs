namespace Hindcast.Application.Projects;

/// <summary>Scopes as texts: small words, joined by commas.</summary>
public static class ScopeNames
{
    static readonly (Scopes Scope, string Name)[] s_names =
        [(Scopes.Ingest, "ingest"), (Scopes.Read, "read"), (Scopes.Gateway, "gateway"), (Scopes.Admin, "admin")];

    public static string Of(Scopes scopes) => string.Join(',', List(scopes));

    public static IReadOnlyList<string> List(Scopes scopes) => [.. s_names.Where(n => scopes.HasFlag(n.Scope)).Select(n => n.Name)];

    /// <summary><see cref="Scopes.None"/> for a word that is none.</summary>
    public static Scopes Parse(string word) => s_names.FirstOrDefault(n => n.Name == word).Scope;
}

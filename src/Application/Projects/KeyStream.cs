using System.Reflection;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain;
using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>
/// The facts of projects and keys. Each change is a fact first, then a row in the vault, then known to the ring, and is answered after that.
/// A crash in between leaves a fact whose answer nobody had: a key nobody holds, or a change that the same command makes again.
/// </summary>
static class KeyStream
{
    const int MapperVersion = 1;

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    public static StreamName Of(string project) => StreamName.Of("keys", project, "all");

    public static StreamName OfProject(string project) => StreamName.Of("projects", project, "self");

    public static Draft Draft<T>(T fact, Caller by, string project, DateTimeOffset at) where T : notnull => new(
        new Header
        {
            Type = NameOf<T>(),
            Project = project,
            EventId = Guid.CreateVersion7(at),
            At = Streams.Micros(at),
            Source = new("native", MapperVersion, by.KeyId),
        },
        new Content(JsonSerializer.SerializeToUtf8Bytes(fact, Json), default));

    /// <summary>The facts of one kind, read back.</summary>
    public static IEnumerable<(T Said, DateTimeOffset At)> Facts<T>(this IReadOnlyList<Fact> facts) =>
        from fact in facts where fact.Header.Type == NameOf<T>() select (JsonSerializer.Deserialize<T>(fact.Content.Span, Json)!, fact.Header.At);

    /// <summary>When a key was revoked, if it was.</summary>
    public static DateTimeOffset? RevokedAt(this IReadOnlyList<Fact> facts, string id) =>
        facts.Facts<KeyRevoked>().Where(f => f.Said.KeyId == id).Select(f => (DateTimeOffset?)f.At).FirstOrDefault();

    /// <summary>The project a caller may manage: its own, or any for the administrators of the default project.</summary>
    /// <exception cref="NotFound">It is somebody else's, which looks the same as none.</exception>
    public static string Managed(this Caller by, string? project)
    {
        if (project is null || project == by.Project) return by.Project;
        if (!Project.IsId(project)) throw new BadRequest("project_id", "A project id has 1 to 64 small letters, digits, '_' and '-'.");
        return by.Project == Project.Default ? project : throw new NotFound($"There is no project '{project}'.");
    }

    /// <summary>A key the caller may manage.</summary>
    /// <exception cref="NotFound">There is none, or it is somebody else's.</exception>
    public static KeyRow Managed(this KeyRing ring, Caller by, string id) =>
        ring.Row(id) is { } row && (by.Project == Project.Default || by.Project == row.Project) ? row : throw new NotFound($"There is no key '{id}'.");

    static string NameOf<T>() => typeof(T).GetCustomAttribute<EventNameAttribute>()!.Name;
}

using System.Collections.Concurrent;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Gateway;

namespace Hindcast.Application.Projects;

/// <summary>
/// One setting of every project, answered from memory. A change is a fact in the log first, then a row in the vault, then known here; a crash in between
/// leaves a fact whose answer nobody had, and the same command makes the rest.
/// </summary>
/// <typeparam name="T">The setting, which is also the fact that says it was set.</typeparam>
public abstract class ProjectSetting<T> where T : class
{
    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    readonly string _kind;
    readonly IGatewayStore _store;
    readonly Streams _streams;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<string, T> _projects = new(StringComparer.Ordinal);
    readonly SemaphoreSlim _changing = new(1);

    protected ProjectSetting(string kind, IGatewayStore store, Streams streams, TimeProvider clock)
    {
        (_kind, _store, _streams, _clock) = (kind, store, streams, clock);
        // Composition is not asynchronous; this waits for a few rows of a local store, once.
        foreach (var row in store.SettingsAsync(CancellationToken.None).GetAwaiter().GetResult())
            if (row.Kind == kind) _projects[row.Project] = JsonSerializer.Deserialize<T>(row.Body, s_json)!;
    }

    /// <summary>Null where the project never set it.</summary>
    public T? Of(string project) => _projects.GetValueOrDefault(project);

    public IReadOnlyCollection<KeyValuePair<string, T>> All => [.. _projects];

    public async Task SaveAsync(Caller by, string project, T value, CancellationToken ct)
    {
        await _changing.WaitAsync(ct);
        try
        {
            await _streams.DecideAsync(StreamName.Of(_kind, project, "settings"), _ => [KeyStream.Draft(value, by, project, _clock.GetUtcNow())], ct);
            await _store.SaveAsync([new(project, _kind, _kind, JsonSerializer.Serialize(value, s_json), null)], ct);
            _projects[project] = value;
            Changed(project, value);
        }
        finally
        {
            _changing.Release();
        }
    }

    protected virtual void Changed(string project, T value) { }
}

using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Hindcast.Application.Gateway;

namespace Hindcast.Application.Projects;

/// <summary>Something a project keeps in the vault, as JSON.</summary>
public interface IShelved
{
    string Id { get; }
    string Project { get; }
}

/// <summary>Things of one kind, answered from memory: a change is in the vault first, then known here. Changes take turns, so that each sees the one before.</summary>
/// <param name="kind">Of the rows; never renamed.</param>
public abstract class Shelf<T>(IGatewayStore store, string kind) where T : class, IShelved
{
    // Composition is not asynchronous; this waits for a few rows of a local store, once.
    readonly ConcurrentDictionary<string, ImmutableList<T>> _projects = new(
        store.SettingsAsync(CancellationToken.None).GetAwaiter().GetResult().Where(row => row.Kind == kind).GroupBy(row => row.Project, StringComparer.Ordinal)
            .Select(rows => KeyValuePair.Create(rows.Key, rows.Select(row => JsonSerializer.Deserialize<T>(row.Body)!).ToImmutableList())), StringComparer.Ordinal);
    readonly SemaphoreSlim _changing = new(1);

    public IEnumerable<T> All => _projects.Values.SelectMany(all => all);

    public IReadOnlyList<T> Of(string project) => _projects.GetValueOrDefault(project, []);

    /// <summary>One that the caller may manage.</summary>
    /// <exception cref="NotFound">There is none, or it is somebody else's.</exception>
    public T Managed(Caller by, string id) =>
        (by.Project == Domain.Projects.Project.Default ? All : Of(by.Project)).FirstOrDefault(one => one.Id == id) ?? throw new NotFound($"There is no {kind} '{id}'.");

    /// <param name="decide">From all of the project to the one that is added or takes the place of another of its id.</param>
    public Task<T> PutAsync(string project, Func<IReadOnlyList<T>, T> decide, CancellationToken ct) => InTurnAsync(async () =>
    {
        var one = decide(Of(project));
        await store.SaveAsync([new(project, kind, one.Id, JsonSerializer.Serialize(one), null)], CancellationToken.None);
        var all = _projects.GetValueOrDefault(project, []);
        _projects[project] = all.FindIndex(known => known.Id == one.Id) is >= 0 and var at ? all.SetItem(at, one) : all.Add(one);
        return one;
    }, ct);

    /// <param name="check">Throws when it must stay; sees all of the project.</param>
    public Task<T> TakeAsync(Caller by, string id, CancellationToken ct, Action<IReadOnlyList<T>, T>? check = null) => InTurnAsync(async () =>
    {
        var one = Managed(by, id);
        check?.Invoke(Of(one.Project), one);
        await store.DeleteAsync(one.Project, kind, one.Id, CancellationToken.None);
        _projects[one.Project] = _projects.GetValueOrDefault(one.Project, []).RemoveAll(known => known.Id == one.Id);
        return one;
    }, ct);

    async Task<T> InTurnAsync(Func<Task<T>> work, CancellationToken ct)
    {
        await _changing.WaitAsync(ct);
        try
        {
            return await work();
        }
        finally
        {
            _changing.Release();
        }
    }
}

using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.TimeTravel;

namespace Hindcast.Application.ReadModels;

/// <summary>The read models as queries see them: which generation serves, and how far it is.</summary>
public sealed class ServingModels(IEnumerable<Projection> projections, IReadStore store)
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    readonly AsyncLocal<Asker?> _asker = new();
    readonly AsyncLocal<Past?> _past = new();
    readonly ConcurrentDictionary<string, int> _serving = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ProjectionProgress> Progress { get; } =
        projections.ToDictionary(p => p.Name, p => new ProjectionProgress(p.Name) { Version = p.Version }, StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Projection> Projections { get; } = projections.ToDictionary(p => p.Name, StringComparer.Ordinal);

    public void Serve(string projection, int generation) => _serving[projection] = generation;

    /// <summary>Nothing can be read of it until something serves.</summary>
    public void Withdraw(string projection) => _serving.TryRemove(projection, out _);

    /// <summary>The engine does not answer at present.</summary>
    public bool IsAway => store.Away.IsCancellationRequested;

    /// <summary>The past that this request looks at, instead of what serves, from where it is set on; null: what serves.</summary>
    public Past? Past
    {
        get => _past.Value;
        set => _past.Value = value;
    }

    /// <exception cref="Unavailable">Nothing is built yet, or the engine does not answer.</exception>
    public ReadDb Open(string projection) => Past is { } past ? past.Open(projection) : OpenNow(projection);

    /// <summary>What serves, whatever the request looks at.</summary>
    /// <exception cref="Unavailable">Nothing is built yet, or the engine does not answer.</exception>
    public ReadDb OpenNow(string projection)
    {
        if (store.Away.IsCancellationRequested) throw Away();
        if (_asker.Value is { } asker) asker.Waits = true;
        return _serving.TryGetValue(projection, out var generation)
            ? store.Open(Projections[projection], generation)
            : throw new Unavailable($"'{projection}' is not built yet.", TimeSpan.FromSeconds(1));
    }

    /// <summary>How searches are written for the engine.</summary>
    public Search.ISqlDialect Dialect => Past?.Dialect ?? store.Dialect;

    /// <summary>What a failed query of what serves says of the engine, or null when it was the query's own fault.</summary>
    public QueryFailure? Judge(Exception failure) => store.Judge(failure);

    /// <summary>Makes the tables of another projection readable beside those of an open one; the answer goes before their names.</summary>
    /// <exception cref="Unavailable">Nothing is built yet.</exception>
    public Task<string> BesideAsync(ReadDb db, string projection, CancellationToken ct) => Past is { } past ? past.BesideAsync(db, projection, ct)
        : _serving.TryGetValue(projection, out var generation)
        ? store.BesideAsync(db, Projections[projection], generation, ct)
        : throw new Unavailable($"'{projection}' is not built yet.", TimeSpan.FromSeconds(1));

    /// <summary>Waits until a position can be read.</summary>
    /// <exception cref="Unavailable">It was not reached in time, or the engine stopped answering.</exception>
    public async Task ReachAsync(string projection, LogPosition position, TimeSpan patience, TimeProvider clock, CancellationToken ct)
    {
        var away = store.Away;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, away);
        try
        {
            await Progress[projection].ReachAsync(position, patience, clock, either.Token);
        }
        catch (OperationCanceledException) when (away.IsCancellationRequested)
        {
            throw Away();
        }
    }

    /// <summary>
    /// Lets a request go when the engine falls silent while it waits for it. What was asked is left to itself: cancelling it would be one
    /// more question to an engine that does not answer. A request that does not read is never let go.
    /// </summary>
    /// <exception cref="Unavailable">The engine does not answer.</exception>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        var (away, asker) = (store.Away, _asker.Value = new());
        var asked = ask();
        if (away.CanBeCanceled && !asked.IsCompleted)
        {
            await ((Task)asked).WaitAsync(away).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!asked.IsCompleted && asker.Waits)
            {
                _ = asked.ContinueWith(static late => late.Exception, TaskScheduler.Default);
                throw Away();
            }
        }
        return await asked;
    }

    /// <summary>Looks again which generations serve.</summary>
    /// <param name="logId">Rows of another log are not ours to show.</param>
    public async Task RefreshAsync(Guid logId, CancellationToken ct)
    {
        foreach (var generation in await store.GenerationsAsync(ct))
            if (generation.Serving && Progress.TryGetValue(generation.Projection, out var progress) && generation.Version == progress.Version && generation.LogId == logId)
                Serve(generation.Projection, generation.Number);
    }

    sealed class Asker
    {
        /// <summary>It has opened a read model.</summary>
        public bool Waits { get; set; }
    }

    static Unavailable Away() => new("The read models do not answer; what is sent is stored all the same.", Soon);
}

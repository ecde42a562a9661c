using Hindcast.Application.ReadModels;

namespace Hindcast.Application.TimeTravel;

/// <summary>A past that is built or being built, for all who ask for it.</summary>
/// <param name="Generation">Its tables in the store of pasts.</param>
sealed record Kept(Wanted Wanted, Generation Generation, long Began) : IDisposable
{
    public CancellationTokenSource Stop { get; } = new();
    public Task<Refolded> Building { get; set; } = null!;
    public int Users { get; set; }
    public long LastUsed { get; set; }
    /// <summary>Nobody finds it any more.</summary>
    public bool Forgotten => Stop.IsCancellationRequested;

    /// <summary>Whether it answers: it is being built for exactly that, or nothing was recorded between its time and that one.</summary>
    public bool Answers(Wanted wanted) => Wanted.IsLike(wanted)
        && (Building is { IsCompletedSuccessfully: true, Result: var made } ? wanted.AsOf >= made.Since && wanted.AsOf < made.Until : !Building.IsCompleted && Wanted.AsOf == wanted.AsOf);

    public void Dispose() => Stop.Dispose();
}

/// <summary>
/// Pasts, and the few that are kept because the next question is often about the same. Their tables are scratch: on disk, in SQLite whatever
/// serves, made anew by each process.
/// </summary>
/// <remarks>Two who ask at once wait for one building; it is given up when nobody waits for it any more.</remarks>
public sealed class Pasts : IAsyncDisposable
{
    /// <summary>The key of the store they stand in.</summary>
    public const string Store = "pasts";

    const int MostKept = 8, MostBuilding = 2;
    /// <summary>Of facts, as they stand in the log; tables take about as much.</summary>
    const long MostBytes = 2L << 30;
    /// <summary>What other nodes erase is heard of by nobody here.</summary>
    static readonly TimeSpan s_life = TimeSpan.FromMinutes(10);

    readonly IReadStore _store;
    readonly Refold _refold;
    readonly TimeProvider _clock;
    readonly SemaphoreSlim _building = new(MostBuilding);
    readonly Lock _lock = new();
    readonly List<Kept> _kept = [];
    readonly HashSet<Task> _leaving = [];
    int _last;

    internal Pasts(IReadStore store, Refold refold, TimeProvider clock) => (_store, _refold, _clock) = (store, refold, clock);

    /// <summary>How many were begun.</summary>
    internal int Begun => Volatile.Read(ref _last);

    internal Search.ISqlDialect Dialect => _store.Dialect;

    /// <summary>The read models as they stood at a time; the caller gives them back.</summary>
    /// <param name="projects">Those that will be asked about; null: all.</param>
    /// <exception cref="Unprocessable">There are more facts than one request may fold.</exception>
    public async Task<Past> VisitAsync(IReadOnlyList<string>? projects, DateTimeOffset asOf, CancellationToken ct) =>
        new(this, await TakeAsync(new("traces", projects, asOf), ct)) { AsOf = asOf };

    /// <summary>Something was erased: no past shows it any more, and no file of one holds it, but for those that are being read, as long as they are.</summary>
    public async Task ForgetAsync()
    {
        Task[] leaving;
        lock (_lock)
        {
            foreach (var kept in _kept.ToList()) Remove(kept);
            leaving = [.. _leaving];
        }
        await Task.WhenAll(leaving);
    }

    internal async Task<Kept> TakeAsync(Wanted wanted, CancellationToken ct)
    {
        while (true)
        {
            var kept = Enter(wanted);
            try
            {
                await kept.Building.WaitAsync(ct);
                if (!kept.Forgotten) return kept;
            }
            catch (OperationCanceledException) when (kept.Forgotten && !ct.IsCancellationRequested)
            {
                // Once more, without what was erased meanwhile.
            }
            catch
            {
                Leave(kept);
                throw;
            }
            Leave(kept);
        }
    }

    internal ReadDb Open(Kept kept) => _store.Open(_refold[kept.Wanted.Projection], kept.Generation.Number);

    internal Task<string> BesideAsync(ReadDb db, Kept kept, CancellationToken ct) => _store.BesideAsync(db, _refold[kept.Wanted.Projection], kept.Generation.Number, ct);

    internal void Leave(Kept kept)
    {
        lock (_lock)
        {
            (kept.Users, kept.LastUsed) = (kept.Users - 1, _clock.GetTimestamp());
            if (kept.Users == 0 && !_kept.Contains(kept)) Drop(kept);
            else if (kept.Users == 0 && !kept.Building.IsCompletedSuccessfully) Remove(kept);
            Trim();
        }
    }

    Kept Enter(Wanted wanted)
    {
        lock (_lock)
        {
            foreach (var old in _kept.FindAll(k => k.Building.IsCompleted && _clock.GetElapsedTime(k.Began) > s_life)) Remove(old);
            if (_kept.Find(k => k.Answers(wanted)) is not { } kept)
            {
                _kept.Add(kept = new(wanted, _refold.GenerationOf(wanted, ++_last), _clock.GetTimestamp()));
                var stop = kept.Stop.Token;
                kept.Building = Task.Run(() => BuildAsync(kept, stop), CancellationToken.None);
            }
            kept.Users++;
            return kept;
        }
    }

    async Task<Refolded> BuildAsync(Kept kept, CancellationToken ct)
    {
        await _building.WaitAsync(ct);
        try
        {
            return await _refold.RunAsync(kept.Wanted, kept.Generation.Number, ct);
        }
        finally
        {
            _building.Release();
        }
    }

    /// <summary>Nobody finds it any more; it goes with the last who reads it.</summary>
    void Remove(Kept kept)
    {
        if (!_kept.Remove(kept)) return;
        // Whoever hears of it goes on elsewhere, and not within our lock.
        _ = kept.Stop.CancelAsync();
        if (kept.Users == 0) Drop(kept);
    }

    /// <summary>Those that were asked for longest ago go first; one stays, however large it is.</summary>
    void Trim()
    {
        var idle = new Queue<Kept>(_kept.Where(k => k.Users == 0).OrderBy(k => k.LastUsed));
        while (idle.Count > 0 && _kept.Count > 1 && (_kept.Count > MostKept || _kept.Where(k => k.Building.IsCompletedSuccessfully).Sum(k => k.Building.Result.Bytes) > MostBytes)) Remove(idle.Dequeue());
    }

    void Drop(Kept kept)
    {
        var leaving = DropAsync(kept);
        _leaving.Add(leaving);
        _ = leaving.ContinueWith(
            done =>
            {
                lock (_lock) _leaving.Remove(done);
            },
            TaskScheduler.Default);
    }

    async Task DropAsync(Kept kept)
    {
        await Task.Yield();
        await ((Task)kept.Building).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _store.DropAsync(kept.Generation, CancellationToken.None);
        kept.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await ForgetAsync();
        _building.Dispose();
    }
}

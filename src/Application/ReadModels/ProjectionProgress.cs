using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.ReadModels;

public enum ProjectionState
{
    CatchingUp,
    Live,
    /// <summary>It cannot go on; <see cref="ProjectionProgress.Trouble"/> says why. It keeps trying.</summary>
    Stopped,
}

/// <summary>How far one projection has come, for those who watch and those who wait.</summary>
public sealed class ProjectionProgress(string name)
{
    readonly Lock _lock = new();
    readonly SortedDictionary<(long Position, int Ticket), TaskCompletionSource> _waiting = [];
    CancellationTokenSource _interrupt = new();
    int _ticket;

    public string Name => name;
    public int Version { get; set; }
    public int Generation { get; set; }
    public ProjectionState State { get; private set; } = ProjectionState.CatchingUp;
    /// <summary>Everything up to here can be read.</summary>
    public LogPosition Position { get; private set; }
    /// <summary>When the newest fact was recorded that can be read.</summary>
    public DateTimeOffset? RecordedAt { get; private set; }
    public int Parked { get; set; }
    public string? Trouble { get; private set; }
    /// <summary>It has been at the head once since the start.</summary>
    public bool Ready { get; private set; }
    public bool ReplayWanted { get; private set; }
    /// <summary>How far the generation is that is built beside the serving one; null when none is.</summary>
    public Rebuild? Rebuild { get; set; }
    /// <summary>A generation that is ready to serve; the follower lets it, between two pages.</summary>
    public Generation? Built { get; private set; }

    public void Reached(LogPosition position, DateTimeOffset? recordedAt, ProjectionState state)
    {
        lock (_lock)
        {
            (Position, State, Trouble) = (position, state, null);
            if (recordedAt is not null) RecordedAt = recordedAt;
            if (state == ProjectionState.Live) Ready = true;
            while (_waiting.Count > 0 && _waiting.First() is var (key, waiter) && key.Position <= position.Value)
            {
                _waiting.Remove(key);
                waiter.TrySetResult();
            }
        }
    }

    public void Stopped(string why)
    {
        lock (_lock) (State, Trouble) = (ProjectionState.Stopped, why);
    }

    /// <summary>Waits until a position can be read.</summary>
    /// <exception cref="Unavailable">It was not reached in time.</exception>
    public async Task ReachAsync(LogPosition position, TimeSpan patience, TimeProvider clock, CancellationToken ct)
    {
        TaskCompletionSource waiter;
        (long, int) key;
        lock (_lock)
        {
            if (Position >= position) return;
            waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting[key = (position.Value, _ticket++)] = waiter;
        }
        try
        {
            await waiter.Task.WaitAsync(patience, clock, ct);
        }
        catch (TimeoutException)
        {
            throw new Unavailable($"'{name}' has not reached position {position} yet; it stands at {Position}.", TimeSpan.FromSeconds(1));
        }
        finally
        {
            lock (_lock) _waiting.Remove(key);
        }
    }

    /// <summary>Asks the follower to apply parked facts again before it goes on.</summary>
    public void Replay()
    {
        lock (_lock)
        {
            ReplayWanted = true;
            _interrupt.Cancel();
        }
    }

    /// <summary>Asks the follower to change over to a generation that was built beside.</summary>
    public void ChangeOver(Generation built)
    {
        lock (_lock)
        {
            Built = built;
            _interrupt.Cancel();
        }
    }

    public void ChangedOver()
    {
        lock (_lock) (Built, Rebuild) = (null, null);
    }

    public void Replayed()
    {
        lock (_lock) ReplayWanted = false;
    }

    /// <summary>Cancelled when somebody asks for something that the follower does between two pages.</summary>
    public CancellationToken Interrupted()
    {
        lock (_lock)
        {
            if (_interrupt.IsCancellationRequested && !ReplayWanted && Built is null) _interrupt = new();
            return _interrupt.Token;
        }
    }
}

/// <summary>A rebuild under way: where it stands of the log's events, which are counted and not subtracted.</summary>
public sealed record Rebuild(int Generation, LogPosition Position, double Percent, double EventsPerSecond);

/// <summary>The read models as queries see them: which generation serves, and how far it is.</summary>
public sealed class ServingModels(IEnumerable<Projection> projections, IReadStore store)
{
    readonly ConcurrentDictionary<string, int> _serving = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ProjectionProgress> Progress { get; } =
        projections.ToDictionary(p => p.Name, p => new ProjectionProgress(p.Name) { Version = p.Version }, StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Projection> Projections { get; } = projections.ToDictionary(p => p.Name, StringComparer.Ordinal);

    public void Serve(string projection, int generation) => _serving[projection] = generation;

    /// <exception cref="Unavailable">Nothing is built yet.</exception>
    public ReadDb Open(string projection) => _serving.TryGetValue(projection, out var generation)
        ? store.Open(Projections[projection], generation)
        : throw new Unavailable($"'{projection}' is not built yet.", TimeSpan.FromSeconds(1));

    /// <summary>How searches are written for the engine.</summary>
    public Search.ISqlDialect Dialect => store.Dialect;

    /// <summary>Makes the tables of another projection readable beside those of an open one; the answer goes before their names.</summary>
    /// <exception cref="Unavailable">Nothing is built yet.</exception>
    public Task<string> BesideAsync(ReadDb db, string projection, CancellationToken ct) => _serving.TryGetValue(projection, out var generation)
        ? store.BesideAsync(db, Projections[projection], generation, ct)
        : throw new Unavailable($"'{projection}' is not built yet.", TimeSpan.FromSeconds(1));
}

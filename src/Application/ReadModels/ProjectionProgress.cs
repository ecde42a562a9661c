using System.Text.Json;
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
    TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
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
    /// <summary>Which node writes it.</summary>
    public string? Owner { get; set; }
    /// <summary>How far the generation is that is built beside the serving one; null when none is.</summary>
    public Rebuild? Rebuild { get; set; }
    /// <summary>The generation that could not be built at the first attempt.</summary>
    public int? FailedBuild { get; set; }
    /// <summary>What the last rebuild brought to light; null when there was none since the owner started.</summary>
    public Rebuilt? Rebuilt { get; set; }
    /// <summary>Somebody waits for a position.</summary>
    public bool IsWaitedFor
    {
        get
        {
            lock (_lock) return _waiting.Count > 0;
        }
    }

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
        Wake();
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

    public void Replayed()
    {
        lock (_lock) (ReplayWanted, _interrupt) = (false, new());
    }

    /// <summary>Cancelled when somebody asks for something that the follower does between two pages.</summary>
    public CancellationToken Interrupted()
    {
        lock (_lock) return _interrupt.Token;
    }

    /// <summary>There is something to look at: whoever waits in <see cref="WokenAsync"/> goes on.</summary>
    public void Wake() => Interlocked.Exchange(ref _woken, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    public async Task WokenAsync(TimeSpan atMost, TimeProvider clock, CancellationToken ct)
    {
        await Volatile.Read(ref _woken).Task.WaitAsync(atMost, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
    }

    /// <summary>What the owner knows, for the nodes that only look on.</summary>
    public string Said()
    {
        lock (_lock) return JsonSerializer.Serialize(new Words(State, Parked, RecordedAt, Trouble, Rebuild, Rebuilt));
    }

    /// <summary>Takes an owner's word; how far it is, everyone sees for himself.</summary>
    public void Heard(string owner, string? said)
    {
        if (said is null || JsonSerializer.Deserialize<Words>(said) is not { } words) return;
        lock (_lock)
        {
            (Owner, Parked, RecordedAt, Trouble) = (owner, words.Parked, words.RecordedAt, words.Trouble);
            (Rebuild, Rebuilt) = (words.Rebuild, words.Rebuilt);
            if (words.State == ProjectionState.Stopped) State = words.State;
        }
    }

    sealed record Words(ProjectionState State, int Parked, DateTimeOffset? RecordedAt, string? Trouble, Rebuild? Rebuild, Rebuilt? Rebuilt);
}

/// <summary>A rebuild under way: where it stands of the log's events, which are counted and not subtracted.</summary>
/// <param name="SecondsLeft">At the present rate; null while that is unknown.</param>
public sealed record Rebuild(int Generation, long Position, double Percent, double EventsPerSecond, double? SecondsLeft);

/// <summary>A rebuild that ended.</summary>
/// <param name="Served">False: it did not take over; <paramref name="Differences"/> says why.</param>
/// <param name="Equal">Whether old and new rows were the same at the moment of the change; null while they are compared, and when there was nothing to compare.</param>
/// <param name="Differences">Table by table. The new rows follow from the log and serve all the same.</param>
public sealed record Rebuilt(int Generation, long Events, double Seconds, bool Served, bool? Equal, IReadOnlyList<string> Differences);

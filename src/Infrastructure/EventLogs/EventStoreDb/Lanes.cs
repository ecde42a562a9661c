using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>One append of the port on its way, and the task its caller waits for.</summary>
sealed class Waiting(StreamName stream, long expected, LogEvent[] events, long bytes, long started)
    : TaskCompletionSource<Appended>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public StreamName Stream => stream;
    public long Expected => expected;
    public LogEvent[] Events => events;
    public long Bytes => bytes;
    /// <summary>When it was taken in, or its turn came: behind appends that are written one after the other it waits for no silent server.</summary>
    public long Started { get; set; } = started;
    /// <summary>It was made to follow an append that was refused, so it must not be written, wherever the stream is.</summary>
    public bool FollowsRefused { get; set; }
    /// <summary>It was made to follow an append whose fate nobody knows.</summary>
    public LogUnavailable? FollowsUnknown { get; set; }
}

/// <summary>
/// The order of appends within a stream: one is out, those behind it wait. When it is refused, or its fate is unknown, whatever was made to
/// follow it must not be written; and as its maker may not have heard yet and send still more, that holds until the tail of the stream is read.
/// </summary>
sealed class Lanes
{
    readonly Lock _gate = new();
    readonly Dictionary<StreamName, Queue<Waiting>> _lanes = [];
    readonly Refusals _refused = new();

    /// <summary>True: nothing is before it, and the caller takes it, and then <see cref="Next"/> until there is none.</summary>
    public bool Enter(Waiting waiting)
    {
        lock (_gate)
        {
            waiting.FollowsRefused = _refused.Follows(waiting.Stream, waiting.Expected);
            if (!_lanes.TryGetValue(waiting.Stream, out var lane))
            {
                _lanes.Add(waiting.Stream, new(0));
                return true;
            }
            lane.Enqueue(waiting);
            return false;
        }
    }

    public Waiting? Next(StreamName stream)
    {
        lock (_gate)
        {
            if (_lanes[stream].TryDequeue(out var next)) return next;
            _lanes.Remove(stream);
            return null;
        }
    }

    /// <summary>An append was not written, or nobody knows. Told before its caller hears of it.</summary>
    public void Broke(Waiting failed, LogUnavailable? unknown)
    {
        lock (_gate)
        {
            _refused.Add(failed.Stream, failed.Expected);
            foreach (var behind in _lanes[failed.Stream])
            {
                if (behind.Expected <= failed.Expected) continue;
                behind.FollowsRefused = true;
                behind.FollowsUnknown = unknown;
            }
        }
    }

    /// <summary>The stream is where its appenders believe it is.</summary>
    public void Held(Waiting written) => Forget(written.Stream);

    public void TailWasRead(StreamName stream) => Forget(stream);

    void Forget(StreamName stream)
    {
        lock (_gate) _refused.Forget(stream);
    }
}

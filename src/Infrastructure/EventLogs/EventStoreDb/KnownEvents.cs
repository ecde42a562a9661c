using System.Runtime.InteropServices;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>What this process knows of a stream: the ids and places of its newest events as of a revision.</summary>
sealed class KnownEvents
{
    /// <summary>As many as the port promises to recognise.</summary>
    public const int Most = 1_000;

    readonly List<(Guid Id, long Revision, LogPosition Position)> _events = [];

    public long Revision { get; private set; } = -1;
    public int Count => _events.Count;

    public Place? Find(Guid id)
    {
        foreach (ref readonly var known in CollectionsMarshal.AsSpan(_events))
            if (known.Id == id) return new(known.Revision, known.Position, Known: true);
        return null;
    }

    /// <summary>Oldest first.</summary>
    public void Add(Guid id, long revision, LogPosition position)
    {
        if (_events.Count >= 2 * Most) _events.RemoveRange(0, Most);
        _events.Add((id, revision, position));
        Revision = revision;
    }
}

/// <summary>
/// What is known of the streams in use, in two generations like every cache here: what was not asked for while a generation filled up is
/// forgotten and read again when it is needed. Counted in ids, because a stream has between one and two thousand of them.
/// </summary>
sealed class KnownStreams
{
    const int Generation = 200_000;

    readonly Lock _gate = new();
    Dictionary<StreamName, KnownEvents> _young = [], _old = [];
    int _ids;

    public KnownEvents? Find(StreamName stream)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(stream, out var known)) return known;
            if (!_old.Remove(stream, out known)) return null;
            Keep(stream, known, known.Count);
            return known;
        }
    }

    /// <param name="added">How many ids more than before, if it was there.</param>
    public void Set(StreamName stream, KnownEvents known, int added)
    {
        lock (_gate) Keep(stream, known, _young.ContainsKey(stream) ? added : known.Count);
    }

    public void Forget(StreamName stream)
    {
        lock (_gate)
        {
            _young.Remove(stream);
            _old.Remove(stream);
        }
    }

    void Keep(StreamName stream, KnownEvents known, int ids)
    {
        if (_ids >= Generation) (_old, _young, _ids) = (_young, [], 0);
        _young[stream] = known;
        _ids += ids + 1;
    }
}

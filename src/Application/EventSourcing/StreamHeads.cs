using System.Collections.Concurrent;

namespace Hindcast.Application.EventSourcing;

/// <summary>
/// The newest end of a stream as this process believes it to be. It may run ahead of the log by appends that are under way, and it may be
/// wrong: the log refuses an append at a wrong revision, and then the head is dropped and read again. Guarded by its own lock.
/// </summary>
public sealed class StreamHead
{
    /// <summary>How far back ids are remembered: what the log promises (<see cref="IEventLog"/>, 3).</summary>
    public const int Remembered = 1_000;

    readonly List<(Guid Id, long Revision)> _known = [];

    public long Revision { get; private set; } = -1;
    public ReadOnlyMemory<byte> Hash { get; private set; }
    public Running Running { get; private set; } = Running.Nothing;
    /// <summary>The newest append under way or done; earlier ones are done before it.</summary>
    public Task Pending { get; set; } = Task.CompletedTask;
    /// <summary>It turned out wrong, and nobody may use it again.</summary>
    public bool Dropped { get; set; }
    public int KnownCount => _known.Count;

    public long? RevisionOf(Guid id)
    {
        foreach (var (known, revision) in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_known))
            if (known == id) return revision;
        return null;
    }

    public void Advance(Guid id, int slots, byte[] hash, Running running)
    {
        Revision += slots;
        Hash = hash;
        Running = running;
        if (_known.Count == Remembered) _known.RemoveRange(0, Remembered / 2);
        _known.Add((id, Revision));
    }

    /// <summary>From the newest records of the stream, newest first.</summary>
    public static StreamHead Of(IReadOnlyList<LogRecord> tail)
    {
        var head = new StreamHead();
        if (tail.Count == 0) return head;
        head.Revision = tail[0].Revision;
        head.Hash = Fact.HashOf(tail[0].Header.Span, tail[0].Content.Span);
        // A stream goes on behind a fact that nobody can read; its figures are those of the newest that somebody can.
        head.Running = tail.Select(record => Fact.TryOf(record, out _)).FirstOrDefault(fact => fact is not null)?.Header.Running ?? Running.Nothing;
        foreach (var record in tail.Reverse()) head._known.Add((record.Id, record.Revision));
        return head;
    }
}

/// <summary>
/// A bounded cache of stream heads in two generations: when the young one is full, the old one is let go and the young becomes old.
/// What is used stays; what is not used for a while is forgotten, without bookkeeping on each use.
/// </summary>
public sealed class StreamHeads(IEventLog log)
{
    const int MostHeads = 10_000;

    ConcurrentDictionary<StreamName, StreamHead> _young = new();
    ConcurrentDictionary<StreamName, StreamHead> _old = new();
    // Counted here: asking a concurrent dictionary takes all of its locks.
    int _added;

    /// <summary>The head as remembered. A stream not remembered is taken for new: most are, and the log refuses when it is not.</summary>
    public StreamHead Get(StreamName stream)
    {
        if (_young.TryGetValue(stream, out var head)) return head;
        if (Interlocked.Increment(ref _added) >= MostHeads) Turn();
        return _young.GetOrAdd(stream, _old.TryGetValue(stream, out var kept) ? kept : new StreamHead());
    }

    /// <summary>Forgets a head that turned out wrong and reads the true one.</summary>
    public async Task ReloadAsync(StreamName stream, StreamHead wrong, CancellationToken ct)
    {
        Drop(stream, wrong);
        var tail = await log.TailAsync(stream, StreamHead.Remembered, ct);
        _young.TryAdd(stream, StreamHead.Of(tail));
    }

    public void Drop(StreamName stream, StreamHead wrong)
    {
        lock (wrong) wrong.Dropped = true;
        _young.TryRemove(new(stream, wrong));
        _old.TryRemove(new(stream, wrong));
    }

    void Turn()
    {
        lock (log)
        {
            if (_added < MostHeads) return;
            (_old, _young, _added) = (_young, new(), 0);
        }
    }
}

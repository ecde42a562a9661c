using System.Threading.Channels;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Live;

/// <summary>What waits in all queues of this process together.</summary>
public sealed class LiveBudget(long most = 128L << 20)
{
    readonly Lock _gate = new();
    readonly HashSet<LiveSubscription> _holders = [];
    long _held;

    internal void Join(LiveSubscription holder)
    {
        lock (_gate) _holders.Add(holder);
    }

    internal void Leave(LiveSubscription holder)
    {
        lock (_gate) _holders.Remove(holder);
    }

    /// <summary>Makes room, if there is none, by closing the one that holds the most.</summary>
    internal void Take(int bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= most) return;
        LiveSubscription? fattest;
        lock (_gate) fattest = _holders.MaxBy(h => h.QueuedBytes);
        fattest?.Close(LiveSubscription.TooSlow);
    }

    internal void Give(long bytes) => Interlocked.Add(ref _held, -bytes);
}

/// <summary>Where a socket or an event stream takes its messages from.</summary>
public interface ILiveSource
{
    /// <summary>Why it was closed from our side; null while it goes on.</summary>
    string? Closed { get; }

    /// <summary>Everything up to here was taken out.</summary>
    LogPosition Position { get; }

    /// <summary>The next message; null when it was closed. What still waits then is not sent: the position says where to go on.</summary>
    ValueTask<LiveMessage?> NextAsync(CancellationToken ct);

    void Close(string why);
}

/// <summary>
/// A listener's queue: 256 messages or 1 MiB, or a single message of any size. When it is full the listener is closed; whatever it does, nobody
/// waits for it.
/// </summary>
public sealed class LiveSubscription : ILiveSource, IDisposable
{
    public const string TooSlow = "too slow";
    public const int MostMessages = 256;
    public const int MostBytes = 1 << 20;

    readonly Channel<LiveMessage> _queue = Channel.CreateBounded<LiveMessage>(new BoundedChannelOptions(MostMessages) { SingleReader = true });
    readonly Predicate<LiveMessage>? _wants;
    readonly LiveBudget _budget;
    readonly Action<LiveSubscription> _leave;
    long _queued;
    string? _closed;

    internal LiveSubscription(Predicate<LiveMessage>? wants, LiveBudget budget, Action<LiveSubscription> leave)
    {
        (_wants, _budget, _leave) = (wants, budget, leave);
        budget.Join(this);
    }

    public long QueuedBytes => Interlocked.Read(ref _queued);

    public string? Closed => Volatile.Read(ref _closed);

    public LogPosition Position { get; private set; }

    /// <summary>Whether a message of so many bytes can be put in; one that is closed holds nobody up.</summary>
    public bool HasRoomFor(int bytes) => Closed is not null || ((QueuedBytes + bytes <= MostBytes || _queue.Reader.Count == 0) && _queue.Reader.Count < MostMessages);

    /// <summary>Puts a message in, or closes the listener.</summary>
    /// <param name="always">Not news but a word to this listener alone, whatever it wants.</param>
    public void Offer(LiveMessage message, bool always = false)
    {
        if (Closed is not null || (!always && _wants?.Invoke(message) == false)) return;
        var size = message.Bytes.Length;
        _budget.Take(size);
        if ((Interlocked.Add(ref _queued, size) > MostBytes && _queue.Reader.Count > 0) || !_queue.Writer.TryWrite(message))
        {
            Release(size);
            Close(TooSlow);
        }
    }

    /// <summary>What waited is let go of at once: a listener that does not read may be long in leaving.</summary>
    public void Close(string why)
    {
        if (Interlocked.CompareExchange(ref _closed, why, null) is not null) return;
        _queue.Writer.TryComplete();
        while (_queue.Reader.TryRead(out var message)) Release(message.Bytes.Length);
    }

    public async ValueTask<LiveMessage?> NextAsync(CancellationToken ct)
    {
        return Closed is null && await _queue.Reader.WaitToReadAsync(ct) ? Take() : null;
    }

    /// <summary>Waits for a message and leaves it where it is; false when it was closed.</summary>
    internal ValueTask<bool> WaitAsync(CancellationToken ct) => _queue.Reader.WaitToReadAsync(ct);

    /// <summary>The message that waits; null when none does, or it was closed.</summary>
    internal LiveMessage? Take()
    {
        if (Closed is not null || !_queue.Reader.TryRead(out var message)) return null;
        Release(message.Bytes.Length);
        if (message.Position > Position) Position = message.Position;
        return message;
    }

    public void Dispose()
    {
        _leave(this);
        _budget.Leave(this);
        Close("left");
    }

    void Release(int bytes)
    {
        Interlocked.Add(ref _queued, -bytes);
        _budget.Give(bytes);
    }
}

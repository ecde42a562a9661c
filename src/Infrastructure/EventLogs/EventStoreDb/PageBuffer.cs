using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>
/// Between the subscription, which must be drained or the server ends it, and the follower, which takes its time: a bounded queue that is taken
/// from in pages, and that knows when a page reaches the head.
/// </summary>
/// <remarks>
/// While the server catches up, a page goes out only when something stands behind it, so that the one that turns out to be the last can say
/// so. Once it is live, whatever is here goes out, but an append whole: its first half is never the head.
/// </remarks>
sealed class PageBuffer
{
    const int PageEvents = 1_000, MostEvents = 4_096;

    readonly int _pageBytes;
    readonly Lock _gate = new();
    readonly Queue<(LogRecord Record, int Left)> _queue = new();
    TaskCompletionSource _arrived = New(), _left = New();
    long _bytes;
    int _whole;
    bool _live, _saidHead;
    Exception? _failure;
    LogPosition _last;

    public PageBuffer(LogPosition after, int pageBytes) => (_last, _pageBytes) = (after, pageBytes);

    /// <summary>Waits while the buffer is full.</summary>
    public async ValueTask AddAsync(LogRecord record, int left, CancellationToken ct)
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (!IsFull)
                {
                    _queue.Enqueue((record, left));
                    _bytes += record.Header.Length + record.Content.Length;
                    if (left == 0) _whole = _queue.Count;
                    _arrived.TrySetResult();
                    return;
                }
                room = Renewed(ref _left);
            }
            await room.WaitAsync(ct);
        }
    }

    /// <summary>Nothing stands behind what was added.</summary>
    public void CaughtUp() => Live(true);

    /// <summary>There may be something behind what was added, until it is caught up again.</summary>
    public void Interrupted() => Live(false);

    /// <summary>No more will come; what is here is given out first.</summary>
    public void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure = failure;
            _arrived.TrySetResult();
        }
    }

    public async ValueTask<LogPage> TakeAsync(CancellationToken ct)
    {
        while (true)
        {
            Task news;
            lock (_gate)
            {
                if (TryTake() is { } page) return page;
                if (_failure is { } failure && _queue.Count == 0) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
                news = Renewed(ref _arrived);
            }
            await news.WaitAsync(ct);
        }
    }

    bool IsFull => _queue.Count >= MostEvents || _bytes >= 4L * _pageBytes;

    void Live(bool live)
    {
        lock (_gate)
        {
            _live = live;
            _arrived.TrySetResult();
        }
    }

    LogPage? TryTake()
    {
        var takable = _failure is not null || IsFull ? _queue.Count : _live ? _whole : _queue.Count - 1;
        // Still catching up, pages are made full: there is always something on its way.
        if (!_live && _failure is null && _queue.Count <= PageEvents && _bytes <= _pageBytes) takable = 0;
        var (records, bytes) = (new List<LogRecord>(Math.Clamp(takable, 0, PageEvents)), 0L);
        while (records.Count < Math.Min(takable, PageEvents) && bytes < _pageBytes)
        {
            var record = _queue.Dequeue().Record;
            bytes += record.Header.Length + record.Content.Length;
            records.Add(record);
        }
        _bytes -= bytes;
        _whole = Math.Max(0, _whole - records.Count);
        if (records.Count > 0)
        {
            _last = records[^1].Position;
            _left.TrySetResult();
        }
        var atHead = _live && _queue.Count == 0 && _failure is null;
        if (records.Count == 0 && (!atHead || _saidHead)) return null;
        _saidHead = atHead;
        return new(records, _last, atHead);
    }

    static Task Renewed(ref TaskCompletionSource signal)
    {
        if (signal.Task.IsCompleted) signal = New();
        return signal.Task;
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

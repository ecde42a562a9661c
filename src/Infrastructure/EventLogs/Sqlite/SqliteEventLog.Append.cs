using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

public sealed partial class SqliteEventLog
{
    const int GroupEvents = 2_000;
    const long GroupBytes = 8L << 20;
    const long QueueBytes = 64L << 20;
    const int EventOverhead = 128;
    /// <summary>No stream is ever here, so nothing is written there; known ids are answered all the same.</summary>
    const long Nowhere = long.MaxValue;

    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(5), s_whenThereIsSpace = TimeSpan.FromSeconds(60), s_betweenOpenings = TimeSpan.FromMilliseconds(250);

    readonly object _gate = new();
    readonly Queue<Waiting> _queue = new();
    readonly Refusals _refused = new();
    long _bytesInFlight;
    bool _writerIdle;
    volatile bool _closing;
    long _failedAt;

    /// <summary>
    /// One append on its way, and the task its caller waits for. Callers of one transaction go on together, in one turn of the thread pool: a
    /// turn for each would cost more than the append. The writer's thread is for writing.
    /// </summary>
    sealed class Waiting(StreamName stream, long expected, LogEvent[] events, long bytes) : TaskCompletionSource<Appended>
    {
        public StreamName Stream => stream;
        public long Expected => expected;
        public LogEvent[] Events => events;
        public long Bytes => bytes;
        public Appended? Answer { get; set; }
        /// <summary>It was made to follow an append that was refused, so it must not be written, wherever the stream is.</summary>
        public bool FollowsRefused { get; set; }
    }

    /// <summary>Transactions committed since it was opened.</summary>
    internal long Commits { get; private set; }

    /// <summary>A bound on the file, in pages, for as long as it is set: stands for a full disk.</summary>
    internal int? PageLimit { get; set; }

    /// <summary>Runs on the writer's thread when all is written but the commit: stands for a disk that fails or hangs there.</summary>
    internal Action? AtCommit { get; set; }

    public Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<Appended>(ct);
        LogEvent[] mine = [.. events];
        long bytes = EventOverhead;
        foreach (var added in mine) bytes += EventOverhead + added.Header.Length + added.Content.Length;
        if (bytes > QueueBytes) throw new ArgumentException($"An append of {bytes} bytes; the most is {QueueBytes}.", nameof(events));

        var waiting = new Waiting(stream, expected, mine, bytes);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closing, this);
            if (_bytesInFlight > 0 && _bytesInFlight + bytes > QueueBytes)
                return Task.FromException<Appended>(new LogUnavailable("More is waiting to be written than fits in memory.", TimeSpan.FromSeconds(1)));
            _bytesInFlight += bytes;
            waiting.FollowsRefused = _refused.Follows(stream, expected);
            _queue.Enqueue(waiting);
            if (_writerIdle) Monitor.Pulse(_gate);
        }
        return ct.CanBeCanceled ? waiting.Task.WaitAsync(ct) : waiting.Task;
    }

    void WriteUntilClosed()
    {
        var group = new List<Waiting>(256);
        while (TakeGroup(group))
        {
            Exception? failure = null;
            try
            {
                WriteGroup(group);
            }
            catch (Exception caught)
            {
                // Whatever it was, nothing of this transaction may be believed, and this thread must not die of it.
                failure = Unavailable(caught);
                Abandon();
            }
            Release(group);
            if (failure is null) Wake();
            var answered = group;
            ThreadPool.UnsafeQueueUserWorkItem(_ => Answer(answered, failure), null);
            if (failure is null) Checkpoint();
            LetThemReturn(group.Count);
            group = new(answered.Count);
        }
    }

    /// <summary>
    /// Who was just answered often has the next append at hand. To start at once with the first of them would make every other transaction a
    /// small one; so as long as they keep coming, and are fewer than before, they are let in. Microseconds, against an fsync saved.
    /// </summary>
    void LetThemReturn(int before)
    {
        var (seen, patience) = (0, 100);
        while (before > 1 && patience-- > 0)
        {
            int now;
            lock (_gate) now = _queue.Count;
            if (now >= before) return;
            if (now > seen) (seen, patience) = (now, 100);
            Thread.Yield();
        }
    }

    bool TakeGroup(List<Waiting> group)
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                if (_closing) return false;
                _writerIdle = true;
                Monitor.Wait(_gate);
                _writerIdle = false;
            }
            var (events, bytes) = (0, 0L);
            while (_queue.TryPeek(out var next) && (group.Count == 0 || (events + next.Events.Length <= GroupEvents && bytes + next.Bytes <= GroupBytes)))
            {
                group.Add(_queue.Dequeue());
                events += next.Events.Length;
                bytes += next.Bytes;
            }
            return true;
        }
    }

    void WriteGroup(List<Waiting> group)
    {
        var writer = _writer ??= OpenAgain();
        writer.Limit(PageLimit);
        writer.Begin();
        for (var i = 0; i < group.Count; i++)
        {
            var waiting = group[i];
            waiting.Answer = writer.Write(waiting.Stream, waiting.FollowsRefused ? Nowhere : waiting.Expected, waiting.Events);
            if (waiting.Answer is null) Refused(waiting, group.Skip(i + 1));
        }
        AtCommit?.Invoke();
        writer.Commit();
        Commits++;
    }

    /// <summary>Told before its caller hears of it, so that nothing slips in between.</summary>
    void Refused(Waiting refused, IEnumerable<Waiting> behind)
    {
        lock (_gate)
        {
            _refused.Add(refused.Stream, refused.Expected);
            foreach (var waiting in behind.Concat(_queue))
                if (waiting.Stream == refused.Stream && waiting.Expected > refused.Expected) waiting.FollowsRefused = true;
        }
    }

    /// <summary>Refusals wait for the commit like everything else: they may rest on what was written in the same transaction.</summary>
    static void Answer(List<Waiting> group, Exception? failure)
    {
        foreach (var waiting in group)
        {
            if (failure is not null) waiting.SetException(failure);
            else if (waiting.Answer is { } answer) waiting.SetResult(answer);
            else waiting.SetException(new StreamMoved(waiting.Stream, waiting.Expected));
        }
    }

    void Release(List<Waiting> group)
    {
        var bytes = 0L;
        foreach (var waiting in group) bytes += waiting.Bytes;
        lock (_gate) _bytesInFlight -= bytes;
    }

    void Checkpoint()
    {
        try
        {
            _writer!.CheckpointIfDue();
        }
        catch (SqliteFailure)
        {
            // Nothing that was answered is touched by it: the WAL still holds it, and opening again moves it, or refuses by name.
            Abandon();
        }
    }

    void Abandon()
    {
        _writer?.Dispose();
        _writer = null;
    }

    LogWriter OpenAgain()
    {
        // A disk that fails at once must not be asked again by every group of a busy second.
        if (_failedAt != 0 && _time.GetElapsedTime(_failedAt) < s_betweenOpenings) throw new LogUnavailable("The log could not be opened again just now.", s_soon);
        _failedAt = _time.GetTimestamp();
        var writer = new LogWriter(_path, again: true);
        if (writer.Id != Id)
        {
            writer.Dispose();
            throw new NotALog(_path, "another log was put in its place");
        }
        _failedAt = 0;
        return writer;
    }

    static LogUnavailable Unavailable(Exception cause) => cause switch
    {
        LogUnavailable already => already,
        SqliteFailure { IsFull: true } => new("The log's disk is full.", s_whenThereIsSpace, cause),
        _ => new("The log could not be written.", s_soon, cause),
    };
}

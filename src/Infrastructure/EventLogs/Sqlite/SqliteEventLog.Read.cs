using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

public sealed partial class SqliteEventLog
{
    const int PageEvents = 1_000;

    public async IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, [EnumeratorCancellation] CancellationToken ct)
    {
        from = Math.Max(0, from);
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var (records, done) = Read(static (reader, at) => reader.Stream(at.stream, at.from, PageEvents, IEventLog.PageBytes), (stream, from));
            foreach (var record in records) yield return record;
            if (done) yield break;
            from = records[^1].Revision + 1;
            await Task.Yield();
        }
    }

    public Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct)
    {
        // Who reads the tail decides on it: what was made to follow a refused append is behind him.
        lock (_gate) _refused.Forget(stream);
        return Answered<IReadOnlyList<LogRecord>>(() => Read(static (reader, at) => reader.Tail(at.stream, at.count), (stream, count)), ct);
    }

    public Task<LogRecord?> AtAsync(LogPosition position, CancellationToken ct) =>
        Answered(() => position <= LogPosition.Start ? null : Read(static (reader, at) => reader.Page(at.Value - 1, 1, 1), position).Records is [var record] ? record : null, ct);

    public Task<LogPosition> HeadAsync(CancellationToken ct) => Answered(() => new LogPosition(Read(static (reader, _) => reader.Head(), 0)), ct);

    /// <summary>This engine's positions are dense, so here the difference is the count.</summary>
    public async Task<long> CountAsync(LogPosition after, CancellationToken ct) => Math.Max(0, (await HeadAsync(ct)).Value - after.Value);

    /// <summary>SQLite reads on the caller's thread; what it throws belongs into the task all the same.</summary>
    static Task<T> Answered<T>(Func<T> read, CancellationToken ct)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<T>(ct);
        try
        {
            return Task.FromResult(read());
        }
        catch (Exception failure)
        {
            return Task.FromException<T>(failure);
        }
    }
}

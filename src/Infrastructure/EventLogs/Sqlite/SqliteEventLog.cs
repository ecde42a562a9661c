using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

/// <summary>The log in one SQLite file: nothing but this process is needed.</summary>
/// <remarks>
/// <para>One thread writes. What arrives while it waits for the disk becomes the next transaction, so the more callers there are the less an fsync
/// costs each (group commit). An append is decided inside that transaction, against heads that only this thread changes.</para>
/// <para>Invariants: an answer goes out only after COMMIT came back with synchronous=FULL. A position is given by the writer, one after the other,
/// and committed in that order, so a reader's snapshot has no holes and nothing appears behind it. Events are never changed nor removed.</para>
/// <para>After a crash, wherever it happened: before COMMIT returned, the transaction is in the WAL as a whole or not at all, nobody had an answer, and
/// the same ids can be sent again; after it, everything is there. A crash during a checkpoint leaves the WAL whole, and opening moves it again.</para>
/// <para>After a failed write or fsync: everyone in that transaction is told <see cref="LogUnavailable"/>, none of it is believed, and the connection is
/// closed. The next group opens the file again and reads the heads from disk; see <see cref="LogFile"/> for why no fsync is ever repeated in
/// hope. Readers have connections of their own and go on.</para>
/// <para>An append's bytes belong to the log until its task is done, even if the caller stopped waiting.</para>
/// </remarks>
public sealed partial class SqliteEventLog : IEventLog, IAsyncDisposable
{
    const int MostIdleReaders = 4;

    readonly string _path;
    readonly TimeProvider _time;
    readonly ConcurrentBag<LogReader> _readers = [];
    readonly Thread _thread;
    LogWriter? _writer;

    SqliteEventLog(string path, TimeProvider time, LogWriter writer)
    {
        (_path, _time, _writer, Id) = (path, time, writer, writer.Id);
        _thread = new(WriteUntilClosed) { IsBackground = true, Name = "log writer" };
        _thread.Start();
    }

    public Guid Id { get; }

    /// <summary>One queue and one writer.</summary>
    public bool KeepsStartOrder => true;

    /// <summary>Opens the log at a path; makes it when there is nothing yet.</summary>
    /// <exception cref="NotALog">There is something else, or a log this release must not write to.</exception>
    public static SqliteEventLog Open(string path, TimeProvider time)
    {
        LogFile.CreateIfMissing(path);
        var log = new SqliteEventLog(path, time, new(path, again: false));
        try
        {
            // A damaged end shows now and by its position, not with the first reader.
            log.Read(static (reader, _) => reader.Page(Math.Max(0, reader.Head() - 1), 1, long.MaxValue), 0);
            return log;
        }
        catch
        {
            log.Close();
            throw;
        }
    }

    /// <summary>What was accepted is still written and answered; nothing more is accepted.</summary>
    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    void Close()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
        Wake();
        // The writer last: the last connection to close moves the WAL into the file and removes it, and a reader cannot.
        while (_readers.TryTake(out var reader)) reader.Dispose();
        Abandon();
    }

    /// <summary>Lends a reader to a read. One that failed is not lent again.</summary>
    T Read<T, TArgument>(Func<LogReader, TArgument, T> read, TArgument argument)
    {
        ObjectDisposedException.ThrowIf(_closing, this);
        LogReader? reader = null;
        try
        {
            if (!_readers.TryTake(out reader)) reader = new(_path);
            var answer = read(reader, argument);
            if (_readers.Count < MostIdleReaders && !_closing)
            {
                _readers.Add(reader);
                reader = null;
            }
            return answer;
        }
        catch (SqliteFailure failure)
        {
            throw failure.IsDamage
                ? new LogDamaged(LogPosition.Start, failure.Message)
                : new LogUnavailable("The log cannot be read.", s_soon, failure);
        }
        finally
        {
            reader?.Dispose();
        }
    }
}

using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

/// <summary>
/// A read-only connection. Whatever it hands out was checked against its checksum first, and against its neighbours: positions and revisions
/// of this engine are dense, so an event that a damaged page hides leaves a gap, and a gap is damage.
/// </summary>
sealed class LogReader : IDisposable
{
    const string Columns = "SELECT position, stream, revision, event_id, type, header, content, crc FROM events ";

    readonly Database _database;
    readonly Statement _page, _stream, _tail, _findStream, _nameOf, _head;
    readonly Recent<long, Named> _streams = new(4096);

    sealed record Named(StreamName Name, uint Seed);

    public LogReader(string path)
    {
        _database = LogFile.OpenForReading(path);
        _page = _database.Prepare(Columns + "WHERE position > ?1 ORDER BY position");
        _stream = _database.Prepare(Columns + "WHERE stream = ?1 AND revision >= ?2 ORDER BY revision");
        _tail = _database.Prepare(Columns + "WHERE stream = ?1 ORDER BY revision DESC LIMIT ?2");
        _findStream = _database.Prepare("SELECT id FROM streams WHERE name = ?1");
        _nameOf = _database.Prepare("SELECT name FROM streams WHERE id = ?1");
        _head = _database.Prepare("SELECT max(position) FROM events");
    }

    public long Head()
    {
        _head.Step();
        var head = _head.Long(0);
        _head.Reset();
        return head;
    }

    /// <summary>What stands after a position, up to the limits; done: nothing stood after it.</summary>
    public (List<LogRecord> Records, bool Done) Page(long after, int count, long bytes)
    {
        _page.Bind(1, after);
        return Read(_page, count, bytes, after + 1, step: 1, static record => record.Position.Value,
            static (_, missing) => new(new(missing), "it is missing."));
    }

    public (List<LogRecord> Records, bool Done) Stream(StreamName stream, long from, int count, long bytes)
    {
        if (!Find(stream)) return ([], true);
        _stream.Bind(2, from);
        return Read(_stream, count, bytes, from, step: 1, static record => record.Revision, MissingInStream);
    }

    public List<LogRecord> Tail(StreamName stream, int count)
    {
        if (!Find(stream)) return [];
        _tail.Bind(2, count);
        return Read(_tail, count, long.MaxValue, null, step: -1, static record => record.Revision, MissingInStream).Records;
    }

    bool Find(StreamName stream)
    {
        if (!_findStream.Bind(1, stream.Value).Step()) return false;
        var id = _findStream.Long(0);
        _findStream.Reset();
        _stream.Bind(1, id);
        _tail.Bind(1, id);
        return true;
    }

    static LogDamaged MissingInStream(LogRecord beside, long missing) => new(beside.Position, $"revision {missing} of stream {beside.Stream} is missing beside it.");

    (List<LogRecord> Records, bool Done) Read(
        Statement rows, int count, long bytes, long? expected, int step, Func<LogRecord, long> place, Func<LogRecord, long, LogDamaged> missing)
    {
        var records = new List<LogRecord>(Math.Min(count, 64));
        try
        {
            while (rows.Step())
            {
                if (records.Count >= count || bytes <= 0) return (records, false);
                var record = Row(rows);
                if (expected is { } right && place(record) != right) throw missing(record, right);
                expected = place(record) + step;
                bytes -= record.Header.Length + record.Content.Length;
                records.Add(record);
            }
            return (records, true);
        }
        catch (SqliteFailure failure) when (failure.IsDamage)
        {
            throw new LogDamaged(new(records.Count > 0 ? records[^1].Position.Value + 1 : expected ?? 0), failure.Message);
        }
        finally
        {
            rows.Reset();
        }
    }

    LogRecord Row(Statement row)
    {
        var position = new LogPosition(row.Long(0));
        var (streamId, revision) = (row.Long(1), row.Long(2));
        ReadOnlySpan<byte> id = row.Blob(3), type = row.Blob(4), header = row.Blob(5), content = row.Blob(6);
        var stream = NameOf(streamId) ?? throw new LogDamaged(position, $"it names stream {streamId}, which is not there.");
        if (id.Length != 16 || Checksum.OfEvent(stream.Seed, position.Value, revision, id, type, header, content) != row.Long(7))
            throw new LogDamaged(position, "its bytes do not match their checksum.");

        var copy = GC.AllocateUninitializedArray<byte>(header.Length + content.Length);
        header.CopyTo(copy);
        content.CopyTo(copy.AsSpan(header.Length));
        return new(stream.Name, revision, position, new(id, bigEndian: true), KnownTexts.Of(type), copy.AsMemory(0, header.Length), copy.AsMemory(header.Length));
    }

    Named? NameOf(long id)
    {
        if (_streams.Find(id) is { } known) return known;
        if (!_nameOf.Bind(1, id).Step()) return null;
        var name = _nameOf.Text(0) ?? "";
        _nameOf.Reset();
        var named = new Named(new(name), Checksum.OfStream(id, name));
        _streams.Add(id, named);
        return named;
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _page, _stream, _tail, _findStream, _nameOf, _head }) statement.Dispose();
        _database.Dispose();
    }
}

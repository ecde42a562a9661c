using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

/// <summary>
/// The one connection that writes, and what it remembers of the file: the next position and the heads of the streams in use. Its memory is only
/// right while every transaction commits. After any failure it is thrown away as a whole and made again from disk, never repaired.
/// </summary>
sealed class LogWriter : IDisposable
{
    const int CheckpointAfterPages = 4000;

    readonly Database _database;
    readonly Statement _begin, _commit, _findStream, _addStream, _addEvent, _findEvent;
    readonly Recent<string, StreamHead> _heads = new(32_768);
    readonly Recent<string, byte[]> _types = new(256);
    long _next;
    int _checkpointed;
    int? _limit;

    public LogWriter(string path, bool again)
    {
        _database = LogFile.OpenForWriting(path, again);
        try
        {
            _begin = _database.Prepare("BEGIN IMMEDIATE");
            _commit = _database.Prepare("COMMIT");
            _findStream = _database.Prepare("""
                SELECT id, coalesce((SELECT max(revision) FROM events WHERE stream = streams.id), -1) FROM streams WHERE name = ?1
                """);
            _addStream = _database.Prepare("INSERT INTO streams(name) VALUES(?1)");
            _addEvent = _database.Prepare("""
                INSERT INTO events(position, stream, revision, event_id, type, header, content, crc) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT(stream, event_id) DO NOTHING
                """);
            _findEvent = _database.Prepare("SELECT revision, position FROM events WHERE stream = ?1 AND event_id = ?2");
            Id = LogFile.IdOf(_database);
            _next = _database.Long("SELECT max(position) FROM events") + 1;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Guid Id { get; }
    public Database Database => _database;

    public void Limit(int? pages)
    {
        if (pages == _limit) return;
        _database.Exec($"PRAGMA max_page_count={pages ?? 1073741823}");
        _limit = pages;
    }

    public void Begin() => _begin.Run();

    public void Commit() => _commit.Run();

    /// <summary>Writes what is new of an append, or nothing; null: the stream is elsewhere. Only <see cref="Commit"/> makes any of it true.</summary>
    public Appended? Write(StreamName stream, long expected, LogEvent[] events)
    {
        var head = Find(stream.Value);
        if ((head?.Revision ?? -1) != expected) return head is null ? null : Known(head, events);
        if (events.Length == 0) return new([]);

        head ??= Add(stream.Value);
        var places = new Place[events.Length];
        for (var i = 0; i < events.Length; i++) places[i] = Write(head, events[i]);
        return new(places);
    }

    /// <summary>
    /// Moves the WAL into the file once it is long enough. After answers are out, so nobody waits for it; a failure makes the
    /// writer be thrown away like any other.
    /// </summary>
    public void CheckpointIfDue()
    {
        var written = _database.PagesWritten;
        if (written - _checkpointed < CheckpointAfterPages) return;
        _database.Exec("PRAGMA wal_checkpoint(PASSIVE)");
        _checkpointed = written;
    }

    public void Dispose()
    {
        foreach (var statement in new[] { _begin, _commit, _findStream, _addStream, _addEvent, _findEvent }) statement?.Dispose();
        _database.Dispose();
    }

    Place Write(StreamHead head, in LogEvent added)
    {
        Span<byte> id = stackalloc byte[16];
        added.Id.TryWriteBytes(id, bigEndian: true, out _);
        var (position, revision, type) = (_next, head.Revision + 1, Utf8Of(added.Type));
        _addEvent.Bind(1, position).Bind(2, head.Id).Bind(3, revision).BindBlob(4, id).BindUtf8(5, type)
            .BindBlob(6, added.Header.Span).BindBlob(7, added.Content.Span)
            .Bind(8, (long)Checksum.OfEvent(head.Seed, position, revision, id, type, added.Header.Span, added.Content.Span))
            .Run();
        // The unique index is the check for known ids: asking first would search it twice for every event.
        if (_database.Changes == 0) return PlaceOf(head, added.Id) ?? throw new InvalidOperationException("An event id is in the index and not in the log.");
        _next++;
        head.Revision = revision;
        return new(revision, new(position), Known: false);
    }

    Appended? Known(StreamHead head, LogEvent[] events)
    {
        if (events.Length == 0) return null;
        var places = new Place[events.Length];
        for (var i = 0; i < events.Length; i++)
        {
            if (PlaceOf(head, events[i].Id) is not { } place) return null;
            places[i] = place;
        }
        return new(places);
    }

    Place? PlaceOf(StreamHead head, Guid eventId)
    {
        Span<byte> id = stackalloc byte[16];
        eventId.TryWriteBytes(id, bigEndian: true, out _);
        if (!_findEvent.Bind(1, head.Id).BindBlob(2, id).Step()) return null;
        var place = new Place(_findEvent.Long(0), new(_findEvent.Long(1)), Known: true);
        _findEvent.Reset();
        return place;
    }

    StreamHead? Find(string name)
    {
        if (_heads.Find(name) is { } known) return known;
        if (!_findStream.Bind(1, name).Step()) return null;
        var (id, revision) = (_findStream.Long(0), _findStream.Long(1));
        _findStream.Reset();
        return Remember(name, id, revision);
    }

    StreamHead Add(string name)
    {
        _addStream.Bind(1, name).Run();
        return Remember(name, _database.LastRowId, -1);
    }

    StreamHead Remember(string name, long id, long revision)
    {
        var head = new StreamHead(id, revision, Checksum.OfStream(id, name));
        _heads.Add(name, head);
        return head;
    }

    byte[] Utf8Of(string type)
    {
        if (_types.Find(type) is { } known) return known;
        var utf8 = Encoding.UTF8.GetBytes(type);
        _types.Add(type, utf8);
        return utf8;
    }
}

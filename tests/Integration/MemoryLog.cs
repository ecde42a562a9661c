using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Integration;

/// <summary>A log that keeps what a door test looks at: streams, revisions, known ids. It forgets all when it goes.</summary>
sealed class MemoryLog : IEventLog
{
    readonly ConcurrentDictionary<StreamName, List<LogRecord>> _streams = new();
    readonly List<LogRecord> _all = [];

    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>Makes the next appends fail with this, after nothing was written.</summary>
    public Exception? Fault { get; set; }

    public IReadOnlyList<LogRecord> All
    {
        get { lock (_all) return [.. _all]; }
    }

    public Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        lock (_all)
        {
            if (Fault is { } fault) return Task.FromException<Appended>(fault);
            var records = _streams.GetOrAdd(stream, _ => []);
            var known = events.Select(e => records.Find(r => r.Id == e.Id)).ToList();
            if (known.All(k => k is not null)) return Task.FromResult(new Appended([.. known.Select(k => new Place(k!.Revision, k.Position, true))]));
            if (records.Count - 1 != expected) return Task.FromException<Appended>(new StreamMoved(stream, expected));

            var places = new List<Place>();
            foreach (var e in events)
            {
                var record = new LogRecord(stream, records.Count, new(_all.Count + 1), e.Id, e.Type, e.Header.ToArray(), e.Content.ToArray());
                records.Add(record);
                _all.Add(record);
                places.Add(new(record.Revision, record.Position, false));
            }
            return Task.FromResult(new Appended(places));
        }
    }

    public async IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Yield();
        foreach (var record in All.Where(r => r.Stream == stream && r.Revision >= from)) yield return record;
    }

    public Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<LogRecord>>([.. All.Where(r => r.Stream == stream).Reverse().Take(count)]);

    public IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, CancellationToken ct) => throw new NotSupportedException("Door tests do not follow.");

    public Task<LogPosition> HeadAsync(CancellationToken ct) => Task.FromResult(new LogPosition(All.Count));

    public Task<long> CountAsync(LogPosition after, CancellationToken ct) => Task.FromResult(All.Count - after.Value);
}

using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Integration.WhyOps;

/// <summary>A log that keeps the promises the write side stands on, in a list. It forgets everything with the process.</summary>
internal sealed class InMemoryLog : IEventLog
{
    readonly List<LogRecord> _records = [];
    readonly Lock _lock = new();

    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>Set: every append fails with it, and nothing is written.</summary>
    public Exception? Failure { get; set; }

    public IReadOnlyList<Fact> Facts
    {
        get { lock (_lock) return [.. _records.Select(Fact.Of)]; }
    }

    public async Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        await Task.Yield();
        if (Failure is not null) throw Failure;
        lock (_lock)
        {
            var there = _records.Where(r => r.Stream == stream).ToList();
            var known = events.Select(e => there.FirstOrDefault(r => r.Id == e.Id)).ToList();
            if (events.Count > 0 && known.All(r => r is not null)) return new([.. known.Select(r => new Place(r!.Revision, r.Position, true))]);
            if (there.Count - 1 != expected) throw new StreamMoved(stream, expected);

            var places = new List<Place>();
            foreach (var (e, first) in events.Zip(known))
            {
                var record = first ?? new(stream, there.Count, new(_records.Count + 1), e.Id, e.Type, e.Header, e.Content);
                places.Add(new(record.Revision, record.Position, first is not null));
                if (first is not null) continue;
                there.Add(record);
                _records.Add(record);
            }
            return new(places);
        }
    }

    public async IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Yield();
        foreach (var record in Of(stream).Where(r => r.Revision >= from)) yield return record;
    }

    public async Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct)
    {
        await Task.Yield();
        return [.. Of(stream).AsEnumerable().Reverse().Take(count)];
    }

    public IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, CancellationToken ct) => throw new NotSupportedException();

    public Task<LogPosition> HeadAsync(CancellationToken ct)
    {
        lock (_lock) return Task.FromResult(new LogPosition(_records.Count));
    }

    List<LogRecord> Of(StreamName stream)
    {
        lock (_lock) return [.. _records.Where(r => r.Stream == stream)];
    }
}

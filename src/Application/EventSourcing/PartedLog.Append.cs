using System.Collections.Concurrent;

namespace Hindcast.Application.EventSourcing;

public sealed partial class PartedLog
{
    readonly Lock _gate = new();
    readonly Dictionary<StreamName, Task> _busy = [];
    readonly ConcurrentDictionary<StreamName, bool> _orphaned = new();
    volatile int _busyStreams;

    public Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<Appended>(ct);
        var big = Prepare(ref events);
        if (!big && _busyStreams == 0) return WholeAsync(stream, expected, events, ct);

        Task<Appended> done;
        lock (_gate)
        {
            var before = _busy.GetValueOrDefault(stream);
            if (!big && before is null) return WholeAsync(stream, expected, events, ct);
            done = InTurnAsync(before, stream, expected, events);
            _busy[stream] = done;
            _busyStreams = _busy.Count;
        }
        _ = ReleaseAsync(stream, done);
        return done.WaitAsync(ct);
    }

    /// <summary>True: one of them must be parted. Content that begins like a manifest gets its mark here.</summary>
    static bool Prepare(ref IReadOnlyList<LogEvent> events)
    {
        var (big, mine) = (false, (LogEvent[]?)null);
        for (var i = 0; i < events.Count; i++)
        {
            var added = events[i];
            if (added.Type == Manifest.PartType) throw new ArgumentException($"The type {Manifest.PartType} is the log's own.", nameof(events));
            if (added.Content.Length > WholeUpTo) big = true;
            else if (Manifest.Marks(added.Content.Span)) (mine ??= [.. events])[i] = added with { Content = Manifest.Marked(added.Content.Span) };
        }
        events = mine ?? events;
        return big;
    }

    /// <summary>Nobody's cancellation stops it halfway: the caller's only ends the waiting.</summary>
    async Task<Appended> InTurnAsync(Task? before, StreamName stream, long expected, IReadOnlyList<LogEvent> events)
    {
        if (before is not null) await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        var places = new List<Place>(events.Count);
        var end = expected;
        for (var i = 0; i < events.Count;)
        {
            if (events[i].Content.Length > WholeUpTo)
            {
                var place = await BigAsync(stream, end, events[i]);
                places.Add(place);
                end = EndAfter(end, place, SlotsOf(events[i].Content.Length));
                i++;
                continue;
            }
            var from = i;
            while (i < events.Count && events[i].Content.Length <= WholeUpTo) i++;
            var run = from == 0 && i == events.Count ? events : [.. events.Skip(from).Take(i - from)];
            foreach (var place in (await AtEndAsync(stream, end, run, CancellationToken.None)).Places)
            {
                places.Add(place);
                end = EndAfter(end, place, slots: 1);
            }
        }
        return new(places);
    }

    /// <summary>A known event directly behind the end is this append's own, from an attempt that broke off: it counts as written.</summary>
    static long EndAfter(long end, Place place, int slots) => !place.Known || place.Revision == end + slots ? place.Revision : end;

    async Task<Place> BigAsync(StreamName stream, long expected, LogEvent big)
    {
        LogEvent[] fact = [big with { Content = Manifest.Write(big.Content.Length) }];
        try
        {
            return (await inner.AppendAsync(stream, Nowhere, fact, CancellationToken.None)).Places[0];
        }
        catch (StreamMoved)
        {
            // It is not known: the answer hoped for.
        }

        var end = expected;
        for (var offset = 0; offset < big.Content.Length; offset += PartSize)
        {
            LogEvent[] part = [new(Guid.CreateVersion7(), Manifest.PartType, default, big.Content.Slice(offset, Math.Min(PartSize, big.Content.Length - offset)))];
            // Only the first may find orphans before it; behind our own parts there is nothing to step over.
            var written = offset == 0 ? await AtEndAsync(stream, end, part, CancellationToken.None) : await inner.AppendAsync(stream, end, part, CancellationToken.None);
            end = written.Places[0].Revision;
        }
        return (await inner.AppendAsync(stream, end, fact, CancellationToken.None)).Places[0];
    }

    /// <summary>Whoever was refused reads the tail, and the tail shows orphans: so the common append is the engine's own, with nothing around it.</summary>
    Task<Appended> WholeAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct) =>
        _orphaned.IsEmpty || !_orphaned.TryRemove(stream, out _) ? inner.AppendAsync(stream, expected, events, ct) : AtEndAsync(stream, expected, events, ct);

    /// <summary>An append at the last fact the caller can see, even if orphaned parts stand behind it.</summary>
    async Task<Appended> AtEndAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        try
        {
            return await inner.AppendAsync(stream, expected, events, ct);
        }
        catch (StreamMoved)
        {
            if (await EndBehindAsync(stream, expected, ct) is not { } end) throw;
            return await inner.AppendAsync(stream, end, events, ct);
        }
    }

    /// <summary>The stream's last revision, if a fact stands at <paramref name="expected"/> and only parts behind it.</summary>
    async Task<long?> EndBehindAsync(StreamName stream, long expected, CancellationToken ct)
    {
        var last = await inner.TailAsync(stream, 1, ct);
        if (expected < -1 || last.Count == 0 || last[0].Revision <= expected || !Manifest.IsPart(last[0])) return null;
        await foreach (var record in inner.ReadAsync(stream, Math.Max(0, expected), ct))
        {
            if (Manifest.IsPart(record) != record.Revision > expected) return null;
            if (record.Revision == last[0].Revision) break;
        }
        return last[0].Revision;
    }

    async Task ReleaseAsync(StreamName stream, Task done)
    {
        await done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_busy.GetValueOrDefault(stream) == done) _busy.Remove(stream);
            _busyStreams = _busy.Count;
        }
    }
}

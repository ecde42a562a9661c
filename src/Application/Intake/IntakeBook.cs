using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;

namespace Hindcast.Application.Intake;

/// <summary>
/// What became of all that came in, by source and minute: counted where it is answered, written down in the background. Senders wait for neither:
/// counting takes no lock.
/// </summary>
public sealed class IntakeBook(TimeProvider clock)
{
    /// <summary>Counters of minutes that lie so far back are not added to any more.</summary>
    static readonly TimeSpan Past = TimeSpan.FromHours(1);

    readonly ConcurrentDictionary<SourceKey, long[]> _counts = new();

    /// <summary>What the log made of events: each is answered as stored, as known before, or refused by its trace.</summary>
    public void Answered(Caller caller, IReadOnlyList<NewEvent> events, IReadOnlyList<Outcome> outcomes)
    {
        var now = clock.GetUtcNow();
        for (var i = 0; i < outcomes.Count; i++)
        {
            var (dialect, outcome) = (events[i].Reader.Dialect, outcomes[i]);
            if (outcome.Refused is not null) Count(caller, dialect, now, IntakeFate.Refused, 1);
            else if (outcome.Duplicate) Count(caller, dialect, now, IntakeFate.Duplicate, 1);
            // In the minute that the fact itself names, so that it stands beside it.
            else Count(caller, dialect, outcome.Header!.RecordedAt, IntakeFate.Acknowledged, 1);
        }
    }

    /// <summary>The log did not answer.</summary>
    public void Failed(Caller caller, IReadOnlyList<NewEvent> events)
    {
        foreach (var e in events) Count(caller, e.Reader.Dialect, IntakeFate.Failed, 1);
    }

    public void Count(Caller caller, string dialect, IntakeFate fate, long count) => Count(caller, dialect, clock.GetUtcNow(), fate, count);

    void Count(Caller caller, string dialect, DateTimeOffset at, IntakeFate fate, long count)
    {
        if (count == 0) return;
        var key = new SourceKey(caller.Project, BucketKey.StartOf(at.Micros(), BucketWidth.Minute), dialect, caller.KeyId);
        Interlocked.Add(ref _counts.GetOrAdd(key, static _ => new long[IntakeFates.Count])[(int)fate], count);
    }

    /// <summary>Takes out what was counted since the last time.</summary>
    internal IReadOnlyList<IntakeRow> Take()
    {
        var rows = new List<IntakeRow>();
        var past = (clock.GetUtcNow() - Past).Micros();
        foreach (var (key, counts) in _counts)
        {
            var taken = new long[counts.Length];
            for (var i = 0; i < counts.Length; i++) taken[i] = Interlocked.Exchange(ref counts[i], 0);
            if (Array.Exists(taken, count => count != 0)) rows.Add(new(key, taken));
            else if (key.Minute < past) _counts.TryRemove(key, out _);
        }
        return rows;
    }

    /// <summary>Puts back what could not be written down.</summary>
    internal void PutBack(IEnumerable<IntakeRow> rows)
    {
        foreach (var (key, taken) in rows)
        {
            var counts = _counts.GetOrAdd(key, static _ => new long[IntakeFates.Count]);
            for (var i = 0; i < taken.Count; i++) Interlocked.Add(ref counts[i], taken[i]);
        }
    }
}

/// <summary>What became of an event; of a request, where it was refused before its events were known.</summary>
public enum IntakeFate
{
    /// <summary>Answered as stored: it is durable.</summary>
    Acknowledged,
    /// <summary>It was known before; nothing was written.</summary>
    Duplicate,
    /// <summary>By its door or by its trace, with a reason.</summary>
    Refused,
    /// <summary>The log did not answer: whether it was written is unknown, and the sender was told so.</summary>
    Failed,
    /// <summary>Taken as a protocol demands, and nothing that is kept here: OTLP metrics, and log records of no trace.</summary>
    Dropped,
    /// <summary>A request as a whole: nobody knows how many events it held, and they stand in none of the others.</summary>
    RefusedRequest,
}

static class IntakeFates
{
    public static readonly int Count = Enum.GetValues<IntakeFate>().Length;
}

using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;

namespace Hindcast.Application.Intake;

/// <param name="From">The first minute in it; <paramref name="To"/> is the first one after it.</param>
/// <param name="CountedFrom">Doors count since then; what was stored before stands under stored alone.</param>
/// <param name="CountedUntil">What the doors counted until then is in it.</param>
/// <param name="Gaps">Times in which a process was killed before it could write down the last it had counted.</param>
/// <param name="Position">How far the read models are.</param>
/// <param name="LagEvents">How many events stand in the log behind that, of every project.</param>
public sealed record Completeness(
    DateTimeOffset From, DateTimeOffset To, DateTimeOffset CountedFrom, DateTimeOffset CountedUntil, IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> Gaps,
    LogPosition Position, long LagEvents, IReadOnlyList<SourceLine> Sources);

/// <summary>
/// One source. The doors' ledger: received, and of it acknowledged, duplicate, refused, failed and dropped. The log's: stored, and of it projected,
/// parked, pending and repeated.
/// </summary>
/// <param name="Dialect">Empty for facts whose header cannot be read; so is the key, and for no key.</param>
/// <param name="Pending">Not applied yet; null when there are too many to count, and then <paramref name="Stored"/> is unknown as well.</param>
/// <param name="Repeated">Facts that stand in the log a second time, and have one effect.</param>
public sealed record SourceLine(
    string Project, string Dialect, string KeyId, long Acknowledged, long Duplicate, long Refused, long Failed, long Dropped, long RefusedRequests,
    long Projected, long Repeated, long Parked, long? Pending)
{
    public long Received => Acknowledged + Duplicate + Refused + Failed + Dropped;
    public long? Stored => Projected + Repeated + Parked + Pending;
}

/// <summary>Adds up both ledgers, source by source, for some projects and minutes.</summary>
sealed class SourceLedger(IReadOnlyList<string>? projects, long from, long to)
{
    readonly Dictionary<SourceKey, SourceLine> _lines = [];
    bool _pendingUnknown;

    public void Counted(IntakeRow row) => Change(row.Key, line => line with
    {
        Acknowledged = row.Counts[(int)IntakeFate.Acknowledged], Duplicate = row.Counts[(int)IntakeFate.Duplicate], Refused = row.Counts[(int)IntakeFate.Refused],
        Failed = row.Counts[(int)IntakeFate.Failed], Dropped = row.Counts[(int)IntakeFate.Dropped], RefusedRequests = row.Counts[(int)IntakeFate.RefusedRequest],
    });

    public void Applied(SourceKey source, long stored, long projected) => Change(source, line => line with { Projected = projected, Repeated = stored - projected });

    public void Parked(LogRecord record)
    {
        if (SourceOf(record) is { } source) Change(source, line => line with { Parked = line.Parked + 1 });
    }

    public void Pending(LogRecord record)
    {
        if (SourceOf(record) is { } source) Change(source, line => line with { Pending = line.Pending + 1 });
    }

    public void PendingUnknown() => _pendingUnknown = true;

    public IReadOnlyList<SourceLine> Lines() =>
        [.. _lines.Values.OrderBy(x => x.Project, StringComparer.Ordinal).ThenBy(x => x.Dialect, StringComparer.Ordinal).ThenBy(x => x.KeyId, StringComparer.Ordinal)
            .Select(line => _pendingUnknown ? line with { Pending = null } : line)];

    public bool Asks(StreamName stream) => stream.IsTrace && projects?.Contains(stream.Project) != false;

    /// <summary>Null for what is no fact of a trace, another's, or of another time. One whose header cannot be read has no time: it is in every one.</summary>
    SourceKey? SourceOf(LogRecord record)
    {
        if (!Asks(record.Stream)) return null;
        if (Fact.TryOf(record, out _)?.Header is not { } header) return new(record.Stream.Project, 0, "", "");
        if (header.TraceId is null || Tombstones.Marks(header)) return null;
        var key = SourceKey.Of(header);
        return key.Minute >= from && key.Minute < to ? key with { Minute = 0 } : null;
    }

    void Change(SourceKey source, Func<SourceLine, SourceLine> change) =>
        _lines[source] = change(_lines.GetValueOrDefault(source) ?? new(source.Project, source.Dialect, source.KeyId, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

namespace Hindcast.Application.EventSourcing;

/// <summary>The log: every fact, in the order it was accepted. All else can be built again from it.</summary>
/// <remarks>
/// Every engine MUST keep these promises, and <c>EventLogContract</c> holds each engine to each of them:
/// <list type="number">
/// <item>An append is all or nothing.</item>
/// <item>An append to a stream that is not at <c>expected</c> fails with <see cref="StreamMoved"/> and writes nothing.</item>
/// <item>An event id that is among the stream's last 1,000 events is not written again; an append of known ids only answers like the first
/// one did, whatever revision it expected, after a restart too.</item>
/// <item>Positions grow in commit order: once a reader has seen one, nothing appears before it. They need not be dense.</item>
/// <item><see cref="FollowAsync"/> gives every event after <c>after</c>, once, in order, and then waits for more.</item>
/// <item>The first page that reaches the head says so, even if it is empty; each later page that reaches it says so again.</item>
/// <item>What was acknowledged survives the death of the process and of the machine.</item>
/// <item>What is read is what was written, or the read fails with <see cref="LogDamaged"/> and names the position.</item>
/// <item>Appends to one stream that are started in order are written in order, so a caller may start the next before the last is done; when one
/// is refused, those made to follow it are too, until the stream's tail is read.</item>
/// <item>Any other failure of an append means: unknown. Sending the same ids again is safe.</item>
/// </list>
/// </remarks>
public interface IEventLog
{
    /// <summary>So many bytes fill a page, and the event that passes them is its last.</summary>
    const int PageBytes = 4 << 20;

    /// <summary>Made with the log and never changed: tells its checkpoints and cursors from another log's.</summary>
    Guid Id { get; }

    /// <summary>Appends to different streams, too, are written in the order they were started in, as long as all succeed: whoever writes in bulk need not wait for each.</summary>
    bool KeepsStartOrder => false;

    /// <summary>Appends to a stream whose last event has revision <paramref name="expected"/>; −1 for a stream that is not there yet.</summary>
    Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct);

    /// <summary>The events of a stream from a revision on, oldest first; none when there is no such stream.</summary>
    IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, CancellationToken ct);

    /// <summary>The newest events of a stream, newest first.</summary>
    Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct);

    IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, CancellationToken ct, int pageBytes = PageBytes);

    /// <summary>The event at exactly this position; null when none is there.</summary>
    Task<LogRecord?> AtAsync(LogPosition position, CancellationToken ct);

    /// <summary>Whether the log can be followed from a position: an event stands there, be it one that readers are not shown.</summary>
    async Task<bool> IsPlaceAsync(LogPosition position, CancellationToken ct) => await AtAsync(position, ct) is not null;

    /// <summary>The position of the newest event, or <see cref="LogPosition.Start"/>.</summary>
    Task<LogPosition> HeadAsync(CancellationToken ct);

    /// <summary>How many events stand after a position: positions need not be dense, so this cannot be subtracted.</summary>
    Task<long> CountAsync(LogPosition after, CancellationToken ct);
}

/// <summary>A place in the log: opaque, increasing. <see cref="Start"/> lies before the first event.</summary>
public readonly record struct LogPosition(long Value) : IComparable<LogPosition>
{
    public static readonly LogPosition Start;

    public int CompareTo(LogPosition other) => Value.CompareTo(other.Value);
    public static bool operator <(LogPosition a, LogPosition b) => a.Value < b.Value;
    public static bool operator >(LogPosition a, LogPosition b) => a.Value > b.Value;
    public static bool operator <=(LogPosition a, LogPosition b) => a.Value <= b.Value;
    public static bool operator >=(LogPosition a, LogPosition b) => a.Value >= b.Value;
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The name of a stream: <c>category-project/id</c>, the id escaped so that any text is one name and one name is one text.</summary>
public readonly record struct StreamName(string Value)
{
    public static StreamName Of(string category, string project, string id) => new($"{category}-{project}/{Uri.EscapeDataString(id)}");

    public static StreamName Trace(string project, string traceId) => Of("trace", project, traceId);

    public bool IsTrace => Value.StartsWith("trace-", StringComparison.Ordinal);

    /// <summary>Whose it is: that can be read whatever has become of the headers.</summary>
    public string Project
    {
        get
        {
            var (from, to) = (Value.IndexOf('-', StringComparison.Ordinal) + 1, Value.IndexOf('/', StringComparison.Ordinal));
            return to > from ? Value[from..to] : "";
        }
    }

    public override string ToString() => Value;
}

/// <summary>An event to be written. Header and content are opaque to the engine.</summary>
public readonly record struct LogEvent(Guid Id, string Type, ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Content);

/// <summary>An event that was written, with its place in its stream (from 0) and in the log.</summary>
public sealed record LogRecord(
    StreamName Stream, long Revision, LogPosition Position, Guid Id, string Type, ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Content);

/// <summary>Where each event of an append stands, in the order given. <see cref="Place.Known"/>: it was there before.</summary>
public sealed record Appended(IReadOnlyList<Place> Places);

public readonly record struct Place(long Revision, LogPosition Position, bool Known);

/// <summary>Events in log order. <see cref="Last"/> is where to go on; <see cref="AtHead"/>: nothing stood after them when they were read.</summary>
public sealed record LogPage(IReadOnlyList<LogRecord> Records, LogPosition Last, bool AtHead);

/// <summary>Somebody else appended first: read the tail and decide again.</summary>
public sealed class StreamMoved(StreamName stream, long expected) : Exception($"Stream {stream} is no longer at revision {expected}.");

/// <summary>Stored bytes do not match their checksum; nothing of them is served.</summary>
public sealed class LogDamaged(LogPosition position, string what) : Exception($"The log is damaged at position {position}: {what}");

/// <summary>The log did not answer. Whether the append was written is unknown; the same ids can be sent again.</summary>
public sealed class LogUnavailable(string message, TimeSpan retryAfter, Exception? inner = null) : Exception(message, inner)
{
    public TimeSpan RetryAfter => retryAfter;
}

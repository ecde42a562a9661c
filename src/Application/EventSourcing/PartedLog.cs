using System.Runtime.CompilerServices;

namespace Hindcast.Application.EventSourcing;

/// <summary>
/// Any engine's log with facts of any size: above 768 KiB a fact's content is written as parts, each an event of its own, and the fact itself
/// last, with a manifest where its content was. Readers get whole facts and never see a part.
/// </summary>
/// <remarks>
/// <para><b>Writing</b> is one append after the other: is the fact known already; the parts, one at a time; the fact. Each goes to
/// exactly the revision where the one before it ended, so parts always stand directly before their fact, and the fact is there only if all of
/// them are. Asking first keeps a retry from writing parts of what is stored. The question is an append at a revision no stream can have:
/// promises 2 and 3 make every engine answer it with the old place, or refuse it and write nothing.</para>
/// <para><b>While a stream has a big append on its way</b>, later appends to it wait here, in the order they came (promise 9); the others pass.</para>
/// <para><b>After a crash or refusal between the parts and the fact</b> the parts are orphans: nobody sees them, but they moved the stream.
/// A caller who then expects the last fact it can see would be refused for ever, so once it has read the tail, an append at a revision that
/// holds a fact with nothing but parts behind it goes to the real end. Should those parts be another process's, still on their way, that process
/// is refused next: it has lost the race, and its parts are the orphans.</para>
/// <para><b>All or nothing holds per fact</b> when an append has a big one in it; one without is a single append of the engine's, as ever. A retry of
/// one that broke off midway goes on where it stopped, as long as nobody else has appended since.</para>
/// <para><b>Content that happens to begin like a manifest</b> is stored behind a mark of its own, so no sender can forge one.</para>
/// </remarks>
public sealed partial class PartedLog(IEventLog inner) : IEventLog
{
    /// <summary>Content up to here is stored as it is.</summary>
    public const int WholeUpTo = 768 << 10;
    public const int PartSize = 512 << 10;

    /// <summary>No stream is ever here, so an append that expects it writes nothing; known ids are answered all the same.</summary>
    const long Nowhere = long.MaxValue;

    public Guid Id => inner.Id;

    /// <summary>The log as it is stored, parts and all: for moving it.</summary>
    public IEventLog Stored => inner;

    /// <summary>How many revisions an event takes: a caller who appends ahead of the answers counts with this.</summary>
    public static int SlotsOf(int contentLength) => contentLength <= WholeUpTo ? 1 : Manifest.PartsOf(contentLength) + 1;

    public Task<LogPosition> HeadAsync(CancellationToken ct) => inner.HeadAsync(ct);

    public Task<long> CountAsync(LogPosition after, CancellationToken ct) => inner.CountAsync(after, ct);

    public async IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var record in inner.ReadAsync(stream, from, ct))
            if (!Manifest.IsPart(record)) yield return Manifest.Marks(record.Content.Span) ? await WholeAsync(record, ct) : record;
    }

    /// <summary>Null at a part: it is no fact.</summary>
    public async Task<LogRecord?> AtAsync(LogPosition position, CancellationToken ct) =>
        await inner.AtAsync(position, ct) is not { } record || Manifest.IsPart(record) ? null : Manifest.Marks(record.Content.Span) ? await WholeAsync(record, ct) : record;

    /// <summary>Whether anything, be it a part, stands at a position: whether it can be gone on from.</summary>
    public async Task<bool> IsPlaceAsync(LogPosition position, CancellationToken ct) => await inner.AtAsync(position, ct) is not null;

    public async Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct)
    {
        for (var asked = count; ; asked = checked(asked * 2))
        {
            var tail = await inner.TailAsync(stream, asked, ct);
            if (tail is [var newest, ..] && Manifest.IsPart(newest)) _orphaned[stream] = true;
            var facts = new List<LogRecord>(Math.Min(count, tail.Count));
            foreach (var record in tail)
                if (facts.Count < count && !Manifest.IsPart(record)) facts.Add(record);
            if (facts.Count < count && tail.Count == asked) continue;

            for (var i = 0; i < facts.Count; i++)
                if (Manifest.Marks(facts[i].Content.Span)) facts[i] = await WholeAsync(facts[i], ct);
            return facts;
        }
    }

    public async IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, [EnumeratorCancellation] CancellationToken ct, int pageBytes = IEventLog.PageBytes)
    {
        await foreach (var page in inner.FollowAsync(after, ct, pageBytes))
        {
            var records = page.Records;
            if (NeedsWork(records))
            {
                var facts = new List<LogRecord>(records.Count);
                foreach (var record in records)
                    if (!Manifest.IsPart(record)) facts.Add(Manifest.Marks(record.Content.Span) ? await WholeAsync(record, ct) : record);
                records = facts;
            }
            // A page of nothing but parts is no news, unless it is the one that reaches the head.
            if (records.Count > 0 || page.AtHead) yield return page with { Records = records };
        }
    }

    static bool NeedsWork(IReadOnlyList<LogRecord> records)
    {
        foreach (var record in records)
            if (Manifest.IsPart(record) || Manifest.Marks(record.Content.Span)) return true;
        return false;
    }

    /// <summary>The fact with its content put together again, or without the mark that kept it from being taken for a manifest.</summary>
    async Task<LogRecord> WholeAsync(LogRecord fact, CancellationToken ct)
    {
        if (Manifest.Unmarked(fact.Content) is { } literal) return fact with { Content = literal };
        if (Manifest.Read(fact.Content.Span) is not { } manifest) throw new LogDamaged(fact.Position, "its manifest cannot be read.");

        var content = GC.AllocateUninitializedArray<byte>(manifest.Length);
        var (read, filled, first) = (0, 0, fact.Revision - manifest.Parts);
        if (first >= 0)
        {
            await foreach (var part in inner.ReadAsync(fact.Stream, first, ct))
            {
                if (read == manifest.Parts || !Manifest.IsPart(part) || part.Revision != first + read || part.Content.Length > content.Length - filled) break;
                part.Content.Span.CopyTo(content.AsSpan(filled));
                filled += part.Content.Length;
                read++;
            }
        }
        return read == manifest.Parts && filled == content.Length
            ? fact with { Content = content }
            : throw new LogDamaged(fact.Position, $"part {read + 1} of {manifest.Parts} is missing or does not fit; {filled} of {content.Length} bytes are there.");
    }
}

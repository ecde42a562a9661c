using Hindcast.Domain;

namespace Hindcast.Application.EventSourcing;

/// <summary>Gives a fact what only its stream knows, or refuses it with <see cref="RuleBroken"/>.</summary>
public delegate Stamped Stamp(Draft draft, Running before);

/// <summary>What a stream gives a fact: the running figures up to and including it, and its step and its parent's, where it has one.</summary>
public readonly record struct Stamped(Running Running, int? Step, int? ParentStep);

/// <summary>The one way a fact enters the log.</summary>
/// <remarks>
/// The hot path reads nothing: it appends at the remembered head, starts the append while it holds the head's lock (so appends of one
/// stream are started in order and may overlap), and waits outside of it. An answer is given only when the log acknowledged the fact; a
/// repeated id waits for the first one's acknowledgement too. A refused append drops the head, reads the tail and decides again.
/// A crash at any point leaves whole facts or none: nothing was answered that the log does not hold.
/// </remarks>
public sealed class Streams(IEventLog log, TimeProvider clock, ISeal? seal = null)
{
    readonly ISeal _seal = seal ?? new Unsealed();
    const int MostAttempts = 50;
    const int AppendBytes = PartedLog.WholeUpTo;
    /// <summary>A header takes about this much: of many small facts, as much as they do, and a server's bound is on both.</summary>
    const int HeaderBytes = 700;

    readonly StreamHeads _heads = new(log);

    /// <summary>Appends each draft that its stream takes, in order; the answers stand in the order of the drafts.</summary>
    /// <exception cref="LogUnavailable">Whether the facts were written is unknown; the same ids can be sent again.</exception>
    public async Task<IReadOnlyList<Outcome>> AppendAsync(StreamName stream, IReadOnlyList<Draft> drafts, Stamp stamp, CancellationToken ct)
    {
        if (drafts.Count == 1 || Bytes(drafts) <= AppendBytes) return await AppendTogetherAsync(stream, drafts, stamp, ct);

        var outcomes = new List<Outcome>(drafts.Count);
        foreach (var together in InAppends(drafts)) outcomes.AddRange(await AppendTogetherAsync(stream, together, stamp, ct));
        return outcomes;
    }

    /// <summary>
    /// The same for many streams at once, each for itself. All appends are started before the first is waited for, so they share
    /// transactions; what cannot be answered at the first attempt goes the long way.
    /// </summary>
    public async Task<IReadOnlyList<Outcome>[]> AppendAsync(
        IReadOnlyList<(StreamName Stream, IReadOnlyList<Draft> Drafts)> appends, Stamp stamp, CancellationToken ct)
    {
        var started = new (StreamHead Head, Started? Started)[appends.Count];
        for (var i = 0; i < appends.Count; i++)
        {
            var (stream, drafts) = appends[i];
            if (Bytes(drafts) > AppendBytes) continue;
            var head = _heads.Get(stream);
            started[i] = (head, Start(stream, head, drafts, stamp));
        }

        // All of them first, however they end: the log reads their contents until then, and the caller lends those only for this call.
        foreach (var (_, first) in started)
            if (first is not null) await first.Done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        var answers = new IReadOnlyList<Outcome>[appends.Count];
        for (var i = 0; i < appends.Count; i++)
        {
            var ((stream, drafts), (head, first)) = (appends[i], started[i]);
            answers[i] = first is null ? await AppendAsync(stream, drafts, stamp, ct)
                : first.IsPlain ? first.Answer()
                : await FinishAsync(stream, head, drafts, first, stamp, ct);
        }
        return answers;
    }

    /// <summary>Reads a short stream, lets <paramref name="decide"/> say what follows, and appends that and nothing in between.</summary>
    /// <returns>The facts this call added; none when there was nothing to add, or when somebody else added them first.</returns>
    /// <exception cref="LogUnavailable">Whether the facts were written is unknown, or the stream moved under every attempt.</exception>
    public async Task<IReadOnlyList<Fact>> DecideAsync(
        StreamName stream, Func<IReadOnlyList<Fact>, IReadOnlyList<Draft>> decide, CancellationToken ct)
    {
        for (var attempt = 1; attempt <= MostAttempts; attempt++)
        {
            var facts = await ReadAsync(stream, 0, ct).ToListAsync(ct);
            var head = new StreamHead();
            var events = new List<LogEvent>();
            if (facts.Count > 0)
            {
                var tail = await log.TailAsync(stream, 1, ct);
                // Somebody appended between the two reads: the decision would miss that fact, and the revision would not show it.
                if (tail[0].Revision != facts[^1].Revision) continue;
                head = StreamHead.Of(tail);
            }
            var expected = head.Revision;
            var added = decide(facts).Select(draft => (draft, Header: Add(draft, head, Count, events))).ToList();
            if (added.Count == 0) return [];
            try
            {
                var appended = await log.AppendAsync(stream, expected, events, ct);
                // Somebody else came to the same decision first, under the same ids: see what they wrote, and decide on that.
                if (appended.Places.Any(p => p.Known)) continue;
                return [.. added.Zip(appended.Places, (a, place) => new Fact(a.Header, a.draft.Content.Join(), stream, place.Revision, place.Position))];
            }
            catch (StreamMoved) { }
        }
        throw new LogUnavailable($"Stream {stream} is too busy.", TimeSpan.FromSeconds(1));
    }

    public async IAsyncEnumerable<Fact> ReadAsync(
        StreamName stream, long from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var record in log.ReadAsync(stream, from, ct)) yield return Fact.Of(record);
    }

    /// <summary>The newest fact of a stream; null when there is none, or none that can be read.</summary>
    public async Task<Fact?> LastAsync(StreamName stream, CancellationToken ct) =>
        await log.TailAsync(stream, 1, ct) is [var record] ? Fact.TryOf(record, out _) : null;

    /// <summary>For views, which show what can be read of a stream: a fact without a readable header is left out, as it is parked in the read models.</summary>
    public async IAsyncEnumerable<Fact> ReadReadableAsync(
        StreamName stream, long from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var record in log.ReadAsync(stream, from, ct))
            if (Fact.TryOf(record, out _) is { } fact) yield return fact;
    }

    async Task<IReadOnlyList<Outcome>> AppendTogetherAsync(StreamName stream, IReadOnlyList<Draft> drafts, Stamp stamp, CancellationToken ct)
    {
        while (true)
        {
            var head = _heads.Get(stream);
            if (Start(stream, head, drafts, stamp) is { } started) return await FinishAsync(stream, head, drafts, started, stamp, ct);
        }
    }

    /// <summary>Waits for what was started, and decides again as long as somebody else was first.</summary>
    async Task<IReadOnlyList<Outcome>> FinishAsync(
        StreamName stream, StreamHead head, IReadOnlyList<Draft> drafts, Started? started, Stamp stamp, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (started is not null)
                {
                    await started.Done;
                    return await AnswerAsync(stream, head, drafts, started, ct);
                }
            }
            catch (StreamMoved) when (attempt < MostAttempts)
            {
                await _heads.ReloadAsync(stream, head, ct);
            }
            catch (StreamMoved e)
            {
                throw new LogUnavailable($"Stream {stream} is too busy.", TimeSpan.FromSeconds(1), e);
            }
            catch
            {
                _heads.Drop(stream, head);
                throw;
            }
            head = _heads.Get(stream);
            started = Start(stream, head, drafts, stamp);
        }
    }

    /// <summary>What was set going: one header, refusal or known revision for each draft, the append, and what has to be done before an answer.</summary>
    sealed record Started(object[] Fates, Task<Appended>? Append, Task Done)
    {
        /// <summary>All of it was written as it was decided, for the first time: the answer needs nothing more.</summary>
        public bool IsPlain
        {
            get
            {
                if (Append is not { IsCompletedSuccessfully: true } || Append.Result.Places.Count != Fates.Length) return false;
                foreach (var place in Append.Result.Places)
                    if (place.Known) return false;
                return true;
            }
        }

        public Outcome[] Answer()
        {
            var outcomes = new Outcome[Fates.Length];
            for (var i = 0; i < outcomes.Length; i++) outcomes[i] = Outcome.Stored((Header)Fates[i], Append!.Result.Places[i]);
            return outcomes;
        }
    }

    Started? Start(StreamName stream, StreamHead head, IReadOnlyList<Draft> drafts, Stamp stamp)
    {
        lock (head)
        {
            if (head.Dropped) return null;
            var expected = head.Revision;
            var events = new List<LogEvent>(drafts.Count);
            var fates = new object[drafts.Count];
            for (var i = 0; i < drafts.Count; i++)
            {
                try
                {
                    fates[i] = head.RevisionOf(drafts[i].Header.EventId) is { } known ? known : Add(drafts[i], head, stamp, events);
                }
                catch (RuleBroken refusal)
                {
                    fates[i] = refusal;
                }
            }
            if (events.Count == 0) return new(fates, null, head.Pending);
            var append = log.AppendAsync(stream, expected, events, CancellationToken.None);
            head.Pending = append;
            return new(fates, append, append);
        }
    }

    /// <summary>Stamps a draft, links it to the fact before it, and moves the head past it.</summary>
    Header Add(Draft draft, StreamHead head, Stamp stamp, List<LogEvent> events)
    {
        var stamped = stamp(draft, head.Running);
        var header = draft.Header with
        {
            RecordedAt = Micros(clock.GetUtcNow()),
            Previous = head.Hash,
            Running = stamped.Running,
            Step = stamped.Step,
            ParentStep = stamped.ParentStep,
            PayloadBytes = draft.Content.Context.IsEmpty ? null : draft.Content.Payload.Length,
        };
        var (content, sealedBy) = _seal.Close(header, draft.Content.Join());
        if (sealedBy is not null) header = header with { SealedBy = sealedBy };
        var bytes = HeaderJson.Write(header);
        events.Add(new(header.EventId, header.Type, bytes, content));
        head.Advance(header.EventId, PartedLog.SlotsOf(content.Length), Fact.HashOf(bytes, content.Span), header.Running);
        return header;
    }

    async Task<IReadOnlyList<Outcome>> AnswerAsync(StreamName stream, StreamHead head, IReadOnlyList<Draft> drafts, Started started, CancellationToken ct)
    {
        var places = started.Append is null ? [] : (await started.Append).Places;
        // The stream was taken for new and is not: the log knew the ids, but the head knows nothing of the rest.
        if (places.Any(p => p.Known)) _heads.Drop(stream, head);

        var outcomes = new Outcome[drafts.Count];
        var next = 0;
        for (var i = 0; i < drafts.Count; i++)
        {
            outcomes[i] = started.Fates[i] switch
            {
                RuleBroken refusal => Outcome.No(refusal),
                long known => await KnownAsync(stream, known, drafts[i], ct),
                Header header when places[next++] is var place => place.Known
                    ? await KnownAsync(stream, place.Revision, drafts[i], ct)
                    : Outcome.Stored(header, place),
                var fate => throw new InvalidOperationException($"No fate: {fate}"),
            };
        }
        return outcomes;
    }

    async Task<Outcome> KnownAsync(StreamName stream, long revision, Draft draft, CancellationToken ct)
    {
        var first = await ReadAsync(stream, revision, ct).FirstAsync(ct);
        // What was erased can no longer be compared, nor what was redacted by the rules of its day; it stands for itself.
        var same = IsRedacted(first.Header) || IsRedacted(draft.Header) || _seal.Open(first.Header, first.Content) is not { } content || content.Span.SequenceEqual(draft.Content.Join().Span);
        return same || !draft.RefuseOtherContent ? Outcome.Known(first) : Outcome.No(new Domain.Traces.EventIdTaken());
    }

    static bool IsRedacted(Header header) => header.Marks?.Any(m => m.Replaced) == true;

    static long Bytes(IReadOnlyList<Draft> drafts)
    {
        var bytes = 0L;
        foreach (var draft in drafts) bytes += draft.Content.Length + HeaderBytes;
        return bytes;
    }

    static IEnumerable<List<Draft>> InAppends(IReadOnlyList<Draft> drafts)
    {
        var (together, bytes) = (new List<Draft>(), 0);
        foreach (var draft in drafts)
        {
            if (together.Count > 0 && bytes + draft.Content.Length + HeaderBytes > AppendBytes)
            {
                yield return together;
                (together, bytes) = ([], 0);
            }
            together.Add(draft);
            bytes += draft.Content.Length + HeaderBytes;
        }
        yield return together;
    }

    /// <summary>The stamp of a stream without rules: it only counts.</summary>
    public static Stamped Count(Draft draft, Running before) => new(
        before with { Events = before.Events + 1, Bytes = before.Bytes + draft.Content.Length }, draft.Header.Step, draft.Header.ParentStep);

    /// <summary>Stored times are whole microseconds, so that what is read equals what was written.</summary>
    public static DateTimeOffset Micros(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}

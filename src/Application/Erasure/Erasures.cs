using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Erasure;

/// <summary>What became of an erasure.</summary>
/// <param name="Traces">Erased whole.</param>
/// <param name="Shared">Others' traces of which a part was erased.</param>
/// <param name="ClearFacts">Facts among them that were recorded before contents were sealed: the log keeps their text, no door shows it.</param>
/// <param name="Forgotten">No door shows any of it any more; otherwise that is a matter of seconds.</param>
/// <param name="Scrubbed">No file holds any of it; otherwise <c>hindcast erase --scrub</c> sees to that.</param>
public sealed record Erased(int Traces, int Shared, long ClearFacts, LogPosition Position, bool Forgotten, bool Scrubbed)
{
    /// <summary>Of a user: as the log calls whom nobody may name any more.</summary>
    public string? Subject { get; init; }
}

/// <summary>Destroys keys, says so in the log, and sees to it that nothing shows any more what they opened.</summary>
/// <remarks>
/// <para>The keys go first, in one transaction of the vault that also says what is to follow; then the tombstones are appended; then caches are
/// emptied and files of exports deleted, at once and again when the read models have come to the tombstones. A crash before the first leaves everything as it was; after it,
/// the next start appends the tombstones, under the same ids.</para>
/// <para>What was under way when the keys went is sealed with a key that is gone: it was taken, and it is erased.</para>
/// </remarks>
public sealed class Erasures(
    Streams streams, IEventLog log, ISubjectKeys keys, ServingModels models, IReadStore store, Search.AnswerCache answers, Exports.ExportJobs exports,
    TimeTravel.Pasts pasts, TimeProvider clock)
{
    /// <summary>A store up to here is rewritten by the door; a larger one by the command.</summary>
    const long SmallStore = 256L << 20;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(8), s_glance = TimeSpan.FromMilliseconds(250);
    /// <summary>Longer than what left is kept for queries that are under way.</summary>
    static readonly TimeSpan s_leaving = TimeSpan.FromSeconds(40);

    /// <summary>A trace with the facts that are to become unreadable, and the roots that their keys come from.</summary>
    public sealed record Found(string TraceId, LogPosition First, IReadOnlyList<KeyRoot> Roots, long ClearFacts);

    public async Task<Found?> FindAsync(string project, string traceId, CancellationToken ct)
    {
        var (roots, clear, first) = (new HashSet<KeyRoot>(), 0L, (LogPosition?)null);
        await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(project, traceId), 0, ct))
        {
            if (fact.Header.Type == Tombstones.Expired) return null;
            first ??= fact.Position;
            if (Tombstones.Is(fact)) continue;
            if (fact.Header.SealedBy is not { } by) clear++;
            else if (keys.Find(by.Split('.')[0]) is { } root) roots.Add(root);
        }
        return first is { } position ? new(traceId, position, [.. roots], clear) : null;
    }

    /// <summary>Everything that was acknowledged until now can be found.</summary>
    /// <exception cref="Unavailable">The read models are too far behind.</exception>
    public async Task<LogPosition> CatchUpAsync(CancellationToken ct)
    {
        var head = await log.HeadAsync(ct);
        await models.ReachAsync("traces", head, s_patience, clock, ct);
        return head;
    }

    public async Task<LogPosition> RunAsync(Erasure erasure, IReadOnlyCollection<Found> traces, CancellationToken ct)
    {
        var owners = traces.Where(t => erasure.Traces.Contains(t.TraceId)).Select(t => (KeyOwner.Trace(t.TraceId), t.Roots)).ToList();
        if (erasure.Subject is { } subject) owners.Add((KeyOwner.User(subject), keys.RootsOf(erasure.Project)));
        keys.Destroy(erasure, owners);
        return await FinishAsync(erasure, ct);
    }

    /// <summary>What follows on the destruction; done twice it is done once.</summary>
    public async Task<LogPosition> FinishAsync(Erasure erasure, CancellationToken ct)
    {
        await ForgetAsync(erasure.Project, ct);
        var appends = new List<(StreamName, IReadOnlyList<Draft>)>();
        foreach (var trace in erasure.Traces) appends.Add((StreamName.Trace(erasure.Project, trace), [Draft(erasure, erasure.Expired ? Tombstones.Expired : Tombstones.Trace, trace)]));
        foreach (var trace in erasure.Shared) appends.Add((StreamName.Trace(erasure.Project, trace), [Draft(erasure, Tombstones.Part, trace)]));
        if (erasure.Subject is { } subject) appends.Add((StreamName.Of("users", erasure.Project, subject), [Draft(erasure, Tombstones.User, null)]));
        var last = LogPosition.Start;
        foreach (var some in appends.Chunk(1_000))
            foreach (var outcome in (await streams.AppendAsync(some, Tombstones.Stamp, ct)).SelectMany(o => o))
                if (outcome.Position > last) last = outcome.Position;
        keys.Done(erasure);
        return last;
    }

    /// <summary>Waits until no read model shows it, and rewrites small stores.</summary>
    public async Task<(bool Forgotten, bool Scrubbed)> SettleAsync(string project, LogPosition position, CancellationToken ct)
    {
        try
        {
            foreach (var projection in models.Projections.Keys) await models.ReachAsync(projection, position, s_patience, clock, ct);
        }
        catch (Unavailable)
        {
            return (false, false);
        }
        // Whoever was answered from rows that were still there may have left the answer in a cache.
        await ForgetAsync(project, ct);
        return (true, await AreAloneAsync(ct) && await ScrubFilesAsync(SmallStore, ct));
    }

    async Task ForgetAsync(string project, CancellationToken ct)
    {
        await answers.ForgetAsync(project, ct);
        exports.Forget(project);
        await pasts.ForgetAsync();
    }

    /// <summary>Rewrites the files of a store of any size, once it holds nothing but what serves.</summary>
    /// <exception cref="Unavailable">A generation is being built, or has not left yet: its files hold what nobody told it to forget.</exception>
    public async Task ScrubAsync(CancellationToken ct)
    {
        for (var began = clock.GetTimestamp(); !await AreAloneAsync(ct); await Task.Delay(s_glance, clock, ct))
            if (clock.GetElapsedTime(began) > s_leaving) throw new Unavailable("A read model is being built; its files are rewritten when it serves.", s_patience);
        await ScrubFilesAsync(long.MaxValue, ct);
    }

    /// <summary>The same while no server runs, so that nobody reads what has left and nobody but us takes it away.</summary>
    /// <exception cref="Unavailable">A generation is half built; a server has to finish it first.</exception>
    public async Task ScrubStoppedAsync(CancellationToken ct)
    {
        var all = await store.GenerationsAsync(ct);
        foreach (var left in all.Where(g => all.Any(s => s.Projection == g.Projection && s.Serving && s.Number > g.Number))) await store.DropAsync(left, ct);
        if (!await AreAloneAsync(ct)) throw new Unavailable("A read model is half built: start the server, let it finish, and scrub then.", s_patience);
        await ScrubFilesAsync(long.MaxValue, ct);
    }

    /// <summary>Tombstones come to generations that follow the log; one that is leaving does not any more, and one that is being built has yet to.</summary>
    async Task<bool> AreAloneAsync(CancellationToken ct) => (await store.GenerationsAsync(ct)).All(g => g.Serving);

    async Task<bool> ScrubFilesAsync(long smallerThan, CancellationToken ct)
    {
        if (!await store.ScrubAsync(smallerThan, ct)) return false;
        keys.Scrub();
        return true;
    }

    Draft Draft(Erasure erasure, string type, string? trace)
    {
        var at = Streams.Micros(clock.GetUtcNow());
        return new(
            new Header
            {
                Type = type,
                Project = erasure.Project,
                EventId = EventIds.Of(erasure.Id.ToByteArray(), System.Text.Encoding.UTF8.GetBytes(trace ?? "")),
                At = at,
                Source = new("hindcast", 1, erasure.KeyId),
                TraceId = trace,
                Subject = erasure.Subject,
            },
            new Content(type == Tombstones.User ? Tombstones.Said(new UserErased(erasure.Traces.Count, erasure.Shared.Count)) : "{}"u8.ToArray(), default));
    }
}

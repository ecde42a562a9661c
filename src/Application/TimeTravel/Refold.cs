using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.TimeTravel;

/// <summary>What a past is of.</summary>
/// <param name="Projects">Whose facts are folded; null: everybody's.</param>
/// <param name="AsOf">Facts recorded up to here, by our clock.</param>
sealed record Wanted(string Projection, IReadOnlyList<string>? Projects, DateTimeOffset AsOf)
{
    public bool IsLike(Wanted other) => Projection == other.Projection
        && (Projects is null ? other.Projects is null : other.Projects is not null && Projects.ToHashSet(StringComparer.Ordinal).SetEquals(other.Projects));
}

/// <summary>A past that is built.</summary>
/// <param name="Position">Its last fact.</param>
/// <param name="Since">It is the same at any time from here on, when its last fact was recorded.</param>
/// <param name="Until">And before this: a later fact was recorded, or may have been.</param>
/// <param name="Bytes">Of the facts it was made from.</param>
sealed record Refolded(LogPosition Position, DateTimeOffset Since, DateTimeOffset Until, long Bytes);

/// <summary>
/// Builds a projection of some projects as it stood at a time: the facts recorded up to then, through the projectors that serve, into tables of
/// its own.
/// </summary>
/// <remarks>
/// The log is read from its start, because state is all that came before; others' facts are passed over. What was erased since is unreadable in
/// any fact, and what has expired since goes with its tombstone, which counts as known at all times.
/// </remarks>
sealed class Refold(
    IEventLog log, IReadStore store, ServingModels serving, FactReader reader, Streams streams, ISubjectKeys keys, TimeProvider clock, IOptions<HindcastOptions> options)
{
    /// <summary>Others' facts cost a twentieth of what is folded.</summary>
    const int ReadsPerFact = 20;
    /// <summary>So many facts in a row were recorded later: those before them are all there are. Writers at once, and nodes, disagree by less.</summary>
    const int Enough = 1_000;
    /// <summary>A fact may be written so long after its time was taken.</summary>
    static readonly TimeSpan s_settle = TimeSpan.FromSeconds(5);
    /// <summary>A follower may wait for its log for hours; somebody waits for this answer.</summary>
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    readonly Dictionary<string, Projection> _projections = ((Projection[])[new TracesProjection(reader, streams: streams), new TextsProjection(reader, streams)])
        .ToDictionary(p => p.Name, StringComparer.Ordinal);

    int Most => options.Value.TimeTravel.Facts;

    public Projection this[string projection] => _projections[projection];

    public Generation GenerationOf(Wanted wanted, int number) => new(wanted.Projection, number, _projections[wanted.Projection].Version, log.Id, Serving: false);

    /// <exception cref="Unprocessable">There are more facts than one request may fold.</exception>
    public async Task<Refolded> RunAsync(Wanted wanted, int number, CancellationToken ct)
    {
        await CountAsync(wanted, ct);
        // What comes after was not there when it was asked; and a log that is away says so here.
        var head = await log.HeadAsync(ct);
        var projection = _projections[wanted.Projection];
        await store.CreateAsync(projection, GenerationOf(wanted, number), ct);
        var follower = new Follower(projection, GenerationOf(wanted, number), store, clock);
        var at = await follower.StartAsync(ct);
        var (began, traces, read, folded, later) = (clock.GetUtcNow(), new HashSet<TraceKey>(), 0L, 0, 0);
        var made = new Refolded(at, DateTimeOffset.MinValue, began - s_settle, 0);
        await foreach (var page in log.FollowAheadAsync(LogPosition.Start, ct, s_patience))
        {
            if ((read += page.Records.Count) > (long)Most * ReadsPerFact) throw TooMany($"the log holds more than {(long)Most * ReadsPerFact} facts of all projects");
            var ours = new List<LogRecord>();
            foreach (var record in page.Records)
            {
                if (Fact.TryOf(record, out _) is { Header: var header })
                {
                    later = header.RecordedAt > wanted.AsOf ? later + 1 : 0;
                    if (later > 0 && header.RecordedAt < made.Until) made = made with { Until = header.RecordedAt };
                    if (later == Enough) break;
                }
                // What cannot be read is of the time of what stands before it.
                else header = null;
                if (later > 0 || wanted.Projects?.Contains(record.Stream.Project) == false) continue;
                if (++folded > Most) throw TooMany($"there are more than {Most}");
                if (header?.RecordedAt > made.Since) made = made with { Since = header.RecordedAt };
                if (header?.TraceId is { } trace) traces.Add(new(header.Project, trace));
                made = made with { Bytes = made.Bytes + record.Header.Length + record.Content.Length };
                ours.Add(record);
            }
            if (ours.Count > 0) at = await follower.ApplyAsync(new(ours, ours[^1].Position, AtHead: false), at, ct);
            if (page.AtHead || page.Last >= head || later == Enough) break;
        }
        made = made with { Position = at };
        foreach (var expired in (await ExpiredAsync(traces, ct)).Chunk(Enough))
        {
            var behind = at.Value;
            at = await follower.ApplyAsync(new([.. expired.Select(tombstone => tombstone with { Position = new(++behind) })], new(at.Value + expired.Length), AtHead: false), at, ct);
        }
        await store.FinishAsync(projection, number, ct);
        // What the installation keeps no longer is not kept in its past either.
        if (options.Value.Retention.Days is { } days) await store.ForgetAsync(projection, number, clock.GetUtcNow().AddDays(-days).Day(), ct);
        return made;
    }

    /// <summary>The sums know how many facts there are before any of them is read; those of the last minute are left to the counting on the way.</summary>
    async Task CountAsync(Wanted wanted, CancellationToken ct)
    {
        var before = (wanted.AsOf - TimeSpan.FromMinutes(1)).Micros();
        var all = await AskAsync(db => db.Set<SourceRow>().Where(s => s.Minute <= before && (wanted.Projects == null || wanted.Projects.Contains(s.Project))).SumAsync(s => s.Stored, ct));
        if (all > Most) throw TooMany($"there are {all}");
    }

    /// <summary>The tombstones of those among some traces that have expired by now.</summary>
    async Task<List<LogRecord>> ExpiredAsync(HashSet<TraceKey> traces, CancellationToken ct)
    {
        var tombstones = new List<LogRecord>();
        foreach (var project in traces.GroupBy(t => t.Project, t => t.TraceId))
        {
            foreach (var ids in project.Chunk(500))
            {
                var there = await AskAsync(db => db.Set<RunRow>().Where(r => r.Project == project.Key && ids.Contains(r.TraceId)).Select(r => r.TraceId).ToHashSetAsync(ct));
                foreach (var id in ids)
                    if ((!there.Contains(id) || keys.TimesErased(project.Key, KeyOwner.Trace(id)) > 0)
                        && await log.TailAsync(StreamName.Trace(project.Key, id), 1, ct) is [var last] && last.Type == Tombstones.Expired)
                        tombstones.Add(last);
            }
        }
        return tombstones;
    }

    /// <summary>Asks what serves.</summary>
    async Task<T> AskAsync<T>(Func<ReadDb, Task<T>> ask)
    {
        try
        {
            await using var db = serving.OpenNow("traces");
            return await ask(db);
        }
        catch (Exception e) when (serving.Judge(e) is { } failure)
        {
            throw failure == QueryFailure.TooSlow ? new QueryTooSlow() : new Unavailable("The read models do not answer.", TimeSpan.FromSeconds(1));
        }
    }

    Unprocessable TooMany(string found) => new("as_of_limit",
        $"as_of folds what was recorded up to then again, at most {Most} facts, and {found}. Name one project, or an earlier time; for one trace there is /api/v1/traces/{{id}}/state.");
}

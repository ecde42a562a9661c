using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.ReadModels;

/// <summary>What the owner of a projection does for as long as it is one: follow, build beside, change over, clear away.</summary>
sealed class Ownership(
    Projection projection, ProjectionProgress progress, long epoch, IEventLog log, IReadStore store, ServingModels models, TimeProvider clock, ILogger logger,
    int? keepDays = null, Live.LiveFeed? feed = null, Gateway.CallsAtOnce? calls = null)
{
    /// <summary>Longer than a query may take, and than another node needs to see that something else serves.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Sweep = TimeSpan.FromHours(1);

    readonly Dictionary<int, (long Since, Task Compared)> _leaving = [];
    Following? _serving;
    long? _swept;

    /// <summary>Ends when another node is the owner; fails when it cannot go on.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var renewing = RenewAsync(lost);
        try
        {
            await WorkAsync(lost.Token);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            logger.LogWarning("Projection {Projection}: another node owns it now", projection.Name);
        }
        finally
        {
            await lost.CancelAsync();
            if (_serving is not null) await _serving.DisposeAsync();
            await renewing;
        }
    }

    async Task RenewAsync(CancellationTokenSource lost)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Tenure.Renewal, clock, lost.Token);
                try
                {
                    var tenure = await store.OwnAsync(projection.Name, epoch, progress.Said(), lost.Token);
                    if (tenure.ReplayAsked) progress.Replay();
                    if (!tenure.Ours) await lost.CancelAsync();
                }
                catch (Unavailable)
                {
                    // The work notices too. As long as nobody else has taken it, it can be renewed later.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Lost, or ended.
        }
        catch (Exception e)
        {
            logger.LogError(e, "Projection {Projection} could not be renewed", projection.Name);
            await lost.CancelAsync();
        }
    }

    async Task WorkAsync(CancellationToken ct)
    {
        var (serving, _) = await LookAsync(ct);
        if (serving is not null && serving.Version < projection.Version) await StandStillAsync(serving, ct);
        else if (serving is not null)
        {
            var follower = new Follower(projection, serving, store, clock, epoch);
            Follow(follower, await follower.StartAsync(ct), ct);
        }
        while (true)
        {
            if (await LookAsync(ct) is (_, { } building))
            {
                await BuildAsync(building, ct);
                continue;
            }
            await ClearAsync(ct);
            await SweepAsync(ct);
            if (_serving is { Run.IsCompleted: true } ended) await ended.Run;
            await Task.WhenAny(progress.WokenAsync(Tenure.Renewal, clock, ct), _serving?.Run ?? Task.Delay(Timeout.Infinite, ct));
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <summary>An older shape is read as it stands, but not written: its keys may be others. It says how far it reaches.</summary>
    async Task StandStillAsync(Generation older, CancellationToken ct)
    {
        await store.WidenAsync(projection, older.Number, ct);
        await using var db = store.Open(projection, older.Number, forWork: true);
        progress.Reached(new(await db.Set<CheckpointRow>().Select(c => c.Position).SingleAsync(ct)), null, ProjectionState.CatchingUp);
        models.Serve(projection.Name, progress.Generation = older.Number);
    }

    void Follow(Follower follower, LogPosition at, CancellationToken ct)
    {
        if (feed is not null) follower.Tell = feed.Committed;
        (_serving, _swept) = (new(follower, at, log, progress, clock, ct, projection.Yields ? Others : null, calls is null ? null : new(calls, clock)), null);
        models.Serve(projection.Name, follower.Generation.Number);
    }

    (LogPosition At, bool KeepUp) Others()
    {
        var others = models.Progress.Values.Where(p => p.Name != projection.Name).ToList();
        return (others.Select(p => p.Position).DefaultIfEmpty().Max(), others.TrueForAll(p => p.State != ProjectionState.CatchingUp));
    }

    async Task BuildAsync(Generation building, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var beside = new Beside(projection, building, progress, epoch, log, store, clock, logger);
        var build = beside.BuildAsync(carefully: progress.FailedBuild == building.Number, stop.Token);
        if (_serving is not null && await Task.WhenAny(build, _serving.Run) != build)
        {
            await stop.CancelAsync();
            await build.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _serving.Run;
        }
        try
        {
            await build;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            progress.FailedBuild = building.Number;
            throw;
        }

        var old = _serving;
        if (old is not null) await old.StopAsync();
        if (await beside.TakeOverAsync(old, ct) is { } made)
        {
            if (old is not null) _leaving[old.Follower.Generation.Number] = (clock.GetTimestamp(), made.Compared);
            Follow(made.Follower, made.At, ct);
        }
        else
        {
            await store.DropAsync(building, ct);
            Follow(old!.Follower, old.At, ct);
        }
        if (old is not null) await old.DisposeAsync();
    }

    /// <summary>What serves and what is to take its place. A generation that can do neither any more is cleared away.</summary>
    async Task<(Generation? Serving, Generation? Building)> LookAsync(CancellationToken ct)
    {
        var all = (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name).ToList();
        var serving = all.Find(g => g.Serving && g.LogId == log.Id && g.Version >= projection.OldestReadable);
        var building = all.FindLast(g => !g.Serving && g.Version == projection.Version && g.LogId == log.Id && g.Number > (serving?.Number ?? 0));
        foreach (var other in all)
            if (other != serving && other != building) _leaving.TryAdd(other.Number, (clock.GetTimestamp(), Task.CompletedTask));
        if (building is null && serving?.Version != projection.Version)
            building = await RequestAsync(projection, all, log, store, ct);
        return (serving, building);
    }

    /// <summary>Writes down that a generation is wanted; the owner builds it.</summary>
    public static async Task<Generation> RequestAsync(
        Projection projection, IReadOnlyCollection<Generation> all, IEventLog log, IReadStore store, CancellationToken ct, bool acceptParked = false)
    {
        var made = new Generation(projection.Name, all.Select(g => g.Number).DefaultIfEmpty(0).Max() + 1, projection.Version, log.Id, Serving: false, acceptParked);
        await store.CreateAsync(projection, made, ct);
        return made;
    }

    /// <summary>Lets go of traces that are older than they have to be kept.</summary>
    async Task SweepAsync(CancellationToken ct)
    {
        if (keepDays is not { } days || _serving is null || (_swept is { } last && clock.GetElapsedTime(last) < Sweep)) return;
        var (generation, due) = (_serving.Follower.Generation.Number, clock.GetUtcNow().AddDays(-days).Day());
        var held = await store.DaysAsync(projection, generation, ct);
        var before = Retention.ForgetBefore(held, due);
        if (before < due)
            logger.LogWarning(
                "Projection {Projection}: {Due} of {Held} days are older than {Days} days; a tenth of them goes now, more in an hour. Is the clock right? A rebuild brings back what should not have gone",
                projection.Name, held.Count(d => d < due), held.Count, days);
        await store.ForgetAsync(projection, generation, before, ct);
        _swept = clock.GetTimestamp();
    }

    async Task ClearAsync(CancellationToken ct)
    {
        foreach (var generation in (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name && _leaving.ContainsKey(g.Number)))
        {
            var (since, compared) = _leaving[generation.Number];
            if (generation.Serving || !compared.IsCompleted || clock.GetElapsedTime(since) < Grace) continue;
            await store.DropAsync(generation, ct);
            _leaving.Remove(generation.Number);
        }
    }
}

using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.ReadModels;

/// <summary>Follows the log for each projection, from its checkpoint, for as long as the process lives.</summary>
/// <remarks>
/// Catching up and being live are the same loop: take a page, apply it, save rows and checkpoint in one transaction, tell who waits.
/// What a crash leaves: before the commit, nothing of the page, which is then applied again; after it, all of the page, whose checkpoint
/// lies behind it. A fact that cannot be applied is parked in the same transaction, so no position is passed without effect or record.
/// When a page as a whole cannot be written, its facts are written one by one, so that the one at fault is found and parked and its
/// neighbours are not. A database that is away is waited for; nothing is parked for that. When even parking fails the projection stops
/// and says so, and tries again.
/// </remarks>
public sealed class ProjectionHost(
    IEventLog log, IReadStore store, ServingModels models, TimeProvider clock, ILogger<ProjectionHost> logger) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    /// <summary>How long a follower at the head lets events gather: a transaction costs as much for one as for hundreds. The first after a pause waits for nothing.</summary>
    static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10);
    const int MostParked = 10_000;

    /// <summary>What was built before this start can be read from the first request on; followers bring it up to date.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var generation in await store.GenerationsAsync(cancellationToken))
                if (generation.Serving && models.Projections.TryGetValue(generation.Projection, out var projection) && Fits(generation, projection))
                    models.Serve(projection.Name, generation.Number);
        }
        catch (Exception e) when (e is Unavailable or LogUnavailable)
        {
            logger.LogWarning("What was built before cannot be served yet: {Why}", e.Message);
        }
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(models.Projections.Values.Select(p => Task.Run(() => KeepFollowingAsync(p, models.Progress[p.Name], stoppingToken), stoppingToken)));

    async Task KeepFollowingAsync(Projection projection, ProjectionProgress progress, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(projection, progress, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested || progress.ReplayWanted || progress.Built is not null)
            {
                // Stopped, or asked for something that is done between two pages: the next round does that first.
            }
            catch (Exception e)
            {
                progress.Stopped(e.Message);
                logger.LogError(e, "Projection {Projection} stopped at position {Position}; it tries again", projection.Name, progress.Position);
                await Task.Delay(Pause, clock, ct).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    async Task FollowAsync(Projection projection, ProjectionProgress progress, CancellationToken ct)
    {
        if (progress.Built is { } built)
        {
            // Queries first: what they would have opened is about to be dropped.
            models.Serve(projection.Name, built.Number);
            await store.ServeAsync(built, ct);
            progress.ChangedOver();
        }
        var generation = await GenerationAsync(projection, ct);
        var follower = new Follower(projection, generation, store, clock);
        var at = await follower.StartAsync(ct);
        (progress.Generation, progress.Parked) = (generation.Number, follower.Parked);
        models.Serve(projection.Name, generation.Number);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, progress.Interrupted());
        if (progress.ReplayWanted)
        {
            progress.Replayed();
            await follower.ReplayAsync(log, ct);
        }
        progress.Reached(at, null, ProjectionState.CatchingUp);

        await foreach (var page in log.FollowAsync(at, stop.Token))
        {
            if (page.Records.Count > 0) at = await follower.ApplyAsync(page, at, ct);
            progress.Parked = follower.Parked;
            if (follower.Parked > MostParked) throw new InvalidOperationException($"More than {MostParked} facts are parked.");

            progress.Reached(at, follower.RecordedAt, page.AtHead ? ProjectionState.Live : ProjectionState.CatchingUp);
            if (page is { AtHead: true, Records.Count: > 0 }) await Task.Delay(Gather, clock, stop.Token);
        }
    }

    bool Fits(Generation generation, Projection projection) => generation.Version == projection.Version && generation.LogId == log.Id;

    /// <summary>The generation that serves, when it has our shape and our log; else a new one, which serves while it fills.</summary>
    async Task<Generation> GenerationAsync(Projection projection, CancellationToken ct)
    {
        var all = (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name).ToList();
        if (all.FirstOrDefault(g => g.Serving && Fits(g, projection)) is { } serving) return serving;

        var made = new Generation(projection.Name, all.Select(g => g.Number).DefaultIfEmpty(0).Max() + 1, projection.Version, log.Id, Serving: true);
        await store.CreateAsync(projection, made, ct);
        await store.ServeAsync(made, ct);
        logger.LogInformation("Projection {Projection}: generation {Generation} is built from the log", projection.Name, made.Number);
        return made;
    }
}

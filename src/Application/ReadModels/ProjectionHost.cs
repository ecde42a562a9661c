using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.ReadModels;

/// <summary>Follows the log for each projection, from its checkpoint, for as long as the process lives; or looks on while another node does.</summary>
/// <remarks>
/// Catching up and being live are the same loop: take a page, apply it, save rows and checkpoint in one transaction, tell who waits.
/// What a crash leaves: before the commit, nothing of the page, which is then applied again; after it, all of the page, whose checkpoint
/// lies behind it. A fact that cannot be applied is parked in the same transaction, so no position is passed without effect or record.
/// When a page as a whole cannot be written, its facts are written one by one, so that the one at fault is found and parked and its
/// neighbours are not. A database that is away is waited for; nothing is parked for that. When even parking fails the projection stops
/// and says so, and tries again.
/// <para>Of several nodes on one database each projection has one owner (<see cref="Ownership"/>). It renews its lease; when it dies or
/// freezes, another takes over under a higher epoch, which the checkpoint remembers. An owner that wakes up later finds its connections
/// closed, and a commit of its epoch refused. The others look at the checkpoint often enough that a reader may wait for a position on any
/// of them. A node of an older release than what was built never competes.</para>
/// </remarks>
public sealed class ProjectionHost(
    IEventLog log, IReadStore store, ServingModels models, TimeProvider clock, ILogger<ProjectionHost> logger,
    IOptions<HindcastOptions>? options = null, Live.LiveFeed? feed = null, Gateway.CallsAtOnce? calls = null) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500), QuickGlance = TimeSpan.FromMilliseconds(20);

    /// <summary>What was built before this start can be read from the first request on; followers bring it up to date.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await models.RefreshAsync(log.Id, cancellationToken);
        }
        catch (Exception e) when (e is Unavailable or LogUnavailable)
        {
            logger.LogWarning("What was built before cannot be served yet: {Why}", e.Message);
        }
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(models.Projections.Values.Select(p => Task.Run(() => KeepAsync(p, models.Progress[p.Name], stoppingToken), CancellationToken.None)));

    async Task KeepAsync(Projection projection, ProjectionProgress progress, CancellationToken ct)
    {
        var epoch = 0L;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var newer = await NewerReleaseAsync(projection, ct);
                var tenure = newer ? null : await store.OwnAsync(projection.Name, epoch, progress.Said(), ct);
                epoch = tenure is { Ours: true } ? tenure.Epoch : 0;
                if (epoch > 0)
                {
                    progress.Owner = tenure!.Node;
                    await new Ownership(projection, progress, epoch, log, store, models, clock, logger, options?.Value.Retention.Days, feed, calls).RunAsync(ct);
                    continue;
                }
                if (tenure is not null) progress.Heard(tenure.Node, tenure.Said);
                await LookOnAsync(projection, progress, ct);
                if (newer) progress.Stopped("It was built by a newer release, which this one leaves alone.");
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                progress.Stopped(e.Message);
                // What will pass needs no word on where in the code it was found, each second anew.
                if (e is Unavailable or LogUnavailable) logger.LogWarning("Projection {Projection} waits at position {Position}: {Why}", projection.Name, progress.Position, e.Message);
                else logger.LogError(e, "Projection {Projection} stopped at position {Position}; it tries again", projection.Name, progress.Position);
                await Task.Delay(Pause, clock, ct).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
        if (epoch > 0) await LeaveAsync(projection, epoch);
    }

    async Task<bool> NewerReleaseAsync(Projection projection, CancellationToken ct) =>
        (await store.GenerationsAsync(ct)).Any(g => g.Projection == projection.Name && g.LogId == log.Id && g.Version > projection.Version);

    /// <summary>For about a second: what serves and how far it is, and quicker than that when somebody waits to know.</summary>
    async Task LookOnAsync(Projection projection, ProjectionProgress progress, CancellationToken ct)
    {
        var since = clock.GetTimestamp();
        while (clock.GetElapsedTime(since) < Pause)
        {
            var serving = (await store.GenerationsAsync(ct)).FirstOrDefault(
                g => g.Projection == projection.Name && g.Serving && g.Version == projection.Version && g.LogId == log.Id);
            if (serving is not null)
            {
                await using var db = store.Open(projection, serving.Number, forWork: true);
                var at = new LogPosition(await db.Set<CheckpointRow>().Select(c => c.Position).SingleAsync(ct));
                models.Serve(projection.Name, progress.Generation = serving.Number);
                progress.Reached(at, null, at >= await log.HeadAsync(ct) ? ProjectionState.Live : ProjectionState.CatchingUp);
            }
            if (progress.IsWaitedFor) await Task.Delay(QuickGlance, clock, ct);
            else await progress.WokenAsync(Glance, clock, ct);
        }
    }

    async Task LeaveAsync(Projection projection, long epoch)
    {
        using var brief = new CancellationTokenSource(Pause, clock);
        try
        {
            await store.LeaveAsync(projection.Name, epoch, brief.Token);
        }
        catch (Exception e) when (e is Unavailable or OperationCanceledException)
        {
            // Then the lease runs out by itself.
        }
    }
}

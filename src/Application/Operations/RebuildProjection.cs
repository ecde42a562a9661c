using System.Collections.Concurrent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Operations;

/// <summary>
/// Builds a projection again from position zero beside the one that serves, while ingestion and reading go on, and lets it serve once it is
/// at the head. A second request while one is under way changes nothing. A restart forgets it: what was half built is removed by the next.
/// </summary>
/// <exception cref="NotFound">No such projection.</exception>
public sealed record RebuildProjection(string Projection) : IRequest
{
    internal sealed class Handler(Rebuilds rebuilds) : RequestHandler<RebuildProjection>
    {
        protected override void Handle(RebuildProjection command) => rebuilds.Start(command.Projection);
    }
}

/// <summary>The rebuilds under way.</summary>
public sealed class Rebuilds(
    IEventLog log, IReadStore store, ServingModels models, TimeProvider clock, IHostApplicationLifetime lifetime, ILogger<Rebuilds> logger)
{
    readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    public void Start(string name)
    {
        if (!models.Projections.TryGetValue(name, out var projection)) throw new NotFound($"There is no projection '{name}'.");
        var begin = new Task<Task>(() => BuildAsync(projection, models.Progress[name], lifetime.ApplicationStopping));
        if (!_running.TryAdd(name, begin)) return;
        begin.Unwrap().ContinueWith(_ => _running.TryRemove(name, out var _), TaskScheduler.Default);
        begin.Start(TaskScheduler.Default);
    }

    async Task BuildAsync(Projection projection, ProjectionProgress progress, CancellationToken ct)
    {
        try
        {
            var all = (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name).ToList();
            var made = new Generation(projection.Name, all.Max(g => g.Number) + 1, projection.Version, log.Id, Serving: false);
            await store.CreateAsync(projection, made, ct);
            var follower = new Follower(projection, made, store, clock);
            var (at, events, started) = (LogPosition.Start, 0L, clock.GetTimestamp());
            var behind = await log.CountAsync(at, ct);
            await foreach (var page in log.FollowAsync(at, ct))
            {
                if (page.Records.Count > 0) at = await follower.ApplyAsync(page, at, ct);
                events += page.Records.Count;
                progress.Rebuild = new(
                    made.Number, at, behind == 0 ? 100 : Math.Min(100, 100.0 * events / behind), events / Math.Max(0.001, clock.GetElapsedTime(started).TotalSeconds));
                if (page.AtHead) break;
            }
            if (follower.Parked > progress.Parked)
                throw new InvalidOperationException($"The rebuild parked {follower.Parked} facts, the serving generation {progress.Parked}.");
            progress.ChangeOver(made);
            logger.LogInformation("Projection {Projection}: generation {Generation} is built from {Events} facts and takes over", projection.Name, made.Number, events);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            progress.Rebuild = null;
            logger.LogError(e, "The rebuild of {Projection} ended; what serves is as it was", projection.Name);
        }
    }
}

using Hindcast.Application.EventSourcing;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// A generation that is built beside the serving one and then takes its place.
/// </summary>
/// <remarks>
/// The order is: tables without indexes, all facts up to the head, indexes, the facts that came meanwhile; then the follower of the old one
/// stops between two pages, both are brought to one position, the pointer flips in one transaction, and the old one goes after a while.
/// A generation with a number above the serving one's is a wish that stands in the catalogue: after a crash before the flip, whoever owns the
/// projection next goes on from its checkpoint; after the flip, the one with the lower number is dropped.
/// </remarks>
sealed class Beside(
    Projection projection, Generation generation, ProjectionProgress progress, long epoch, IEventLog log, IReadStore store, TimeProvider clock, ILogger logger)
{
    readonly Follower _follower = new(projection, generation, store, clock, epoch);
    readonly long _started = clock.GetTimestamp();
    LogPosition _at;
    long _events;

    public Generation Generation => generation;

    /// <summary>Brings it to the head, with everything readers need.</summary>
    /// <param name="carefully">Page by page, after an attempt that failed.</param>
    public async Task BuildAsync(bool carefully, CancellationToken ct)
    {
        _at = await _follower.StartAsync(ct);
        var all = await log.CountAsync(LogPosition.Start, ct);
        if (!carefully) _follower.Ahead();
        await ToHeadAsync(all, ct);
        await _follower.InStepAsync(ct);
        await store.FinishAsync(projection, generation.Number, ct);
        await ToHeadAsync(all, ct);
    }

    /// <summary>Takes the place of what serves; null when that may not be.</summary>
    /// <param name="old">The follower of what serves, stopped; null when nothing of this shape does: whatever could not be applied, it is better than that.</param>
    public async Task<(Follower Follower, LogPosition At, Task Compared)?> TakeOverAsync(Following? old, CancellationToken ct)
    {
        if (old is not null)
        {
            if (_at < old.At) _at = await ToAsync(_follower, _at, old.At, ct);
            else if (old.At < _at) await ToAsync(old.Follower, old.At, _at, ct);

            if (_follower.Parked > 0 && !generation.AcceptParked)
            {
                Ended(served: false, false, [$"{_follower.Parked} facts could not be applied ({old.Follower.Parked} of what serves): 'hindcast projections rebuild {projection.Name} --accept-parked' takes over all the same."]);
                logger.LogError("The rebuild of {Projection} parked {Parked} facts and does not take over; what serves is as it was", projection.Name, _follower.Parked);
                return null;
            }
        }
        var comparison = old is null ? null : await Comparison.BeginAsync(store, projection, old.Follower.Generation, generation, ct);
        await store.ServeAsync(generation, epoch, ct);
        logger.LogInformation("Projection {Projection}: generation {Generation} is built from {Events} facts and serves", projection.Name, generation.Number, _events);
        Ended(served: true, null, []);
        return (_follower, _at, comparison is null ? Task.CompletedTask : Task.Run(() => CompareAsync(comparison, ct), CancellationToken.None));
    }

    async Task CompareAsync(Comparison comparison, CancellationToken ct)
    {
        await using (comparison)
        {
            IReadOnlyList<string> differences;
            try
            {
                differences = await comparison.DifferencesAsync(ct);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                differences = [$"The rows could not be compared: {e.Message}"];
            }
            progress.Rebuilt = progress.Rebuilt! with { Equal = differences.Count == 0, Differences = differences };
            foreach (var difference in differences) logger.LogWarning("Projection {Projection}: {Difference}", projection.Name, difference);
        }
    }

    void Ended(bool served, bool? equal, IReadOnlyList<string> differences)
    {
        progress.Rebuild = null;
        progress.Rebuilt = new(generation.Number, _events, Math.Round(clock.GetElapsedTime(_started).TotalSeconds, 1), served, equal, differences);
    }

    async Task ToHeadAsync(long all, CancellationToken ct)
    {
        await foreach (var page in log.FollowAheadAsync(_at, ct))
        {
            if (page.Records.Count > 0) _at = await _follower.ApplyAsync(page, _at, ct);
            _events += page.Records.Count;
            var left = page.AtHead ? 0 : await log.CountAsync(_at, ct);
            var rate = _events / Math.Max(0.001, clock.GetElapsedTime(_started).TotalSeconds);
            progress.Rebuild = new(
                generation.Number, _at.Value, all == 0 ? 100 : Math.Clamp(100.0 * (all - left) / all, 0, 100), Math.Round(rate), rate > 0 ? Math.Round(left / rate) : null);
            if (page.AtHead) return;
        }
    }

    /// <summary>Brings a follower exactly to a position that another has reached.</summary>
    async Task<LogPosition> ToAsync(Follower follower, LogPosition at, LogPosition to, CancellationToken ct)
    {
        await foreach (var page in log.FollowAsync(at, ct))
        {
            var last = page.Last < to ? page.Last : to;
            at = await follower.ApplyAsync(new([.. page.Records.Where(r => r.Position <= to)], last, false), at, ct);
            if (at == to) break;
        }
        return at;
    }
}

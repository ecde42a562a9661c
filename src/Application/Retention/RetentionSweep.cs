using System.Collections.Concurrent;
using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Retention;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Retention;

/// <param name="Held">More would go than goes without being asked for: nothing went.</param>
/// <param name="Gone">Of this run; <paramref name="Of"/> in all, once it is over.</param>
public sealed record SweepProgress(DateTimeOffset Began, bool Running, bool Held, int Gone, int Of);

/// <summary>Lets go of traces that are older than their projects keep them: every hour, and when somebody sets how long.</summary>
/// <remarks>
/// A trace that has expired is marked in the vault, which makes its contents unreadable to everybody here at once; then its tombstone is appended, behind
/// which it takes nothing more; the projections come to that and delete its rows, and a rebuild does the same. A crash in between is
/// finished by the next start, as an erasure is. Where contents are sealed, the keys of a week are destroyed whole once nothing that is kept was recorded in it:
/// to take single traces' keys out costs 16 KB each.
/// </remarks>
public sealed class RetentionSweep(
    Retentions settings, ExpiredTraces expired, Erasures erasures, ISubjectKeys keys, ServingModels models, TimeProvider clock, ILogger<RetentionSweep> logger) : BackgroundService
{
    const int Together = 500;
    static readonly TimeSpan s_every = TimeSpan.FromHours(1), s_patience = TimeSpan.FromSeconds(30);

    readonly SemaphoreSlim _woken = new(0, 1), _one = new(1);
    readonly ConcurrentDictionary<string, SweepProgress> _progress = new(StringComparer.Ordinal);

    public SweepProgress? ProgressOf(string project) => _progress.GetValueOrDefault(project);

    /// <summary>Somebody set something: do not wait for the hour.</summary>
    public void Wake()
    {
        if (_woken.CurrentCount == 0) _woken.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await ((Task)_woken.WaitAsync(s_every, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested) await SweepAsync(stoppingToken);
        }
    }

    public async Task SweepAsync(CancellationToken ct)
    {
        await _one.WaitAsync(ct);
        try
        {
            foreach (var (project, set) in settings.All)
                if (set.Days is { } days) await SweepAsync(project, set, days, ct);
        }
        catch (Exception e) when (e is Unavailable or LogUnavailable or QueryTooSlow or System.Data.Common.DbException)
        {
            logger.LogWarning("Traces that are too old stay for another hour: {Reason}", e.Message);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // What was begun is finished by the next start.
        }
        finally
        {
            _one.Release();
        }
    }

    async Task SweepAsync(string project, RetentionSet set, int days, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var limit = now.AddDays(-days);
        await erasures.CatchUpAsync(ct);
        var count = await expired.CountAsync(project, limit, set.ConfirmedAt?.AddDays(-days), ct);
        _progress[project] = new(now, Running: count.Expired > 0, count.NeedsConfirmation, 0, count.Expired);
        if (count.NeedsConfirmation)
        {
            _progress[project] = _progress[project] with { Running = false };
            logger.LogWarning("{Expired} of {Traces} traces of project {Project} have expired: more than go at once unless somebody confirms it", count.Expired, count.Traces, project);
            return;
        }

        var last = LogPosition.Start;
        foreach (var traces in (await expired.FindAsync(project, limit, ct)).Chunk(Together))
        {
            ct.ThrowIfCancellationRequested();
            last = await LetGoAsync(project, traces);
            _progress[project] = _progress[project] with { Gone = _progress[project].Gone + traces.Length };
        }
        if (last > LogPosition.Start) await models.ReachAsync("traces", last, s_patience, clock, ct);
        await DestroyWeeksAsync(project, limit, ct);
        _progress[project] = _progress[project] with { Running = false };
    }

    /// <summary>Once begun it goes to its end.</summary>
    async Task<LogPosition> LetGoAsync(string project, string[] traces) =>
        await erasures.RunAsync(
            new(Guid.CreateVersion7(clock.GetUtcNow()), project, "retention", null, traces, []) { Expired = true }, [.. traces.Select(t => new Erasures.Found(t, LogPosition.Start, [], 0))], CancellationToken.None);

    async Task DestroyWeeksAsync(string project, DateTimeOffset limit, CancellationToken ct)
    {
        var over = new List<KeyRoot>();
        foreach (var root in keys.RootsOf(project))
            if (Time.WeekEnd(root.Week) is var end && end <= limit && !await expired.AnyInAsync(project, end.AddDays(-7), end, ct)) over.Add(root);
        if (over.Count > 0) keys.Destroy(over);
    }
}

using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Retention;

/// <param name="Traces">All that the project has.</param>
/// <param name="Expired">Those that are older than it keeps them.</param>
/// <param name="Unconfirmed">Of them, those that nobody agreed to.</param>
public sealed record ExpiredCount(int Traces, int Expired, int Unconfirmed)
{
    /// <summary>Up to here nobody is asked.</summary>
    const int Few = 100;

    /// <summary>More than a tenth of a project at once is a clock that jumped or a slip of the hand until somebody says otherwise.</summary>
    public bool NeedsConfirmation => Unconfirmed > Math.Max(Few, Traces / 10);
}

/// <summary>Looks for traces whose last fact was recorded before a moment.</summary>
public sealed class ExpiredTraces(ServingModels models)
{
    /// <summary>So many are let go of in one run; the next one goes on.</summary>
    const int MostAtOnce = 100_000;

    /// <param name="before">Older ones have expired.</param>
    /// <param name="confirmed">Older ones somebody agreed to.</param>
    public async Task<ExpiredCount> CountAsync(string project, DateTimeOffset? before, DateTimeOffset? confirmed, CancellationToken ct)
    {
        await using var db = models.Open("traces");
        var all = await db.Set<RunRow>().CountAsync(r => r.Project == project, ct);
        if (before is not { } limit) return new(all, 0, 0);
        var expired = await Older(db, project, limit).CountAsync(ct);
        var agreed = confirmed is { } then ? await Older(db, project, then < limit ? then : limit).CountAsync(ct) : 0;
        return new(all, expired, expired - agreed);
    }

    public async Task<List<string>> FindAsync(string project, DateTimeOffset before, CancellationToken ct)
    {
        await using var db = models.Open("traces");
        return await Older(db, project, before).OrderBy(r => r.Day).ThenBy(r => r.TraceId).Take(MostAtOnce).Select(r => r.TraceId).ToListAsync(ct);
    }

    /// <summary>Whether anything the project keeps was recorded in a week, or may have been: what is parked is nobody's row.</summary>
    public async Task<bool> AnyInAsync(string project, DateTimeOffset from, DateTimeOffset to, CancellationToken ct)
    {
        var (first, last) = (from.Micros(), to.Micros());
        await using var db = models.Open("traces");
        return await db.Set<FactRow>().AnyAsync(f => f.Project == project && f.RecordedAt >= first && f.RecordedAt < last, ct) || await db.Set<ParkedRow>().AnyAsync(ct);
    }

    /// <summary>A trace's day is that of its first fact: younger ones need no look at their facts.</summary>
    static IQueryable<RunRow> Older(ReadDb db, string project, DateTimeOffset before)
    {
        var (day, limit) = (before.Day(), before.Micros());
        return db.Set<RunRow>().Where(r => r.Project == project && r.Day <= day
            && !db.Set<FactRow>().Any(f => f.Project == r.Project && f.TraceId == r.TraceId && f.Day == r.Day && f.RecordedAt >= limit));
    }
}

using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain;

namespace Hindcast.Application.Operations;

/// <param name="Serving">SHA-256 of the rows that serve; null when nothing does.</param>
/// <param name="Rebuilt">SHA-256 of the rows that follow from the log.</param>
public sealed record ProjectionVerdict(string Name, LogPosition Position, string? Serving, string? Rebuilt, long Rows, int Parked)
{
    public bool Equal => Serving is not null && Serving == Rebuilt;
}

/// <summary>
/// Shows that the read models are what follows from the log: builds each a second time beside the serving one, from position zero, brings
/// both to the head, and compares them row by row, as one hash. The second one is removed; nothing that serves is changed but brought up
/// to date. For stopped servers: it takes ownership while it works, and waits for nobody to give it up.
/// </summary>
/// <exception cref="RuleBroken">A running server owns a projection.</exception>
public sealed class VerifyProjections(IEventLog log, IReadStore store, IEnumerable<Projection> projections, TimeProvider clock)
{
    public async Task<IReadOnlyList<ProjectionVerdict>> RunAsync(IProgress<(string Name, LogPosition At, LogPosition Head)> progress, CancellationToken ct)
    {
        var verdicts = new List<ProjectionVerdict>();
        foreach (var projection in projections) verdicts.Add(await VerifyAsync(projection, progress, ct));
        return verdicts;
    }

    async Task<ProjectionVerdict> VerifyAsync(Projection projection, IProgress<(string, LogPosition, LogPosition)> progress, CancellationToken ct)
    {
        var all = (await store.GenerationsAsync(ct)).Where(g => g.Projection == projection.Name).ToList();
        if (all.FirstOrDefault(g => g.Serving && g.Version == projection.Version && g.LogId == log.Id) is not { } serving)
            return new(projection.Name, LogPosition.Start, null, null, 0, 0);

        var tenure = await store.OwnAsync(projection.Name, 0, null, ct);
        if (!tenure.Ours) throw new ProjectionIsOwned(projection.Name, tenure.Node);
        var head = await log.HeadAsync(ct);
        await FollowAsync(projection, serving, tenure.Epoch, head, progress, ct);
        var rebuilt = serving with { Number = all.Max(g => g.Number) + 1, Serving = false };
        await store.CreateAsync(projection, rebuilt, ct);
        try
        {
            var parked = await FollowAsync(projection, rebuilt, tenure.Epoch, head, progress, ct);
            var (servingHash, rows) = await HashAsync(projection, serving, ct);
            var (rebuiltHash, _) = await HashAsync(projection, rebuilt, ct);
            return new(projection.Name, head, servingHash, rebuiltHash, rows, parked);
        }
        finally
        {
            await store.DropAsync(rebuilt, CancellationToken.None);
            await store.LeaveAsync(projection.Name, tenure.Epoch, CancellationToken.None);
        }
    }

    async Task<int> FollowAsync(
        Projection projection, Generation generation, long epoch, LogPosition head, IProgress<(string, LogPosition, LogPosition)> progress,
        CancellationToken ct)
    {
        var follower = new Follower(projection, generation, store, clock, epoch);
        var at = await follower.StartAsync(ct);
        if (at >= head) return follower.Parked;
        await foreach (var page in log.FollowAsync(at, ct))
        {
            if (page.Records.Count > 0) at = await follower.ApplyAsync(page, at, ct);
            progress.Report((projection.Name, at, head));
            if (page.AtHead || at >= head) break;
        }
        return follower.Parked;
    }

    async Task<(string Sha256, long Rows)> HashAsync(Projection projection, Generation generation, CancellationToken ct)
    {
        await using var db = await store.SnapshotAsync(projection, generation.Number, ct);
        return await CanonicalDump.HashAsync(db, ct);
    }
}

public sealed class ProjectionIsOwned(string projection, string node) : RuleBroken($"'{projection}' is written by the server on {node}; stop it first.");

using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Intake;

/// <summary>What each source sent in some time, and what became of it. Two ledgers side by side: what the doors counted, and what the log and its read models hold.</summary>
/// <param name="From">Taken back to the start of its minute, as <paramref name="To"/> is put off to the end of its own.</param>
/// <exception cref="Unavailable">The read models are being built in a new shape.</exception>
public sealed record GetCompleteness(Caller Caller, DateTimeOffset From, DateTimeOffset To) : IRequest<Completeness>
{
    /// <summary>How many facts that cannot be read yet are counted one by one.</summary>
    internal const int MostPending = 100_000;

    internal sealed class Handler(IEventLog log, IReadStore store, IEnumerable<Projection> projections, IIntakeStore intake, IntakeCare care) : IRequestHandler<GetCompleteness, Completeness>
    {
        public async Task<Completeness> Handle(GetCompleteness query, CancellationToken ct)
        {
            var traces = projections.OfType<TracesProjection>().Single();
            var minute = BucketKey.Micros(BucketWidth.Minute);
            var (from, to) = (BucketKey.StartOf(query.From.Micros(), BucketWidth.Minute), BucketKey.StartOf(query.To.Micros() + minute - 1, BucketWidth.Minute));
            var ledger = new SourceLedger(query.Caller.Projects, from, to);

            // The doors first: what is stored while this is being asked then shows as stored, and not as lost.
            await care.WriteAsync(ct);
            foreach (var row in await intake.SumAsync(query.Caller.Projects, Time.At(from), Time.At(to), ct)) ledger.Counted(row);
            var runs = await intake.RunsAsync(ct);

            var serving = (await store.GenerationsAsync(ct)).SingleOrDefault(g => g.Projection == traces.Name && g.Serving && g.LogId == log.Id && g.Version == traces.Version)
                ?? throw new Unavailable("What was stored is counted by a shape of the read models that is being built.", TimeSpan.FromSeconds(5));
            long at;
            List<ParkedRow> parked;
            await using (var db = await store.SnapshotAsync(traces, serving.Number, ct))
            {
                at = (await db.Set<CheckpointRow>().AsNoTracking().SingleAsync(ct)).Position;
                var rows = db.Set<SourceRow>().AsNoTracking().Where(x => x.Minute >= from && x.Minute < to);
                if (query.Caller.Projects is { } projects) rows = rows.Where(x => projects.Contains(x.Project));
                foreach (var row in await rows.GroupBy(x => new { x.Project, x.Dialect, x.KeyId })
                    .Select(g => new { g.Key, Stored = g.Sum(x => x.Stored), Projected = g.Sum(x => x.Projected) }).ToListAsync(ct))
                    ledger.Applied(new(row.Key.Project, 0, row.Key.Dialect, row.Key.KeyId), row.Stored, row.Projected);
                parked = await db.Set<ParkedRow>().AsNoTracking().ToListAsync(ct);
            }
            foreach (var row in parked.Where(p => ledger.Asks(new(p.Stream))))
                if (await log.AtAsync(new(row.Position), ct) is { } record) ledger.Parked(record);
            var lag = await log.CountAsync(new(at), ct);
            if (lag > MostPending) ledger.PendingUnknown();
            else if (lag > 0)
            {
                var head = await log.HeadAsync(ct);
                await foreach (var page in log.FollowAsync(new(at), ct))
                {
                    foreach (var record in page.Records) ledger.Pending(record);
                    if (page.AtHead || page.Last >= head) break;
                }
            }
            return new(Time.At(from), Time.At(to), runs[0].From, care.CountedUntil, GapsOf(runs, Time.At(from), Time.At(to)), new(at), lag, ledger.Lines());
        }

        /// <summary>From the last count that a killed process wrote down to the next one's start.</summary>
        static IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> GapsOf(IReadOnlyList<IntakeRun> runs, DateTimeOffset from, DateTimeOffset to) =>
            [.. runs.Zip(runs.Skip(1)).Where(x => !x.First.Ended && x.First.Until < to && x.Second.From > from).Select(x => (x.First.Until, x.Second.From))];
    }
}

using System.Collections.Concurrent;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>How far the re-pricing of each project has come, for those who watch; nothing is under way where nothing stands.</summary>
public sealed class RepricingProgress
{
    readonly ConcurrentDictionary<string, (int Done, int Total)> _running = new(StringComparer.Ordinal);

    /// <summary>Traces whose money is computed anew.</summary>
    public (int Done, int Total)? Of(string project) => _running.TryGetValue(project, out var progress) ? progress : null;

    public void At(string project, int done, int total) => _running[project] = (done, total);

    public void Ended(string project) => _running.TryRemove(project, out _);
}

/// <summary>
/// Computes the money of spans and runs anew that were written under an older book. Only costs change; tokens are facts. It runs in the
/// transaction of the page that brought the prices: a crash leaves the old prices with the old money, and the page is applied again.
/// </summary>
static class Repricing
{
    const int Together = 200;

    /// <param name="newer">Spans and traces the page writes itself, under the new book already.</param>
    public static async Task RunAsync(
        string project, IReadOnlyList<Price> set, PriceBook book, Func<TraceKey, IReadOnlyCollection<string>?> newer, IReadBatch batch, Func<ReadDb> open,
        RepricingProgress progress, CancellationToken ct)
    {
        try
        {
            await using var db = open();
            var from = set.Min(p => p.ValidFrom).Micros();
            var names = set.Select(p => ModelName.Of(p.Model)).ToHashSet(StringComparer.Ordinal);
            var spans = db.Set<SpanRow>().Where(x => x.Project == project && x.StartedAt >= from && x.Model != null && x.TotalTokens != null);
            var models = (await spans.Select(x => x.Model!).Distinct().ToListAsync(ct))
                .FindAll(m => names.Contains(ModelName.Of(m)) || names.Contains(ModelName.WithoutDate(m)));
            if (models.Count == 0) return;

            var traces = await spans.Where(x => models.Contains(x.Model!)).Select(x => x.TraceId).Distinct().ToListAsync(ct);
            for (var at = 0; at < traces.Count; at += Together)
            {
                progress.At(project, at, traces.Count);
                await RepriceAsync(db, project, traces.GetRange(at, Math.Min(Together, traces.Count - at)), book, newer, batch, ct);
            }
        }
        finally
        {
            progress.Ended(project);
        }
    }

    static async Task RepriceAsync(
        ReadDb db, string project, List<string> ids, PriceBook book, Func<TraceKey, IReadOnlyCollection<string>?> newer, IReadBatch batch, CancellationToken ct)
    {
        var runs = await db.Set<RunRow>().AsNoTracking().Where(x => x.Project == project && ids.Contains(x.TraceId)).ToListAsync(ct);
        var spans = (await db.Set<SpanRow>().AsNoTracking().Where(x => x.Project == project && ids.Contains(x.TraceId)).Select(ColdTraces.WithoutTexts).ToListAsync(ct))
            .ToLookup(x => x.TraceId, StringComparer.Ordinal);
        var changed = new List<SpanRow>();
        foreach (var run in runs)
        {
            var written = newer(new(project, run.TraceId));
            foreach (var span in spans[run.TraceId])
            {
                var before = span.Cost();
                span.Pay(span.CacheHit ? Cost.Nothing : book.CostOf(span.Usage(), span.Model, Time.At(span.StartedAt)));
                if (span.Cost() != before && written?.Contains(span.SpanId) != true) changed.Add(span);
            }
            var (cost, unpriced) = RunRow.Sum(CountedUsage.Of([.. spans[run.TraceId]], s => new(s.SpanId, s.ParentSpanId, s.Kind, s.Usage())).Select(s => s.Cost()));
            run.Pay(cost, unpriced);
        }
        await batch.UpsertAsync(changed, ct);
        await batch.UpsertAsync(runs.FindAll(r => newer(new(project, r.TraceId)) is null), ct);
    }
}

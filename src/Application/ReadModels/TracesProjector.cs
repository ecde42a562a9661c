using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Folds facts into traces and writes what changed. Traces in use stay in memory without their texts, so a page costs no reading while
/// its traces are warm; a cold one is read back from its own rows, never from the log.
/// </summary>
sealed class TracesProjector(FactReader reader, PriceBook prices, Func<ReadDb> open) : IProjector
{
    readonly WarmTraces _warm = new();
    readonly List<Touched> _page = [];
    /// <summary>Buckets as they were last written; the current minute's are asked for by every page.</summary>
    readonly Dictionary<BucketKey, BucketRow> _buckets = [];

    /// <summary>A trace as this page changes it.</summary>
    sealed class Touched(TraceKey key, Trace trace)
    {
        public TraceKey Key => key;
        public Trace Trace => trace;
        public TraceSummary? Before { get; init; }
        public TraceSummary? After { get; set; }
        public List<(Fact Fact, FactRow Row)> Facts { get; } = [];
        /// <summary>Spans that change, as they were before; null for new ones.</summary>
        public Dictionary<string, Span?> Spans { get; } = new(StringComparer.Ordinal);
    }

    public async Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct)
    {
        _page.Clear();
        var touched = new Dictionary<TraceKey, Touched>();
        foreach (var fact in facts)
        {
            // Facts of keys, agents and settings have no trace: they are other projections' business.
            if (fact.Header.TraceId is not { } traceId) continue;
            try
            {
                var e = reader.Read(fact);
                var key = new TraceKey(fact.Header.Project, traceId);
                if (!touched.TryGetValue(key, out var trace)) touched[key] = trace = await TouchAsync(key, fact, ct);
                Apply(trace, fact, e);
            }
            catch (Exception e) when (IsTheFactsFault(e))
            {
                park(fact, e);
            }
        }

        var rows = new PageRows();
        foreach (var trace in touched.Values) Compose(trace, rows);
        _page.AddRange(touched.Values);
        await rows.WriteAsync(batch, _buckets, open, ct);
    }

    public void Committed()
    {
        foreach (var touched in _page)
        {
            touched.Trace.DropTexts(touched.Spans.Keys);
            _warm.Keep(touched.Key, touched.Trace, touched.After ?? touched.Before);
        }
        _page.Clear();
    }

    static bool IsTheFactsFault(Exception e) => e is not (OperationCanceledException or Unavailable or System.Data.Common.DbException);

    async Task<Touched> TouchAsync(TraceKey key, Fact first, CancellationToken ct)
    {
        if (_warm.Take(key) is { } warm) return new(key, warm.Trace) { Before = warm.Summary };
        if (first.Revision == 0) return new(key, new(key.TraceId));
        var trace = await LoadAsync(key, ct);
        return new(key, trace) { Before = trace.EventCount == 0 ? null : TraceSummary.Of([.. trace.Spans.Values]) };
    }

    async Task<Trace> LoadAsync(TraceKey key, CancellationToken ct)
    {
        await using var db = open();
        var trace = new Trace(key.TraceId);
        var known = await db.Set<FactRow>().Where(x => x.Project == key.Project && x.TraceId == key.TraceId).Select(x => x.EventId).ToListAsync(ct);
        // The texts stay where they are.
        var spans = await db.Set<SpanRow>().AsNoTracking().Where(x => x.Project == key.Project && x.TraceId == key.TraceId).ToListAsync(ct);
        trace.Restore(known.Select(id => new Guid(id, bigEndian: true)), spans.Select(SpanMerge.Read));
        return trace;
    }

    static void Apply(Touched touched, Fact fact, SpanEvent e)
    {
        var before = e.SpanId is { } id && touched.Trace.Spans.TryGetValue(id, out var span) ? span : null;
        var row = FactRow.Of(fact, e);
        if (!touched.Trace.Apply(e)) return;
        touched.Facts.Add((fact, row));
        if (e is not ScoreGiven && e.SpanId is { } spanId) touched.Spans.TryAdd(spanId, before);
    }

    void Compose(Touched touched, PageRows rows)
    {
        if (touched.Facts.Count == 0) return;
        var (project, traceId) = (touched.Key.Project, touched.Key.TraceId);
        var summary = touched.After = TraceSummary.Of([.. touched.Trace.Spans.Values]);

        // Who the trace belongs to shows on every span that does not say it itself.
        if (touched.Before is { } was && (was.UserId != summary.UserId || was.SessionId != summary.SessionId))
            foreach (var span in touched.Trace.Spans.Values)
                if (span.UserId is null || span.SessionId is null) touched.Spans.TryAdd(span.Id, span);

        foreach (var (spanId, before) in touched.Spans)
        {
            var after = touched.Trace.Spans[spanId];
            rows.Spans.Add(SpanRow.Of(project, traceId, after, summary, prices));
            if (after.Status == SpanStatus.Error) rows.Failures.Add(FailureRow.Of(project, traceId, after, summary));
            else if (before?.Status == SpanStatus.Error) rows.Mended.Add(FailureRow.Of(project, traceId, after, summary));
            rows.Count(project, before, after);
        }

        rows.Facts.AddRange(touched.Facts.Select(f => f.Row));
        var run = RunRow.Of(project, touched.Trace, summary, prices);
        (run.LastPosition, run.LastRevision) = (touched.Facts[^1].Fact.Position.Value, touched.Facts[^1].Fact.Revision);
        rows.Runs.Add(run);
    }
}

readonly record struct TraceKey(string Project, string TraceId);

/// <summary>Rows that one page changes, table by table.</summary>
sealed class PageRows
{
    const int MostWarmBuckets = 2_000;

    readonly Dictionary<BucketKey, BucketChange> _buckets = [];

    public List<SpanRow> Spans { get; } = [];
    public List<RunRow> Runs { get; } = [];
    public List<FactRow> Facts { get; } = [];
    public List<FailureRow> Failures { get; } = [];
    public List<FailureRow> Mended { get; } = [];

    public void Count(string project, Span? before, Span after)
    {
        if (before is not null) Count(project, before, -1);
        Count(project, after, +1);
    }

    void Count(string project, Span span, int sign)
    {
        if (BucketKey.Of(project, span) is not { } key) return;
        if (!_buckets.TryGetValue(key, out var change)) _buckets[key] = change = new();
        change.Count(span, sign);
    }

    public async Task WriteAsync(IReadBatch batch, Dictionary<BucketKey, BucketRow> warm, Func<ReadDb> open, CancellationToken ct)
    {
        await batch.UpsertAsync(Facts, ct);
        await batch.UpsertAsync(Spans, ct);
        await batch.UpsertAsync(Runs, ct);
        await batch.UpsertAsync(Failures, ct);
        await batch.DeleteAsync(Mended, ct);

        if (warm.Count > MostWarmBuckets) warm.Clear();
        var changed = new List<BucketRow>(_buckets.Count);
        foreach (var (key, change) in _buckets)
            changed.Add(warm[key] = change.Apply(key, warm.TryGetValue(key, out var row) ? row : await LoadAsync(key, open, ct)));
        await batch.UpsertAsync(changed.FindAll(r => r.Requests != 0), ct);
        await batch.DeleteAsync(changed.FindAll(r => r.Requests == 0), ct);
    }

    static async Task<BucketRow?> LoadAsync(BucketKey key, Func<ReadDb> open, CancellationToken ct)
    {
        await using var db = open();
        return await db.Set<BucketRow>().AsNoTracking().SingleOrDefaultAsync(
            x => x.Project == key.Project && x.Minute == key.Minute && x.Kind == key.Kind && x.Provider == key.Provider
                && x.Model == key.Model && x.Environment == key.Environment && x.Status == key.Status, ct);
    }
}

/// <summary>Traces lately in use, bounded by their spans and events, in two generations: what is not used for a while is let go.</summary>
sealed class WarmTraces
{
    const int Most = 15_000;

    Dictionary<TraceKey, (Trace Trace, TraceSummary? Summary)> _young = [];
    Dictionary<TraceKey, (Trace Trace, TraceSummary? Summary)> _old = [];
    int _weight;

    /// <summary>Takes a trace out, with what it added up to: whoever fails to finish with it must read it anew.</summary>
    public (Trace Trace, TraceSummary? Summary)? Take(TraceKey key) => _young.Remove(key, out var warm) || _old.Remove(key, out warm) ? warm : null;

    public void Keep(TraceKey key, Trace trace, TraceSummary? summary)
    {
        _young[key] = (trace, summary);
        _weight += 1 + trace.Spans.Count;
        if (_weight < Most) return;
        (_old, _young, _weight) = (_young, [], 0);
    }
}

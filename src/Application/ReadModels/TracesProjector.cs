using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Folds facts into traces and writes what changed. Traces in use stay in memory without their texts, so a page costs no reading while
/// its traces are warm; a cold one is read back from its own rows, never from the log.
/// </summary>
sealed class TracesProjector(FactReader reader, RepricingProgress repricing, Func<ReadDb> open, Streams? streams = null) : IProjector
{
    readonly WarmTraces _warm = new();
    readonly PriceBooks _prices = new(reader, open);
    readonly List<Touched> _page = [];
    /// <summary>Buckets as they were last written; the current minute's are asked for by every page.</summary>
    readonly Dictionary<BucketKey, BucketRow> _buckets = [];
    readonly SourceCounts _sources = new(open);

    /// <summary>A trace as this page changes it.</summary>
    sealed class Touched(TraceKey key, Trace trace)
    {
        public TraceKey Key => key;
        public Trace Trace => trace;
        public TraceSummary? Before { get; init; }
        public TraceSummary? After { get; set; }
        public List<(Fact Fact, FactRow Row)> Facts { get; } = [];
        /// <summary>Something of it was erased: all of its rows are written anew, from what can still be read.</summary>
        public Fact? Tombstone { get; init; }
        /// <summary>Of facts before this page, where they are written anew.</summary>
        public List<FactRow> Again { get; } = [];
        /// <summary>Users named by facts before this page, where they are read again.</summary>
        public HashSet<string> Subjects { get; } = [];
        /// <summary>All rows of it go; what it counts in buckets stays.</summary>
        public bool Expired => Tombstone?.Header.Type == Tombstones.Expired;
        /// <summary>Spans that change, as they were before; null for new ones.</summary>
        public Dictionary<string, Span?> Spans { get; } = new(StringComparer.Ordinal);
    }

    public async Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct)
    {
        _page.Clear();
        var touched = await TouchAsync(facts, ct);
        await ForgetAsync(touched, facts, ct);
        var set = await TakePricesAsync(facts, park, ct);
        foreach (var fact in facts)
        {
            // Facts of keys, agents and settings have no trace: they are other projections' business.
            if (fact.Header.TraceId is not { } traceId || Tombstones.Is(fact)) continue;
            try
            {
                var isNew = Apply(touched[new(fact.Header.Project, traceId)], fact, reader.Read(fact));
                _sources.Count(fact.Header, known: !isNew);
            }
            catch (Exception e) when (IsTheFactsFault(e))
            {
                park(fact, e);
            }
        }

        var rows = new PageRows();
        foreach (var trace in touched.Values) Compose(trace, rows, await _prices.OfAsync(trace.Key.Project, ct));
        _page.AddRange(touched.Values);
        await rows.WriteAsync(batch, _buckets, open, ct);
        await _sources.WriteAsync(batch, ct);
        foreach (var (project, prices) in set)
        {
            await batch.UpsertAsync([.. prices.Select(p => PriceRow.Of(project, p)).Reverse().DistinctBy(r => (r.Model, r.Provider, r.ValidFrom, r.KnownFrom))], ct);
            await Repricing.RunAsync(
                project, prices, await _prices.OfAsync(project, ct),
                key => touched.TryGetValue(key, out var trace) && (trace.Facts.Count > 0 || trace.Tombstone is not null) ? trace.Spans.Keys : null, batch, open, repricing, ct);
        }
    }

    /// <summary>Prices of a page come before its traces: all it writes is paid at the newest ones.</summary>
    async Task<Dictionary<string, List<Price>>> TakePricesAsync(IReadOnlyList<Fact> facts, Action<Fact, Exception> park, CancellationToken ct)
    {
        var set = new Dictionary<string, List<Price>>(StringComparer.Ordinal);
        foreach (var fact in facts)
        {
            try
            {
                if (await _prices.TakeAsync(fact, ct) is not { } prices) continue;
                if (!set.TryGetValue(fact.Header.Project, out var all)) set[fact.Header.Project] = all = [];
                all.AddRange(prices);
            }
            catch (System.Text.Json.JsonException e)
            {
                park(fact, e);
            }
        }
        return set;
    }

    public IReadOnlyList<Live.TraceChange> Changes =>
    [
        .. from touched in _page
           where touched.Facts.Count > 0
           select new Live.TraceChange(
               touched.Key.Project, touched.Key.TraceId, touched.Before is null ? touched.Facts[0].Fact.Position : null, touched.Facts[^1].Fact.Position),
    ];

    public void Committed()
    {
        foreach (var touched in _page)
        {
            if (touched.Expired) continue;
            touched.Trace.DropTexts(touched.Spans.Keys);
            _warm.Keep(touched.Key, touched.Trace, touched.After ?? touched.Before);
        }
        _warm.Turn();
        _page.Clear();
    }

    static bool IsTheFactsFault(Exception e) => e is not (OperationCanceledException or Unavailable or System.Data.Common.DbException);

    /// <summary>The traces of a page: the warm ones, the new ones, and the cold ones, which are read back together.</summary>
    async Task<Dictionary<TraceKey, Touched>> TouchAsync(IReadOnlyList<Fact> facts, CancellationToken ct)
    {
        var touched = new Dictionary<TraceKey, Touched>();
        var cold = new List<TraceKey>();
        foreach (var fact in facts)
        {
            if (fact.Header.TraceId is not { } traceId) continue;
            var key = new TraceKey(fact.Header.Project, traceId);
            if (touched.ContainsKey(key)) continue;
            var warm = _warm.Take(key);
            if (warm is null && fact.Revision > 0) cold.Add(key);
            touched[key] = new(key, warm?.Trace ?? new(traceId)) { Before = warm?.Summary };
        }
        if (cold.Count == 0) return touched;

        await using var db = open();
        foreach (var (key, trace) in await ColdTraces.LoadAsync(db, cold, ct))
            touched[key] = new(key, trace) { Before = trace.EventCount == 0 ? null : TraceSummary.Of([.. trace.Spans.Values]) };
        return touched;
    }

    /// <summary>
    /// Folds the traces anew in which something was erased: their keys were gone before their tombstones were written, so nothing of it is read
    /// here any more, and a rebuild, which never reads it, comes to the same rows.
    /// </summary>
    async Task ForgetAsync(Dictionary<TraceKey, Touched> touched, IReadOnlyList<Fact> facts, CancellationToken ct)
    {
        foreach (var tombstone in facts.Where(Tombstones.Is).DistinctBy(f => f.Header.TraceId))
        {
            var key = new TraceKey(tombstone.Header.Project, tombstone.Header.TraceId!);
            var before = touched[key];
            var again = touched[key] = new(key, new(key.TraceId)) { Before = before.Before, Tombstone = tombstone };
            foreach (var (id, span) in before.Trace.Spans) again.Spans[id] = span;
            foreach (var (fact, e) in await Tombstones.ReadAgainAsync(streams!, reader, key, facts[0].Position, ct))
            {
                var row = FactRow.Of(fact, e);
                if (!again.Trace.Apply(e)) continue;
                again.Trace.RecordedIn(fact.Header.RecordedAt.Day());
                again.Again.Add(row);
                if (fact.Header.Subject is { } subject) again.Subjects.Add(subject);
            }
        }
    }

    /// <summary>False when the trace knew the fact already.</summary>
    static bool Apply(Touched touched, Fact fact, SpanEvent e)
    {
        var before = e.SpanId is { } id && touched.Trace.Spans.TryGetValue(id, out var span) ? span : null;
        var row = FactRow.Of(fact, e);
        if (!touched.Trace.Apply(e)) return false;
        touched.Trace.RecordedIn(fact.Header.RecordedAt.Day());
        touched.Facts.Add((fact, row));
        if (e is not ScoreGiven && e.SpanId is { } spanId) touched.Spans.TryAdd(spanId, before);
        return true;
    }

    static void Compose(Touched touched, PageRows rows, PriceBook prices)
    {
        if ((touched.Facts.Count == 0 && touched.Tombstone is null) || touched.Trace.EventCount == 0) return;
        var (project, traceId) = (touched.Key.Project, touched.Key.TraceId);
        var day = touched.Trace.Day!.Value;
        if (touched.Expired)
        {
            Expire(touched, rows, day);
            return;
        }
        var summary = touched.After = TraceSummary.Of([.. touched.Trace.Spans.Values]);

        // Who the trace belongs to shows on every span that does not say it itself.
        if (touched.Before is { } was && (was.UserId != summary.UserId || was.SessionId != summary.SessionId))
            foreach (var span in touched.Trace.Spans.Values)
                if (span.UserId is null || span.SessionId is null) touched.Spans.TryAdd(span.Id, span);

        foreach (var (spanId, before) in touched.Spans)
        {
            // Texts that stay when none is written have to go first.
            if (touched.Tombstone is not null && before is not null) rows.Forgotten.Add(new() { Project = project, TraceId = traceId, SpanId = spanId, Day = day });
            var after = touched.Trace.Spans[spanId];
            var row = SpanRow.Of(project, traceId, after, summary, prices);
            row.Day = day;
            (before is null ? rows.NewSpans : rows.Spans).Add(row);
            var fails = FailureRow.CategoryOf(after) is not null;
            if (fails || (before is not null && FailureRow.CategoryOf(before) is not null))
            {
                var failure = FailureRow.Of(project, traceId, after, summary);
                failure.Day = day;
                (fails ? rows.Failures : rows.Mended).Add(failure);
            }
            rows.Count(project, before, after);
        }

        foreach (var (fact, row) in touched.Facts)
        {
            row.Day = day;
            rows.Facts.Add(row);
            rows.Score(row);
            if (fact.Header.Subject is { } subject) rows.Subjects.Add((project, subject, traceId));
        }
        foreach (var row in touched.Again)
        {
            row.Day = day;
            rows.Again.Add(row);
            rows.Score(row);
        }
        var run = RunRow.Of(project, touched.Trace, summary, prices);
        var last = touched.Facts.Count > 0 && !(touched.Tombstone?.Revision > touched.Facts[^1].Fact.Revision) ? touched.Facts[^1].Fact : touched.Tombstone!;
        (run.Day, run.LastPosition, run.LastRevision) = (day, last.Position.Value, last.Revision);
        (touched.Before is null ? rows.NewRuns : rows.Runs).Add(run);
    }

    /// <summary>Nothing of it is a row any more. Buckets count it on, by what its headers say, as a rebuild does that never reads its contents.</summary>
    static void Expire(Touched touched, PageRows rows, int day)
    {
        var (project, traceId) = (touched.Key.Project, touched.Key.TraceId);
        foreach (var (spanId, before) in touched.Spans)
        {
            rows.Count(project, before, touched.Trace.Spans[spanId]);
            rows.Forgotten.Add(new() { Project = project, TraceId = traceId, SpanId = spanId, Day = day });
            rows.Mended.Add(new() { Project = project, TraceId = traceId, SpanId = spanId });
        }
        foreach (var row in touched.Again.Concat(touched.Facts.Select(f => f.Row)))
        {
            row.Day = day;
            rows.Expired.Add(row);
            if (row.Score is { } score) rows.Unsaid.Add(score);
        }
        foreach (var subject in touched.Subjects.Concat(touched.Facts.Select(f => f.Fact.Header.Subject).OfType<string>()).Distinct())
            rows.Unnamed.Add(new() { Project = project, Subject = subject, TraceId = traceId });
        rows.ExpiredRuns.Add(new() { Project = project, TraceId = traceId });
    }
}

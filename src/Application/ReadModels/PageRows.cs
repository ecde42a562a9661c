using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>Rows that one page changes, table by table.</summary>
sealed class PageRows
{
    const int MostWarmBuckets = 4_000;

    readonly Dictionary<BucketKey, BucketChange> _buckets = [];

    public List<SpanRow> NewSpans { get; } = [];
    public List<SpanRow> Spans { get; } = [];
    public List<RunRow> NewRuns { get; } = [];
    public List<RunRow> Runs { get; } = [];
    public List<FactRow> Facts { get; } = [];
    public List<ScoreRow> Scores { get; } = [];
    /// <summary>Scores that were erased.</summary>
    public List<ScoreRow> Unsaid { get; } = [];
    public List<FailureRow> Failures { get; } = [];
    public List<FailureRow> Mended { get; } = [];
    public HashSet<(string Project, string Subject, string TraceId)> Subjects { get; } = [];
    /// <summary>Spans to be written anew, and facts.</summary>
    public List<SpanRow> Forgotten { get; } = [];
    public List<FactRow> Again { get; } = [];
    /// <summary>What goes with traces that have expired.</summary>
    public List<RunRow> ExpiredRuns { get; } = [];
    public List<FactRow> Expired { get; } = [];
    public List<SubjectRow> Unnamed { get; } = [];

    public void Score(FactRow fact)
    {
        if (fact.Score is not { } score) return;
        score.Day = fact.Day;
        (score.Says ? Scores : Unsaid).Add(score);
    }

    public void Count(string project, Span? before, Span after)
    {
        if (before is not null) Count(project, before, -1);
        Count(project, after, +1);
    }

    void Count(string project, Span span, int sign)
    {
        if (BucketKey.Of(project, span) is not { } minute) return;
        var contribution = Contribution.Of(span);
        foreach (var width in BucketKey.Widths)
        {
            var key = minute.In(width);
            if (!_buckets.TryGetValue(key, out var change)) _buckets[key] = change = new();
            change.Count(contribution, sign);
        }
    }

    public async Task WriteAsync(IReadBatch batch, Dictionary<BucketKey, BucketRow> warm, Func<ReadDb> open, CancellationToken ct)
    {
        await batch.DeleteAsync(Forgotten, ct);
        await batch.UpsertAsync(Again, ct);
        await batch.InsertAsync(Facts, ct);
        await batch.UpsertAsync(Scores, ct);
        await batch.DeleteAsync(Unsaid, ct);
        await batch.UpsertAsync([.. Subjects.Select(s => new SubjectRow { Project = s.Project, Subject = s.Subject, TraceId = s.TraceId })], ct);
        await batch.InsertAsync(NewSpans, ct);
        await batch.UpsertAsync(Spans, ct);
        await batch.InsertAsync(NewRuns, ct);
        await batch.UpsertAsync(Runs, ct);
        await batch.UpsertAsync(Failures, ct);
        await batch.DeleteAsync(Mended, ct);
        await batch.DeleteAsync(ExpiredRuns, ct);
        await batch.DeleteAsync(Expired, ct);
        await batch.DeleteAsync(Unnamed, ct);

        if (warm.Count > MostWarmBuckets) warm.Clear();
        await LoadAsync(_buckets.Keys.Where(key => !warm.ContainsKey(key)).ToList(), warm, open, ct);
        var changed = new List<BucketRow>(_buckets.Count);
        foreach (var (key, change) in _buckets) changed.Add(change.Apply(warm[key]));
        await batch.UpsertAsync(changed.FindAll(r => r.Requests != 0), ct);
        await batch.DeleteAsync(changed.FindAll(r => r.Requests == 0), ct);
    }

    /// <summary>Reads back the buckets that are not in memory, those of one moment with one query; one that is nowhere is new.</summary>
    static async Task LoadAsync(List<BucketKey> keys, Dictionary<BucketKey, BucketRow> warm, Func<ReadDb> open, CancellationToken ct)
    {
        if (keys.Count == 0) return;
        var asked = keys.ToHashSet();
        foreach (var key in keys) warm[key] = key.Empty();
        await using var db = open();
        foreach (var moment in keys.GroupBy(key => (key.Project, key.Width, key.Start)).Select(g => g.Key))
        {
            var (project, width, start) = (moment.Project, (int)moment.Width, moment.Start);
            await foreach (var row in db.Set<BucketRow>().AsNoTracking().Where(x => x.Project == project && x.Width == width && x.Start == start).AsAsyncEnumerable().WithCancellation(ct))
            {
                var key = BucketKey.Of(row);
                // The neighbours that were not asked for are in memory, or not needed.
                if (asked.Contains(key)) warm[key] = row;
            }
        }
    }
}

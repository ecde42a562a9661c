using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>Rows that one page changes, table by table.</summary>
sealed class PageRows
{
    const int MostWarmBuckets = 2_000;

    readonly Dictionary<BucketKey, BucketChange> _buckets = [];

    public List<SpanRow> NewSpans { get; } = [];
    public List<SpanRow> Spans { get; } = [];
    public List<RunRow> NewRuns { get; } = [];
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
        await batch.InsertAsync(Facts, ct);
        await batch.InsertAsync(NewSpans, ct);
        await batch.UpsertAsync(Spans, ct);
        await batch.InsertAsync(NewRuns, ct);
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

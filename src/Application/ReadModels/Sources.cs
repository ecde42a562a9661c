using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Application.EventSourcing;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>How many facts of traces were recorded in one minute, by the dialect that read them in and the key they came with.</summary>
[Table("sources"), PrimaryKey(nameof(Project), nameof(Minute), nameof(Dialect), nameof(KeyId))]
public sealed class SourceRow
{
    public string Project { get; set; } = "";
    /// <summary>Its first µs, UTC.</summary>
    public long Minute { get; set; }
    public string Dialect { get; set; } = "";
    /// <summary>Empty where unknown: a key holds no null.</summary>
    public string KeyId { get; set; } = "";
    /// <summary>Those that could be applied; one that stands in the log twice counts twice.</summary>
    [ByArrival] public long Stored { get; set; }
    /// <summary>Those that had an effect; one that stands there twice has one.</summary>
    public long Projected { get; set; }
}

/// <summary>The key of a <see cref="SourceRow"/>.</summary>
public readonly record struct SourceKey(string Project, long Minute, string Dialect, string KeyId)
{
    public static SourceKey Of(Header header) =>
        new(header.Project, BucketKey.StartOf(header.RecordedAt.Micros(), BucketWidth.Minute), header.Source.Dialect, header.Source.KeyId ?? "");
}

/// <summary>Counts the facts of pages by their source.</summary>
sealed class SourceCounts(Func<ReadDb> open)
{
    const int MostWarm = 4_000;

    readonly Dictionary<SourceKey, (long Stored, long Projected)> _page = [];
    /// <summary>Rows as they were last written.</summary>
    readonly Dictionary<SourceKey, SourceRow> _warm = [];
    /// <summary>No minute behind it has a row; null until the rows were asked. Time goes on, so they are hardly asked again.</summary>
    long? _newest;

    public void Count(Header header, bool known)
    {
        var key = SourceKey.Of(header);
        var (stored, projected) = _page.GetValueOrDefault(key);
        _page[key] = (stored + 1, projected + (known ? 0 : 1));
    }

    public async Task WriteAsync(IReadBatch batch, CancellationToken ct)
    {
        if (_page.Count == 0) return;
        if (_warm.Count > MostWarm) _warm.Clear();
        await LoadAsync([.. _page.Keys.Where(key => !_warm.ContainsKey(key))], ct);
        foreach (var (key, (stored, projected)) in _page)
        {
            _warm[key].Stored += stored;
            _warm[key].Projected += projected;
        }
        await batch.UpsertAsync([.. _page.Keys.Select(key => _warm[key])], ct);
        _page.Clear();
    }

    async Task LoadAsync(List<SourceKey> keys, CancellationToken ct)
    {
        if (keys.Count == 0) return;
        if (_newest is null || keys.Exists(key => key.Minute <= _newest))
        {
            await using var db = open();
            _newest ??= await db.Set<SourceRow>().MaxAsync(x => (long?)x.Minute, ct) ?? Time.Earliest;
            foreach (var (project, minute) in keys.Where(key => key.Minute <= _newest).Select(key => (key.Project, key.Minute)).Distinct())
                await foreach (var row in db.Set<SourceRow>().AsNoTracking().Where(x => x.Project == project && x.Minute == minute).AsAsyncEnumerable().WithCancellation(ct))
                    _warm.TryAdd(new(row.Project, row.Minute, row.Dialect, row.KeyId), row);
        }
        foreach (var key in keys)
        {
            _warm.TryAdd(key, new() { Project = key.Project, Minute = key.Minute, Dialect = key.Dialect, KeyId = key.KeyId });
            _newest = Math.Max(_newest.Value, key.Minute);
        }
    }
}

using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>What went into a span and what came out of it, as a person reads it: the table that texts are looked for in.</summary>
[Table("texts"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(SpanId))]
public sealed class TextRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    [KeepWhenNull] public string? Input { get; set; }
    [KeepWhenNull] public string? Output { get; set; }
    /// <summary>Who told them; see <see cref="SpanMerge"/>.</summary>
    public byte[] Merge { get; set; } = [];
}

/// <summary>
/// Texts, apart from all else: an index of words costs more than the rest of a span together, and trees, lists and figures do not wait
/// for it.
/// </summary>
public sealed class TextsProjection(FactReader reader, Streams? streams = null) : Projection
{
    public override string Name => "texts";

    public override int Version => 2;

    public override IReadOnlyList<Type> Rows { get; } = [typeof(TextRow)];

    /// <summary>Indexing the words of a span costs as much as all else that is done with it, ingestion included.</summary>
    public override bool Yields => true;

    public override IProjector Start(Func<ReadDb> open) => new TextsProjector(reader, open, streams);
}

/// <summary>Keeps who told which text, as the traces do, so that the same one wins whatever the order of arrival.</summary>
sealed class TextsProjector(FactReader reader, Func<ReadDb> open, Streams? streams) : IProjector
{
    const int MostWarm = 8_000;
    static readonly SpanField[] s_texts = [SpanField.Input, SpanField.Output];

    /// <summary>All texts of traces lately in use, without the texts themselves; in two generations.</summary>
    Dictionary<TraceKey, Dictionary<string, Span>> _young = [], _old = [];
    Dictionary<TraceKey, Dictionary<string, Span>> _page = [];
    int _weight;

    public async Task ApplyAsync(IReadOnlyList<Fact> facts, IReadBatch batch, Action<Fact, Exception> park, CancellationToken ct)
    {
        _page = await TakeAsync(facts, ct);
        var changed = new HashSet<(TraceKey, string)>();
        foreach (var tombstone in facts.Where(Tombstones.Is).DistinctBy(f => f.Header.TraceId)) await ForgetAsync(tombstone, facts[0].Position, batch, changed, ct);
        foreach (var fact in facts)
        {
            if (fact.Header.TraceId is not { } traceId || Tombstones.Is(fact)) continue;
            try
            {
                Apply(new(fact.Header.Project, traceId), reader.Read(fact), changed);
            }
            catch (Exception e) when (e is not (OperationCanceledException or Unavailable or System.Data.Common.DbException))
            {
                park(fact, e);
            }
        }
        await batch.UpsertAsync([.. changed.Select(c => RowOf(c.Item1, _page[c.Item1][c.Item2]))], ct);
        foreach (var (key, id) in changed) _page[key][id].DropTexts();
    }

    void Apply(TraceKey key, SpanEvent e, HashSet<(TraceKey, string)> changed)
    {
        if (e.SpanId is not { } id) return;
        var before = _page[key].GetValueOrDefault(id) ?? new(id);
        var after = before.Merge(e);
        if (s_texts.All(text => after.Told(text) == before.Told(text))) return;
        _page[key][id] = TextsOf(after);
        changed.Add((key, id));
    }

    /// <summary>Something of a trace was erased: its texts go, and those that can still be read come back.</summary>
    async Task ForgetAsync(Fact tombstone, LogPosition before, IReadBatch batch, HashSet<(TraceKey, string)> changed, CancellationToken ct)
    {
        var key = new TraceKey(tombstone.Header.Project, tombstone.Header.TraceId!);
        await batch.DeleteAsync([.. _page[key].Keys.Select(id => new TextRow { Project = key.Project, TraceId = key.TraceId, SpanId = id })], ct);
        _page[key].Clear();
        foreach (var (_, e) in await Tombstones.ReadAgainAsync(streams!, reader, key, before, ct)) Apply(key, e, changed);
    }

    public void Committed()
    {
        foreach (var (key, spans) in _page)
        {
            _young[key] = spans;
            _weight += 1 + spans.Count;
        }
        _page = [];
        if (_weight > MostWarm) (_old, _young, _weight) = (_young, [], 0);
    }

    /// <summary>The traces of a page: warm, new, or read back together.</summary>
    async Task<Dictionary<TraceKey, Dictionary<string, Span>>> TakeAsync(IReadOnlyList<Fact> facts, CancellationToken ct)
    {
        var taken = new Dictionary<TraceKey, Dictionary<string, Span>>();
        var cold = new List<TraceKey>();
        foreach (var fact in facts)
        {
            if (fact.Header.TraceId is not { } traceId) continue;
            var key = new TraceKey(fact.Header.Project, traceId);
            if (taken.ContainsKey(key)) continue;
            if (!_young.Remove(key, out var spans) && !_old.Remove(key, out spans) && fact.Revision > 0) cold.Add(key);
            taken[key] = spans ?? new(StringComparer.Ordinal);
        }
        if (cold.Count == 0) return taken;

        await using var db = open();
        foreach (var project in cold.GroupBy(k => k.Project, k => k.TraceId))
        {
            foreach (var ids in project.Chunk(200))
            {
                var rows = db.Set<TextRow>().Where(x => x.Project == project.Key && ids.Contains(x.TraceId)).Select(x => new { x.TraceId, x.SpanId, x.Merge });
                await foreach (var row in rows.AsAsyncEnumerable().WithCancellation(ct))
                    taken[new(project.Key, row.TraceId)][row.SpanId] = SpanMerge.Read(new() { SpanId = row.SpanId, Merge = row.Merge });
            }
        }
        return taken;
    }

    static Span TextsOf(Span span) => Span.Restore(
        span.Id, from text in s_texts let told = span.Told(text) where told is not null select (text, told.Value.Value, told.Value.By), []);

    static TextRow RowOf(TraceKey key, Span span) => new()
    {
        Project = key.Project,
        TraceId = key.TraceId,
        SpanId = span.Id,
        Input = Plain(span.Input),
        Output = Plain(span.Output),
        Merge = SpanMerge.Write(span),
    };

    /// <summary>No database holds NUL in a text.</summary>
    static string? Plain(string? json) => PlainText.Of(json)?.Replace('\0', '\uFFFD');
}

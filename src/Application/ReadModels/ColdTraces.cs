using System.Linq.Expressions;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Traces read back from their own rows, many with two queries: a question for each would cost more than its answer. Long texts stay where
/// they are.
/// </summary>
static class ColdTraces
{
    /// <summary>Few enough that what one query brings fits in memory, however large the traces are.</summary>
    const int Together = 200;

    /// <summary>A span's row but for its long texts.</summary>
    public static Expression<Func<SpanRow, SpanRow>> WithoutTexts { get; } = EachColumn();

    /// <summary>Every trace that was asked for; one that has no rows yet is empty.</summary>
    public static async Task<Dictionary<TraceKey, Trace>> LoadAsync(ReadDb db, IReadOnlyCollection<TraceKey> keys, CancellationToken ct)
    {
        var traces = keys.ToDictionary(key => key, key => new Trace(key.TraceId));
        foreach (var project in keys.GroupBy(key => key.Project, key => key.TraceId))
        {
            foreach (var ids in project.Chunk(Together))
            {
                var known = db.Set<FactRow>().Where(x => x.Project == project.Key && ids.Contains(x.TraceId)).Select(x => new { x.TraceId, x.EventId, x.At, x.Day });
                await foreach (var fact in known.AsAsyncEnumerable().WithCancellation(ct))
                {
                    var trace = traces[new(project.Key, fact.TraceId)];
                    trace.Restore(new Guid(fact.EventId, bigEndian: true), Time.At(fact.At));
                    trace.RecordedIn(fact.Day);
                }

                var spans = db.Set<SpanRow>().Where(x => x.Project == project.Key && ids.Contains(x.TraceId)).Select(WithoutTexts);
                await foreach (var span in spans.AsAsyncEnumerable().WithCancellation(ct))
                    traces[new(project.Key, span.TraceId)].Restore(SpanMerge.Read(span));
            }
        }
        return traces;
    }

    static Expression<Func<SpanRow, SpanRow>> EachColumn()
    {
        var row = Expression.Parameter(typeof(SpanRow), "row");
        var columns = typeof(SpanRow).GetProperties().Where(p => p.CanWrite && !p.IsDefined(typeof(KeepWhenNullAttribute), false));
        return Expression.Lambda<Func<SpanRow, SpanRow>>(
            Expression.MemberInit(Expression.New(typeof(SpanRow)), columns.Select(p => Expression.Bind(p, Expression.Property(row, p)))), row);
    }
}

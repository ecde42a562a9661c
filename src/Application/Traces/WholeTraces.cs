using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>A trace as one thing: what it adds up to, and of its spans what a person asks for first.</summary>
/// <param name="Prompt">The span whose input is the first thing a user said.</param>
/// <param name="Response">The span whose output is the last thing a model said.</param>
/// <param name="Tools">Its tool calls in order: by step where steps are told, else by start.</param>
/// <param name="Failed">Its spans that failed, by start.</param>
public sealed record WholeTrace(RunRow Run, SpanRow? Prompt, SpanRow? Response, IReadOnlyList<SpanRow> Tools, IReadOnlyList<SpanRow> Failed);

public sealed record WholeTracePage(int Total, IReadOnlyList<WholeTrace> Traces);

/// <summary>Whole traces of a project, newest first, and how many match in all. Bounds are inclusive; latency in ms.</summary>
public sealed record ListWholeTraces(Caller Caller) : IRequest<WholeTracePage>
{
    public double? MinLatency { get; init; }
    public double? MaxLatency { get; init; }
    public long? MinTokens { get; init; }
    public long? MaxTokens { get; init; }
    /// <summary>Null: any; empty: none.</summary>
    public IReadOnlyList<SpanStatus>? Statuses { get; init; }
    public string? Model { get; init; }
    /// <summary>What a trace without a model is called, so that it can be asked for.</summary>
    public string? NoModel { get; init; }
    public string? Environment { get; init; }
    public bool? Slow { get; init; }
    public bool? Retried { get; init; }
    public int Limit { get; init; } = 50;

    internal sealed class Handler(ServingModels models) : IRequestHandler<ListWholeTraces, WholeTracePage>
    {
        public async Task<WholeTracePage> Handle(ListWholeTraces q, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var matching = Matching(db.Set<RunRow>().Where(x => x.Project == q.Caller.Project), q);
            var total = await matching.CountAsync(ct);
            var runs = total == 0 || q.Limit == 0 ? [] : await matching.Newest().Take(q.Limit).ToListAsync(ct);
            return new(total, await db.WholeAsync(q.Caller.Project, runs, ct));
        }

        static IQueryable<RunRow> Matching(IQueryable<RunRow> runs, ListWholeTraces q)
        {
            if (q.MinLatency is { } quick) runs = runs.Where(x => x.Latency >= Micros(quick));
            if (q.MaxLatency is { } slow) runs = runs.Where(x => x.Latency <= Micros(slow));
            if (q.MinTokens is { } few) runs = runs.Where(x => (x.TotalTokens ?? 0) >= few);
            if (q.MaxTokens is { } many) runs = runs.Where(x => (x.TotalTokens ?? 0) <= many);
            if (q.Statuses is { } statuses) runs = runs.Where(x => statuses.Select(s => (int)s).Contains(x.Status));
            if (q.Model is { } model) runs = model == q.NoModel ? runs.Where(x => x.Model == null || x.Model == model) : runs.Where(x => x.Model == model);
            if (q.Environment is { } environment) runs = runs.Where(x => (x.Environment ?? "development") == environment);
            if (q.Slow is { } isSlow) runs = runs.Where(x => x.Slow == isSlow);
            if (q.Retried is true) runs = runs.Where(x => x.Retries > 0);
            return runs;
        }

        static long Micros(double ms) => (long)Math.Clamp(Math.Round(ms * 1000), 0d, 9e18);
    }
}

/// <summary>One whole trace.</summary>
/// <exception cref="NotFound">No such trace in the caller's project.</exception>
public sealed record GetWholeTrace(Caller Caller, string TraceId) : IRequest<WholeTrace>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<GetWholeTrace, WholeTrace>
    {
        public async Task<WholeTrace> Handle(GetWholeTrace query, CancellationToken ct) =>
            await models.WholeTracesAsync(query.Caller.Project, [query.TraceId], ct) is [var trace] ? trace : throw new NotFound("Trace not found");
    }
}

/// <summary>From rows to whole traces.</summary>
public static class WholeTraces
{
    public static IOrderedQueryable<RunRow> Newest(this IQueryable<RunRow> runs) => runs.OrderByDescending(x => x.StartedAt).ThenByDescending(x => x.TraceId);

    /// <summary>Those of a project that are there, in the order asked for.</summary>
    public static async Task<IReadOnlyList<WholeTrace>> WholeTracesAsync(this ServingModels models, string project, IReadOnlyList<string> traceIds, CancellationToken ct)
    {
        await using var db = models.Open("traces");
        await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        var runs = await db.Set<RunRow>().Where(x => x.Project == project && traceIds.Contains(x.TraceId)).ToDictionaryAsync(x => x.TraceId, StringComparer.Ordinal, ct);
        return await db.WholeAsync(project, [.. traceIds.Where(runs.ContainsKey).Select(id => runs[id])], ct);
    }

    /// <summary>Reads the spans that matter of all runs at once; a trace of many thousand spans costs what it shows.</summary>
    public static async Task<IReadOnlyList<WholeTrace>> WholeAsync(this ReadDb db, string project, IReadOnlyList<RunRow> runs, CancellationToken ct)
    {
        if (runs.Count == 0) return [];
        var ids = runs.Select(r => r.TraceId).ToList();
        var told = runs.SelectMany(r => new[] { r.PromptSpanId, r.ResponseSpanId }).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        var spans = (await db.Set<SpanRow>().AsNoTracking()
            .Where(x => x.Project == project && ids.Contains(x.TraceId) && (x.Kind == "tool" || x.Status == (int)SpanStatus.Error || told.Contains(x.SpanId)))
            .ToListAsync(ct)).ToLookup(x => x.TraceId, StringComparer.Ordinal);
        return [.. runs.Select(run => Of(run, [.. spans[run.TraceId].OrderBy(s => s.Step ?? int.MaxValue).ThenBy(s => s.StartedAt).ThenBy(s => s.SpanId, StringComparer.Ordinal)]))];
    }

    static WholeTrace Of(RunRow run, List<SpanRow> spans) => new(
        run, spans.Find(s => s.SpanId == run.PromptSpanId), spans.Find(s => s.SpanId == run.ResponseSpanId),
        spans.FindAll(s => s.Kind == "tool"), spans.FindAll(s => s.Status == (int)SpanStatus.Error));
}

using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Pricing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>A trace as a tree: its totals, its spans by their parents, and what happened in each.</summary>
public sealed record TraceTree(
    RunRow Run, IReadOnlyList<SpanNode> Roots, IReadOnlyDictionary<string, SpanRow> Spans, ILookup<string, FactRow> Facts)
{
    public static TraceTree Of(RunRow run, IReadOnlyList<SpanRow> spans, IReadOnlyList<FactRow> facts) => new(
        run,
        SpanTree.Of([.. spans.Select(SpanMerge.Read)]),
        spans.ToDictionary(s => s.SpanId, StringComparer.Ordinal),
        facts.OrderBy(f => f.At).ThenBy(f => f.Position).ToLookup(f => f.SpanId ?? "", StringComparer.Ordinal));
}

/// <summary>The tree as the read models hold it.</summary>
/// <exception cref="NotFound">No such trace in the caller's project.</exception>
public sealed record GetTraceTree(Caller Caller, string TraceId) : IRequest<TraceTree>
{
    internal sealed class Handler(ServingModels models) : IRequestHandler<GetTraceTree, TraceTree>
    {
        public async Task<TraceTree> Handle(GetTraceTree query, CancellationToken ct)
        {
            var (project, traceId) = (query.Caller.Project, query.TraceId);
            await using var db = models.Open("traces");
            // One snapshot: a page that is committed between two of these queries would give spans without their facts.
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var run = await db.Set<RunRow>().SingleOrDefaultAsync(x => x.Project == project && x.TraceId == traceId, ct)
                ?? throw new NotFound($"Trace with ID '{traceId}' not found");
            var spans = await db.Set<SpanRow>().Where(x => x.Project == project && x.TraceId == traceId && x.Day == run.Day).ToListAsync(ct);
            var facts = await db.Set<FactRow>().Where(x => x.Project == project && x.TraceId == traceId && x.Day == run.Day).ToListAsync(ct);
            return TraceTree.Of(run, spans, facts);
        }
    }
}

/// <summary>The tree as it stood after a revision, or at a time by our clock: folded from the facts recorded up to then.</summary>
/// <exception cref="NotFound">No such trace, or nothing of it was recorded yet.</exception>
public sealed record GetTraceState(Caller Caller, string TraceId, long? AsOfRevision, DateTimeOffset? AsOf) : IRequest<TraceTree>
{
    internal sealed class Handler(Streams streams, FactReader reader, IMediator app) : IRequestHandler<GetTraceState, TraceTree>
    {
        public async Task<TraceTree> Handle(GetTraceState query, CancellationToken ct)
        {
            if (await streams.HasExpiredAsync(query.Caller.Project, query.TraceId, ct)) throw new NotFound($"Trace with ID '{query.TraceId}' not found");
            var fold = new TraceFold(reader, query.Caller.Project, query.TraceId);
            await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(query.Caller.Project, query.TraceId), 0, ct))
            {
                if (fact.Revision > query.AsOfRevision || fact.Header.RecordedAt > query.AsOf) break;
                fold.Take(fact);
            }
            return fold.IsEmpty ? throw new NotFound($"Trace with ID '{query.TraceId}' not found") : fold.Tree(await app.Send(new GetPrices(query.Caller), ct));
        }
    }
}

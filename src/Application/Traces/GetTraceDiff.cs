using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Pricing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Application.Traces;

/// <summary>A span that came or changed between two revisions; <see cref="Before"/> is null for one that came.</summary>
public sealed record SpanChange(SpanRow? Before, SpanRow After);

/// <param name="Before">The whole trace as it stood; null when nothing of it was there.</param>
/// <param name="Facts">What was recorded between, oldest first.</param>
/// <param name="Spans">What that did to spans, by their start; one that stayed as it was is not here.</param>
public sealed record TraceDiff(string TraceId, long From, long To, RunRow? Before, RunRow After, IReadOnlyList<TimelineItem> Facts, IReadOnlyList<SpanChange> Spans);

/// <summary>What came to a trace after one revision, up to another.</summary>
/// <param name="To">Null: up to now.</param>
/// <exception cref="NotFound">No such trace, or nothing of it was recorded yet.</exception>
public sealed record GetTraceDiff(Caller Caller, string TraceId, long From, long? To) : IRequest<TraceDiff>
{
    internal sealed class Handler(Streams streams, FactReader reader, IMediator app) : IRequestHandler<GetTraceDiff, TraceDiff>
    {
        public async Task<TraceDiff> Handle(GetTraceDiff query, CancellationToken ct)
        {
            if (await streams.HasExpiredAsync(query.Caller.Project, query.TraceId, ct)) throw new NotFound($"Trace with ID '{query.TraceId}' not found");
            var prices = await app.Send(new GetPrices(query.Caller), ct);
            var fold = new TraceFold(reader, query.Caller.Project, query.TraceId);
            var (facts, latest, before) = (new List<TimelineItem>(), 0L, (TraceTree?)null);
            await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(query.Caller.Project, query.TraceId), 0, ct))
            {
                if (fact.Revision > query.To) break;
                var at = fact.Header.At.Micros();
                if (fact.Revision > query.From)
                {
                    if (facts.Count == 0 && !fold.IsEmpty) before = fold.Tree(prices);
                    facts.Add(new(fact, reader.PayloadOf(fact), Late: at < latest));
                }
                latest = Math.Max(latest, at);
                fold.Take(fact);
            }
            if (fold.IsEmpty) throw new NotFound($"Trace with ID '{query.TraceId}' not found");

            var after = fold.Tree(prices);
            if (facts.Count == 0) before = after;
            var changes = after.Spans.Values.OrderBy(s => s.StartedAt).ThenBy(s => s.SpanId, StringComparer.Ordinal)
                .Select(span => new SpanChange(before?.Spans.GetValueOrDefault(span.SpanId), span))
                .Where(change => change.Before is null || !change.Before.Merge.AsSpan().SequenceEqual(change.After.Merge));
            return new(query.TraceId, query.From, facts.Count == 0 ? after.Run.LastRevision : facts[^1].Fact.Revision, before?.Run, after.Run, facts, [.. changes]);
        }
    }
}

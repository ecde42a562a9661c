using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>A fact on the timeline. <see cref="Late"/>: it happened before something that was recorded earlier.</summary>
/// <param name="Payload">As it was received; null when it is erased.</param>
public sealed record TimelineItem(Fact Fact, ReadOnlyMemory<byte>? Payload, bool Late);

public sealed record Timeline(IReadOnlyList<TimelineItem> Items, long NextRevision, bool HasMore);

/// <summary>The facts of a trace in the order they were recorded, from the log itself.</summary>
/// <exception cref="NotFound">No such trace in the caller's project.</exception>
public sealed record GetTimeline(Caller Caller, string TraceId, long AfterRevision, int Limit) : IRequest<Timeline>
{
    internal sealed class Handler(Streams streams, FactReader reader, ServingModels models) : IRequestHandler<GetTimeline, Timeline>
    {
        public async Task<Timeline> Handle(GetTimeline query, CancellationToken ct)
        {
            if (await streams.HasExpiredAsync(query.Caller.Project, query.TraceId, ct)) throw new NotFound($"Trace with ID '{query.TraceId}' not found");
            var from = query.AfterRevision == long.MaxValue ? query.AfterRevision : query.AfterRevision + 1;
            var facts = await streams
                .ReadReadableAsync(StreamName.Trace(query.Caller.Project, query.TraceId), from, ct)
                .Take(query.Limit + 1)
                .ToListAsync(ct);
            var latest = query.AfterRevision < 0 ? 0 : await LatestAsync(query, ct);
            if (facts.Count == 0 && latest == 0) throw new NotFound($"Trace with ID '{query.TraceId}' not found");

            var items = new List<TimelineItem>();
            foreach (var fact in facts.Take(query.Limit))
            {
                var at = fact.Header.At.Micros();
                items.Add(new(fact, reader.PayloadOf(fact), Late: at < latest));
                latest = Math.Max(latest, at);
            }
            return new(items, items.Count == 0 ? query.AfterRevision : items[^1].Fact.Revision, facts.Count > query.Limit);
        }

        /// <summary>The latest moment told of before this page; 0 when there is none.</summary>
        async Task<long> LatestAsync(GetTimeline query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            return await db.Set<FactRow>()
                .Where(x => x.Project == query.Caller.Project && x.TraceId == query.TraceId && x.Revision <= query.AfterRevision)
                .MaxAsync(x => (long?)x.At, ct) ?? 0;
        }
    }
}

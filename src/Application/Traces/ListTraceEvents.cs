using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>A fact of a trace, read: what it says, and its payload as it was received (null when it is erased).</summary>
public sealed record TraceEvent(Fact Fact, Domain.Traces.SpanEvent Event, ReadOnlyMemory<byte>? Payload);

/// <summary>All events of a trace by their time, each once; and the trace.</summary>
/// <exception cref="NotFound">No such trace in the caller's project.</exception>
public sealed record GetTraceEvents(Caller Caller, string TraceId) : IRequest<TraceEvents>
{
    internal sealed class Handler(Streams streams, FactReader reader, ServingModels models) : IRequestHandler<GetTraceEvents, TraceEvents>
    {
        public async Task<TraceEvents> Handle(GetTraceEvents query, CancellationToken ct)
        {
            var (project, traceId) = (query.Caller.Project, query.TraceId);
            await using var db = models.Open("traces");
            var run = await db.Set<RunRow>().SingleOrDefaultAsync(x => x.Project == project && x.TraceId == traceId, ct)
                ?? throw new NotFound($"Trace with ID '{traceId}' not found");

            var (known, events) = (new HashSet<Guid>(), new List<TraceEvent>());
            await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(project, traceId), 0, ct))
            {
                // What the row does not know of yet would contradict it.
                if (fact.Revision > run.LastRevision) break;
                if (known.Add(fact.Header.EventId) && reader.ReadOrNull(fact) is { } read) events.Add(read);
            }
            return new(run, [.. events.OrderBy(e => e.Event.At)]);
        }
    }
}

public sealed record TraceEvents(RunRow Run, IReadOnlyList<TraceEvent> Events);

/// <summary>Events by their time, newest first: those of a trace, or the project's.</summary>
public sealed record ListTraceEvents(Caller Caller, string? TraceId, int Limit, int Offset) : IRequest<TraceEventPage>
{
    /// <summary>Only this one.</summary>
    public Guid? EventId { get; init; }

    internal sealed class Handler(IEventLog log, FactReader reader, ServingModels models) : IRequestHandler<ListTraceEvents, TraceEventPage>
    {
        public async Task<TraceEventPage> Handle(ListTraceEvents query, CancellationToken ct)
        {
            await using var db = models.Open("traces");
            await using var snapshot = await db.Database.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            var rows = db.Set<FactRow>().Where(x => x.Project == query.Caller.Project);
            if (query.TraceId is { } traceId) rows = rows.Where(x => x.TraceId == traceId);
            if (query.EventId?.ToByteArray(bigEndian: true) is { } id) rows = rows.Where(x => x.EventId == id);
            var total = await rows.LongCountAsync(ct);
            var page = await rows.OrderByDescending(x => x.At).ThenByDescending(x => x.Position).Skip(query.Offset).Take(query.Limit)
                .Select(x => new { x.TraceId, x.Revision }).ToListAsync(ct);

            var events = new List<TraceEvent>(page.Count);
            foreach (var row in page)
            {
                var record = await log.ReadAsync(StreamName.Trace(query.Caller.Project, row.TraceId), row.Revision, ct).FirstAsync(ct);
                if (reader.ReadOrNull(Fact.Of(record)) is { } read) events.Add(read);
            }
            return new(events, total);
        }
    }
}

public sealed record TraceEventPage(IReadOnlyList<TraceEvent> Events, long Total);

using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.Traces;

/// <summary>The newest of the last 1,000 answers of models that says exactly this; null when none does.</summary>
public sealed record FindAnswer(Caller Caller, string Text) : IRequest<FoundAnswer?>
{
    const int Reach = 1_000;

    internal sealed class Handler(ServingModels models) : IRequestHandler<FindAnswer, FoundAnswer?>
    {
        public async Task<FoundAnswer?> Handle(FindAnswer query, CancellationToken ct)
        {
            var project = query.Caller.Project;
            await using var db = models.Open("traces");
            var newest = db.Set<SpanRow>().Where(x => x.Project == project && x.Request && x.Kind == "llm").OrderByDescending(x => x.StartedAt).Take(Reach)
                .Select(x => new { x.TraceId, x.SpanId, x.Output });
            var found = (TraceId: "", SpanId: "");
            await foreach (var span in newest.AsAsyncEnumerable().WithCancellation(ct))
            {
                if (PlainText.Of(span.Output) != query.Text) continue;
                found = (span.TraceId, span.SpanId);
                break;
            }
            if (found.SpanId.Length == 0) return null;
            var ended = await db.Set<FactRow>().Where(x => x.Project == project && x.TraceId == found.TraceId && x.SpanId == found.SpanId)
                .OrderByDescending(x => x.At).Select(x => x.EventId).FirstAsync(ct);
            return new(found.TraceId, new(ended, bigEndian: true));
        }
    }
}

public sealed record FoundAnswer(string TraceId, Guid EventId);

using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Traces;

/// <summary>A trace as it stands after the facts it was given, as the read models would hold it.</summary>
sealed class TraceFold(FactReader reader, string project, string traceId)
{
    readonly Trace _trace = new(traceId);
    readonly List<FactRow> _rows = [];

    public bool IsEmpty => _rows.Count == 0;

    /// <summary>A fact that cannot be read is parked in the read models too: the state is what can be read of it.</summary>
    public void Take(Fact fact)
    {
        try
        {
            var e = reader.Read(fact);
            if (_trace.Apply(e)) _rows.Add(FactRow.Of(fact, e));
        }
        catch (UnreadableFact)
        {
            // As said above.
        }
    }

    /// <param name="prices">As they are known now: what happened then is shown as it would be paid today.</param>
    public TraceTree Tree(PriceBook prices)
    {
        var summary = TraceSummary.Of([.. _trace.Spans.Values]);
        var run = RunRow.Of(project, _trace, summary, prices);
        (run.LastPosition, run.LastRevision) = (_rows[^1].Position, _rows[^1].Revision);
        return TraceTree.Of(run, [.. _trace.Spans.Values.Select(span => SpanRow.Of(project, traceId, span, summary, prices))], [.. _rows]);
    }
}

using Hindcast.Application.Projects;
using Hindcast.Domain.Analytics;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Application.Traces;

public enum Severity
{
    Info,
    Warning,
    Error,
}

/// <summary>Something about a trace that somebody should look at, and the events it is about.</summary>
/// <param name="Code">Stable, for programs: <c>missing_parent</c>.</param>
public sealed record Finding(string Code, Severity Severity, string Message, IReadOnlyList<TraceEvent> Events);

/// <summary>What can be said of a trace without asking a model: the same events give the same findings.</summary>
/// <exception cref="NotFound">No such trace in the caller's project.</exception>
public sealed record AnalyseTrace(Caller Caller, string TraceId) : IRequest<TraceAnalysis>
{
    internal sealed class Handler(IMediator app) : IRequestHandler<AnalyseTrace, TraceAnalysis>
    {
        public async Task<TraceAnalysis> Handle(AnalyseTrace query, CancellationToken ct)
        {
            var trace = await app.Send(new GetTraceEvents(query.Caller, query.TraceId), ct);
            return new(trace, TraceFindings.Of(trace.Events));
        }
    }
}

public sealed record TraceAnalysis(TraceEvents Trace, IReadOnlyList<Finding> Findings);

/// <summary>The rules, each by itself; events come by their time.</summary>
public static class TraceFindings
{
    const int Loop = 3;
    const int ErrorsInARow = 3;
    const int FewestForOutliers = 10;
    const double OutlierFactor = 1.5;

    public static IReadOnlyList<Finding> Of(IReadOnlyList<TraceEvent> events) =>
        [.. Order(events), .. Parents(events), .. Pairs(events), .. FollowUps(events), .. Loops(events), .. Errors(events),
            .. Outliers(events, "latency_outlier", "took", "ms", e => e.Latency?.TotalMilliseconds), .. Outliers(events, "token_outlier", "used", "tokens", e => e.Usage?.Total)];

    static IEnumerable<Finding> Order(IReadOnlyList<TraceEvent> events)
    {
        var stepped = events.Where(e => e.Event.Step is not null).ToList();
        for (var i = 1; i < stepped.Count; i++)
            if (stepped[i].Event.Step < stepped[i - 1].Event.Step)
                yield return new("step_order", Severity.Warning, $"Step {stepped[i].Event.Step} happened after step {stepped[i - 1].Event.Step}.", [stepped[i - 1], stepped[i]]);
        foreach (var same in stepped.GroupBy(e => e.Event.Step).Where(g => g.Count() > 1))
            yield return new("duplicate_step", Severity.Warning, $"Step {same.Key} is taken by {same.Count()} events.", [.. same]);
    }

    static IEnumerable<Finding> Parents(IReadOnlyList<TraceEvent> events)
    {
        var (steps, spans) = (events.Select(e => e.Event.Step).ToHashSet(), events.Select(e => e.Event.SpanId).ToHashSet());
        foreach (var e in events)
        {
            var parentStep = e.Fact.Header.ParentStep;
            if (parentStep is not null && (!steps.Contains(parentStep) || parentStep == e.Event.Step))
                yield return new("missing_parent", Severity.Warning, $"The parent step {parentStep} is not in the trace.", [e]);
            else if (e.Event.ParentSpanId is { } parent && !spans.Contains(parent))
                yield return new("missing_parent", Severity.Warning, $"The parent span '{parent}' is not in the trace.", [e]);
        }
    }

    static IEnumerable<Finding> Pairs(IReadOnlyList<TraceEvent> events)
    {
        var asked = events.Where(e => e.Event is ToolCallRequest).ToLookup(e => e.Event.SpanId);
        var answered = events.Where(e => e.Event is ToolCallResponse).ToLookup(e => e.Event.SpanId);
        foreach (var request in asked.SelectMany(g => g).Where(e => !answered.Contains(e.Event.SpanId)))
            yield return new("request_without_response", Severity.Error, $"The call of tool '{request.Event.Name}' was never answered.", [request]);
        foreach (var response in answered.SelectMany(g => g).Where(e => !asked.Contains(e.Event.SpanId)))
            yield return new("orphan_response", Severity.Warning, $"Tool '{response.Event.Name}' answered a call that is not in the trace.", [response]);
    }

    static IEnumerable<Finding> FollowUps(IReadOnlyList<TraceEvent> events)
    {
        if (events is [.., { Event: ToolCallResponse or ToolResult } last])
            yield return new("no_follow_up", Severity.Info, $"Nothing was made of what tool '{last.Event.Name}' answered.", [last]);
    }

    static IEnumerable<Finding> Loops(IReadOnlyList<TraceEvent> events)
    {
        var calls = events.Where(e => e.Event is ToolCallRequest).ToList();
        foreach (var run in Runs(calls, e => (e.Event.Name, ((ToolCallRequest)e.Event).Input)).Where(run => run.Count >= Loop))
            yield return new("tool_loop", Severity.Error, $"Tool '{run[0].Event.Name}' was called {run.Count} times in a row with the same arguments.", run);
    }

    static IEnumerable<Finding> Errors(IReadOnlyList<TraceEvent> events)
    {
        foreach (var run in Runs(events, Failed).Where(run => run.Count >= ErrorsInARow && Failed(run[0])))
            yield return new("repeated_errors", Severity.Error, $"{run.Count} errors in a row.", run);
    }

    static bool Failed(TraceEvent e) => e.Event is ErrorRaised or Closing { Status: SpanStatus.Error };

    /// <summary>Values beyond half as much again as the 95th percentile, where there are enough to have one.</summary>
    static IEnumerable<Finding> Outliers(IReadOnlyList<TraceEvent> events, string code, string did, string unit, Func<SpanEvent, double?> measure)
    {
        var measured = events.Where(e => measure(e.Event) is not null).ToList();
        if (measured.Count < FewestForOutliers) yield break;
        var inOrder = measured.Select(e => measure(e.Event)!.Value).Order().ToList();
        var p95 = inOrder[(int)NearestRank.Of(95, inOrder.Count) - 1];
        foreach (var e in measured.Where(e => measure(e.Event) > OutlierFactor * p95))
            yield return new(code, Severity.Warning, FormattableString.Invariant($"This {did} {measure(e.Event):0.###} {unit}; 95 of 100 stay within {p95:0.###}."), [e]);
    }

    /// <summary>Neighbours that are equal in something, together.</summary>
    static List<List<TraceEvent>> Runs<T>(IReadOnlyList<TraceEvent> events, Func<TraceEvent, T> by)
    {
        var runs = new List<List<TraceEvent>>();
        foreach (var e in events)
        {
            if (runs.Count > 0 && EqualityComparer<T>.Default.Equals(by(runs[^1][0]), by(e))) runs[^1].Add(e);
            else runs.Add([e]);
        }
        return runs;
    }
}

using Hindcast.Domain.Traces;

namespace Hindcast.Application.ReadModels;

readonly record struct TraceKey(string Project, string TraceId);

/// <summary>
/// Traces lately in use, bounded by their spans and events, in two generations: what is not used for a while is let go. What the last page
/// touched stays whatever it weighs: the next will most likely touch it again, and reading a long trace back costs as much as all its facts.
/// </summary>
sealed class WarmTraces
{
    /// <summary>Spans of a generation: some 6 MB of them.</summary>
    const int Most = 8_000;

    readonly record struct Warm(Trace Trace, TraceSummary? Summary, int Weight);

    Dictionary<TraceKey, Warm> _young = [], _old = [];
    int _weight;

    /// <summary>Takes a trace out, with what it added up to: whoever fails to finish with it must read it anew.</summary>
    public (Trace Trace, TraceSummary? Summary)? Take(TraceKey key)
    {
        if (_young.Remove(key, out var warm)) _weight -= warm.Weight;
        else if (!_old.Remove(key, out warm)) return null;
        return (warm.Trace, warm.Summary);
    }

    public void Keep(TraceKey key, Trace trace, TraceSummary? summary)
    {
        // An event known by its id takes a sixteenth of what a span takes.
        var weight = 1 + trace.Spans.Count + (trace.EventCount / 16);
        _young[key] = new(trace, summary, weight);
        _weight += weight;
    }

    /// <summary>A page has ended.</summary>
    public void Turn()
    {
        if (_weight >= Most) (_old, _young, _weight) = (_young, [], 0);
    }
}

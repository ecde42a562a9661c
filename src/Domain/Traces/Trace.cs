namespace Hindcast.Domain.Traces;

/// <summary>
/// One run of one agent: the fold of its facts to spans. A fact applied twice changes nothing, and any order gives the same trace.
/// </summary>
public sealed class Trace(string id)
{
    readonly Dictionary<string, Span> _spans = new(StringComparer.Ordinal);
    readonly Dictionary<Guid, ScoreGiven> _scores = [];
    readonly HashSet<Guid> _known = [];

    public string Id => id;
    public IReadOnlyDictionary<string, Span> Spans => _spans;
    /// <summary>Feedback on the trace and on its spans; it makes no span, so that a score may come first.</summary>
    public IEnumerable<ScoreGiven> Scores => _scores.Values.OrderBy(x => x.At).ThenBy(x => x.EventId);
    public int EventCount => _known.Count;
    /// <summary>When the earliest of its facts happened; null before there is one.</summary>
    public DateTimeOffset? FirstAt { get; private set; }
    /// <summary>The day on which the first of its facts was recorded: where its rows stand, however late other facts come. Null before that.</summary>
    public int? Day { get; private set; }

    /// <summary>False when the fact was known already.</summary>
    public bool Apply(SpanEvent e)
    {
        if (!_known.Add(e.EventId)) return false;
        Hear(e.At);
        if (e is ScoreGiven score) _scores[e.EventId] = score;
        else if (e.SpanId is { } spanId) _spans[spanId] = (_spans.TryGetValue(spanId, out var span) ? span : new Span(spanId)).Merge(e);
        return true;
    }

    public void RecordedIn(int day) => Day ??= day;

    /// <summary>Puts back a fact that a read model knows.</summary>
    public void Restore(Guid known, DateTimeOffset at)
    {
        _known.Add(known);
        Hear(at);
    }

    /// <summary>Puts back a span that a read model kept.</summary>
    public void Restore(Span span) => _spans[span.Id] = span;

    /// <summary>Lets go of texts that have been written down.</summary>
    public void DropTexts(IEnumerable<string> spanIds)
    {
        foreach (var spanId in spanIds) _spans[spanId].DropTexts();
    }

    void Hear(DateTimeOffset at) => FirstAt = at < (FirstAt ?? DateTimeOffset.MaxValue) ? at : FirstAt;

    public static Trace Of(string id, IEnumerable<SpanEvent> facts)
    {
        var trace = new Trace(id);
        foreach (var e in facts) trace.Apply(e);
        return trace;
    }
}

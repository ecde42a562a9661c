namespace Hindcast.Domain.Traces;

/// <summary>
/// Whose usage a trace's totals count: that of model calls, and that of an agent, a workflow or a chain under which nobody reports any.
/// An agent's span that repeats its children's usage counts nothing.
/// </summary>
public static class CountedUsage
{
    /// <summary>A span as far as this rule looks at it.</summary>
    public readonly record struct Place(string Id, string? Parent, string Kind, Usage? Usage)
    {
        public bool Reports => Usage is { IsEmpty: false };
        public bool Calls => Kind is "llm" or "embedding";
    }

    public static Place PlaceOf(Span span) => new(span.Id, span.ParentSpanId, span.Kind, span.Usage);

    public static IEnumerable<Span> Of(IReadOnlyCollection<Span> spans) => Of(spans, PlaceOf);

    public static IEnumerable<T> Of<T>(IReadOnlyCollection<T> spans, Func<T, Place> placeOf)
    {
        // Only a few traces have any besides their calls: the others need not know who stands above whom.
        HashSet<string>? repeaters = null;
        foreach (var span in spans)
        {
            var place = placeOf(span);
            if (!place.Reports) continue;
            if (place.Calls || !(repeaters ??= Above(spans, placeOf)).Contains(place.Id)) yield return span;
        }
    }

    /// <summary>The spans with usage somewhere under them.</summary>
    static HashSet<string> Above<T>(IReadOnlyCollection<T> spans, Func<T, Place> placeOf)
    {
        var places = spans.Select(placeOf).ToDictionary(p => p.Id, StringComparer.Ordinal);
        var above = new HashSet<string>(StringComparer.Ordinal);
        foreach (var reporting in places.Values)
            for (var at = reporting; reporting.Reports && at.Parent is { } id && places.TryGetValue(id, out at) && above.Add(id);) { }
        return above;
    }
}

namespace Hindcast.Domain.Traces;

/// <summary>A span and what hangs under it. <see cref="Orphan"/> says why it hangs under the root although it named a parent.</summary>
public sealed record SpanNode(Span Span, List<SpanNode> Children)
{
    public Orphan? Orphan { get; set; }
}

public enum Orphan
{
    /// <summary>The parent it names has not been seen.</summary>
    ParentUnknown,
    /// <summary>Its parents lead back to itself.</summary>
    Cycle,
}

/// <summary>
/// Spans by their parents: the span named as parent, else the span of the step named as parent, else the trace itself.
/// Siblings stand by start, then id.
/// </summary>
public static class SpanTree
{
    public static List<SpanNode> Of(IReadOnlyCollection<Span> spans)
    {
        var ordered = spans.OrderBy(s => s.StartedAt).ThenBy(s => s.Id, StringComparer.Ordinal).ToList();
        var nodes = ordered.ToDictionary(s => s.Id, s => new SpanNode(s, []), StringComparer.Ordinal);
        var bySteps = ordered.Where(s => s.Step is not null).GroupBy(s => s.Step!.Value).ToDictionary(g => g.Key, g => g.First().Id);

        var parents = ordered.ToDictionary(s => s.Id, s => ParentOf(s, bySteps, nodes.ContainsKey), StringComparer.Ordinal);
        var roots = new List<SpanNode>();
        foreach (var id in Cyclic(ordered, parents)) (parents[id], nodes[id].Orphan) = (null, Orphan.Cycle);

        foreach (var span in ordered)
        {
            var node = nodes[span.Id];
            if (parents[span.Id] is { } parent) nodes[parent].Children.Add(node);
            else
            {
                if (node.Orphan is null && NamesParent(span)) node.Orphan = Orphan.ParentUnknown;
                roots.Add(node);
            }
        }
        return roots;
    }

    static bool NamesParent(Span span) => span.ParentSpanId is not null || span.ParentStep is not null;

    static string? ParentOf(Span span, Dictionary<int, string> bySteps, Func<string, bool> exists)
    {
        if (span.ParentSpanId is { } id) return exists(id) ? id : null;
        return span.ParentStep is { } step && bySteps.TryGetValue(step, out var parent) ? parent : null;
    }

    /// <summary>The spans that stand on a circle of parents; each circle is cut at its first span only, so its shape stays visible.</summary>
    static List<string> Cyclic(List<Span> ordered, Dictionary<string, string?> parents)
    {
        var cuts = new List<string>();
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var start in ordered)
        {
            var path = new HashSet<string>(StringComparer.Ordinal);
            var at = start.Id;
            while (at is not null && !done.Contains(at) && path.Add(at)) at = parents[at];
            if (at is not null && path.Contains(at)) cuts.Add(at);
            done.UnionWith(path);
        }
        return cuts;
    }
}

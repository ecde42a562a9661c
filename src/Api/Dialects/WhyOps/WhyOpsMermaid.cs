using System.Globalization;
using System.Text;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>A thread as a flowchart. Names come from outside: what Mermaid would read as its own is written as a character code.</summary>
internal static class WhyOpsMermaid
{
    const int LongestName = 60;

    public static string Of(IReadOnlyList<TraceEvent> events)
    {
        var text = new StringBuilder("flowchart TD\n");
        var byStep = new Dictionary<int, int>();
        for (var i = 0; i < events.Count; i++)
        {
            var e = events[i].Event;
            var (open, close) = ShapeOf(e);
            text.Append(CultureInfo.InvariantCulture, $"    n{i}{open}\"").Append(events[i].Fact.Header.Type);
            if ((e.Name ?? e.Model) is { } name) Quote(text.Append(": "), name);
            text.Append('"').Append(close).Append('\n');
            if (e.Step is { } step) byStep.TryAdd(step, i);
        }
        for (var i = 0; i < events.Count; i++)
        {
            var parent = events[i].Fact.Header.ParentStep is { } step && byStep.TryGetValue(step, out var above) && above != i ? above : i - 1;
            if (parent >= 0) text.Append(CultureInfo.InvariantCulture, $"    n{parent} --> n{i}\n");
        }
        return text.ToString();
    }

    static (string Open, string Close) ShapeOf(SpanEvent e) => e switch
    {
        UserMessage => ("([", "])"),
        ErrorRaised => ("{{", "}}"),
        ToolCallRequest or ToolCallResponse or ToolResult => ("[[", "]]"),
        _ => ("[", "]"),
    };

    static void Quote(StringBuilder text, string name)
    {
        foreach (var rune in name.EnumerateRunes().Take(LongestName))
            _ = Rune.IsLetterOrDigit(rune) || rune.Value is ' ' or '-' or '_' or '.' or '/' ? text.Append(rune.ToString()) : text.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
    }
}

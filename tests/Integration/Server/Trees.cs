using System.Text.Json;

namespace Hindcast.Integration.Server;

/// <summary>Short words for reading answers.</summary>
static class Trees
{
    public static string? Text(this JsonElement o, string name) => o.GetProperty(name).GetString();

    /// <summary>Every span of a tree, parents first.</summary>
    public static List<JsonElement> Spans(this JsonElement tree)
    {
        var all = new List<JsonElement>();
        var open = new Queue<JsonElement>(tree.GetProperty("spans").EnumerateArray());
        while (open.TryDequeue(out var span))
        {
            all.Add(span);
            foreach (var child in span.GetProperty("children").EnumerateArray()) open.Enqueue(child);
        }
        return all;
    }
}

using System.Text.Json;

namespace Hindcast.Unit;

/// <summary>The payload rules once more, slow and recursive and with the framework's own decoding: what the fast ones are held against.</summary>
static class SlowRules
{
    public static (string Field, string Code)? FirstFault(byte[] element)
    {
        using var document = JsonDocument.Parse(element, new JsonDocumentOptions { MaxDepth = 5_000 });
        return Walk(document.RootElement, "", 1);
    }

    static (string, string)? Walk(JsonElement element, string path, int level)
    {
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) return null;
        if (level > 64) return (path, "too_deep");
        if (element.ValueKind == JsonValueKind.Array)
            return element.EnumerateArray().Select((item, i) => Walk(item, $"{path}[{i}]", level + 1)).FirstOrDefault(fault => fault is not null);

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            if (Name(property) is not { } name || name.Contains('\0')) return ("?", "invalid_key");
            var here = path.Length == 0 ? name : $"{path}.{name}";
            if (!seen.Add(name)) return (here, "duplicate_key");
            if (Walk(property.Value, here, level + 1) is { } fault) return fault;
        }
        return null;
    }

    static string? Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}

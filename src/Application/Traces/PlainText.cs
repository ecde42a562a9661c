using System.Text.Json;

namespace Hindcast.Application.Traces;

/// <summary>What a person would read in a message: the text of JSON that holds a string, messages, or content parts.</summary>
public static class PlainText
{
    public static string? Of(string? json)
    {
        if (json is null) return null;
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1024 });
        return Of(document.RootElement, 0) ?? json;
    }

    static string? Of(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Array when depth < 4 && element.EnumerateArray().Select(e => Of(e, depth + 1)).ToList() is { Count: > 0 } texts
            && texts.TrueForAll(t => t is not null) => string.Join('\n', texts),
        JsonValueKind.Object when depth < 4 => OfObject(element, depth),
        _ => null,
    };

    static string? OfObject(JsonElement element, int depth)
    {
        foreach (var name in (ReadOnlySpan<string>)["content", "text", "messages"])
            if (element.TryGetProperty(name, out var inner)) return Of(inner, depth + 1);
        return null;
    }
}

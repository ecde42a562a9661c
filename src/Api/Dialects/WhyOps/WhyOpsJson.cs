using System.Text.Json;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>Looking into a payload whose shape is the sender's choice: what is not there, or not an object, is <c>Undefined</c>.</summary>
internal static class WhyOpsJson
{
    public static JsonElement Get(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    /// <summary>There, and not null.</summary>
    public static bool Says(this JsonElement element) => element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The first of several spellings that says something.</summary>
    public static JsonElement First(this JsonElement element, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (element.Get(name) is var value && value.Says()) return value;
        return default;
    }

    /// <summary>The type by the name the original's validator gives it.</summary>
    public static string TypeName(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };
}

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

    /// <summary>A whole number as JavaScript sees one: 1, 1.0 and 1e0 are the same.</summary>
    public static bool IsWhole(this JsonElement number, out long value)
    {
        if (number.TryGetInt64(out value)) return true;
        var real = number.GetDouble();
        value = Math.Abs(real) < 1L << 62 ? (long)real : 0;
        return real == Math.Truncate(real) && Math.Abs(real) < 1L << 62;
    }

    /// <summary>The type by the name the original's validator gives it.</summary>
    public static string TypeName(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };
}

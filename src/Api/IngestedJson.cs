using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api;

/// <summary>What the ingest doors share in looking at an element: its limits, and members that may be missing, null or of any type.</summary>
internal static class IngestedJson
{
    /// <summary>Bytes of one element.</summary>
    public const int MostBytes = 4 * 1024 * 1024;

    /// <summary>Arrays and objects in each other, in the value of one attribute.</summary>
    public const int DeepestAttribute = 32;

    /// <summary>A member that is there and not null.</summary>
    public static JsonElement? Member(this JsonElement o, string name) =>
        o.ValueKind == JsonValueKind.Object && o.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A member that is a text and not empty.</summary>
    public static string? Text(this JsonElement o, string name, ref bool sanitised) =>
        o.Member(name) is { ValueKind: JsonValueKind.String } text && LenientText.Of(text, ref sanitised) is { Length: > 0 } said ? said : null;

    /// <summary>A member as JSON text.</summary>
    public static string? JsonOf(this JsonElement o, string name, ref bool sanitised) =>
        o.Member(name) is { } value ? LenientText.JsonOf(value, ref sanitised) : null;

    /// <summary>The members of an object as attributes; null where it is none.</summary>
    public static IReadOnlyDictionary<string, string>? AttributesOf(JsonElement? o, ref bool sanitised)
    {
        if (o is not { ValueKind: JsonValueKind.Object } attributes) return null;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var attribute in attributes.EnumerateObject()) values[attribute.Name] = LenientText.JsonOf(attribute.Value, ref sanitised);
        return values;
    }

    /// <summary>A key as an answer shows it: not longer than one that is allowed, by far.</summary>
    public static string Shown(string key) =>
        key.Length <= Domain.Traces.TraceRules.LongestAttributeKey ? key : string.Concat(key.AsSpan(0, 32), "…");

    /// <summary>For elements that <see cref="PayloadRules"/> found sound: they are not so deep that a walk could hurt.</summary>
    public static bool IsDeeperThan(this JsonElement value, int most) => value.ValueKind switch
    {
        JsonValueKind.Array => most == 0 || value.EnumerateArray().Any(v => v.IsDeeperThan(most - 1)),
        JsonValueKind.Object => most == 0 || value.EnumerateObject().Any(v => v.Value.IsDeeperThan(most - 1)),
        _ => false,
    };
}

using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects;

/// <summary>Looking into what providers and callers write; a member of another type than expected is one that nobody told.</summary>
internal static class WireJson
{
    /// <summary>A text that is not empty.</summary>
    public static string? Said(this JsonElement o, string name)
    {
        var sanitised = false;
        return o.Text(name, ref sanitised);
    }

    public static long? Count(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.Number } n && n.TryGetInt64(out var count) && count is >= 0 and <= Domain.Traces.Usage.Most ? count : null;

    /// <summary>A whole number as JavaScript sees one: 1, 1.0 and 1e0 are the same.</summary>
    public static bool IsWhole(this JsonElement number, out long value)
    {
        if (number.TryGetInt64(out value)) return true;
        var real = number.GetDouble();
        value = Math.Abs(real) < 1L << 62 ? (long)real : 0;
        return real == Math.Truncate(real) && Math.Abs(real) < 1L << 62;
    }

    public static IEnumerable<JsonElement> Elements(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>The JSON of a member as it stands there, harm replaced.</summary>
    public static string? Raw(this JsonElement o, string name)
    {
        var sanitised = false;
        return o.JsonOf(name, ref sanitised);
    }

    /// <summary><c>{error:{message}}</c> or <c>{error:"…"}</c>, in either provider's spelling; null where there is none.</summary>
    public static string? ErrorOf(this JsonElement body) => body.Member("error") switch
    {
        { ValueKind: JsonValueKind.Object } error => error.Said("message") ?? LenientText.JsonOf(error, ref s_ignored),
        { ValueKind: JsonValueKind.String } => body.Said("error"),
        _ => null,
    };

    [ThreadStatic] static bool s_ignored;
}

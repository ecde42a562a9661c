using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>Attributes by name, as plain JSON; the last of two with one name stands.</summary>
internal sealed class OtlpAttributes : Dictionary<string, JsonNode?>
{
    OtlpAttributes() : base(StringComparer.Ordinal) { }

    public static OtlpAttributes Of(IEnumerable<KeyValue> pairs)
    {
        var all = new OtlpAttributes();
        foreach (var pair in pairs) all[pair.Key] = NodeOf(pair.Value);
        return all;
    }

    public static OtlpAttributes Of(JsonElement? pairs)
    {
        var all = new OtlpAttributes();
        if (pairs is not { ValueKind: JsonValueKind.Array } list) return all;
        var sanitised = false;
        foreach (var pair in list.EnumerateArray())
            if (pair.Text("key", ref sanitised) is { } key) all[key] = NodeOf(pair.Member("value"));
        return all;
    }

    /// <summary>The first of these names that holds a text, number or truth; of a list the first.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (TryGetValue(name, out var node) && (node is JsonArray { Count: > 0 } list ? list[0] : node) is JsonValue value
                && value.ToString() is { Length: > 0 } text)
                return text;
        return null;
    }

    public double? Number(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (double.TryParse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) return number;
        return null;
    }

    /// <summary>Tokens: whole, not negative, else unknown.</summary>
    public long? Tokens(params ReadOnlySpan<string> names) =>
        Number(names) is { } n && n is >= 0 and <= Domain.Traces.Usage.Most && n == Math.Floor(n) ? (long)n : null;

    /// <summary>The first of these names that is there, as JSON; a text that holds JSON is that JSON.</summary>
    public JsonNode? Json(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (TryGetValue(name, out var node) && node is not null) return Opened(node);
        return null;
    }

    /// <summary><c>prefix.0.role</c>, <c>prefix.0.content</c> … put together again: a list of objects; null without any.</summary>
    public JsonArray? Numbered(string prefix)
    {
        var items = new SortedDictionary<int, JsonObject>();
        foreach (var (key, value) in this)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal) || key.Length <= prefix.Length || key[prefix.Length] != '.') continue;
            var rest = key[(prefix.Length + 1)..];
            var dot = rest.IndexOf('.');
            if (dot < 0 || !int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var index)) continue;
            if (!items.TryGetValue(index, out var item)) items[index] = item = [];
            var member = rest[(dot + 1)..];
            item[member.StartsWith("message.", StringComparison.Ordinal) ? member["message.".Length..] : member] = value?.DeepClone();
        }
        return items.Count == 0 ? null : [.. items.Values];
    }

    static JsonNode Opened(JsonNode node)
    {
        if (node is not JsonValue value || !value.TryGetValue<string>(out var text) || text.AsSpan().TrimStart() is not ['{' or '[', ..]) return node.DeepClone();
        try
        {
            return JsonNode.Parse(text) ?? node.DeepClone();
        }
        catch (JsonException)
        {
            return node.DeepClone();
        }
    }

    static JsonNode? NodeOf(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => JsonValue.Create(value.StringValue),
        AnyValue.ValueOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => JsonValue.Create(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue => double.IsFinite(value.DoubleValue) ? JsonValue.Create(value.DoubleValue) : null,
        AnyValue.ValueOneofCase.BytesValue => JsonValue.Create(value.BytesValue.ToBase64()),
        AnyValue.ValueOneofCase.ArrayValue => new JsonArray([.. value.ArrayValue.Values.Select(NodeOf)]),
        AnyValue.ValueOneofCase.KvlistValue => ObjectOf(Of(value.KvlistValue.Values)),
        _ => null,
    };

    static JsonNode? NodeOf(JsonElement? any)
    {
        if (any is not { ValueKind: JsonValueKind.Object } value || value.EnumerateObject().FirstOrDefault() is not { Value.ValueKind: not JsonValueKind.Undefined } said)
            return null;
        var (sanitised, inner) = (false, said.Value);
        return said.Name switch
        {
            // 64 bits come as a text; some senders write the number.
            "intValue" when inner.ValueKind == JsonValueKind.String && long.TryParse(LenientText.Of(inner, ref sanitised), CultureInfo.InvariantCulture, out var whole) =>
                JsonValue.Create(whole),
            "arrayValue" => inner.Member("values") is { ValueKind: JsonValueKind.Array } list
                ? new JsonArray([.. list.EnumerateArray().Select(v => NodeOf(v))]) : new JsonArray(),
            "kvlistValue" => ObjectOf(Of(inner.Member("values"))),
            _ => JsonNode.Parse(LenientText.JsonOf(inner, ref sanitised)),
        };
    }

    static JsonObject ObjectOf(OtlpAttributes members) => new(members.Select(m => KeyValuePair.Create(m.Key, m.Value)));
}

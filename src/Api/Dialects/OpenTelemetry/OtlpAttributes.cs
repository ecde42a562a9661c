using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>Attributes by name, as plain JSON; the last of two with one name stands.</summary>
internal sealed class OtlpAttributes : Dictionary<string, JsonNode?>
{
    OtlpAttributes() : base(StringComparer.Ordinal) { }

    /// <summary>Some value held NUL or half a surrogate pair and shows U+FFFD in its place.</summary>
    public bool Sanitised { get; private set; }

    /// <summary>Names whose values have been taken for a field of their own: they need not be shown again.</summary>
    public HashSet<string> Taken { get; } = new(StringComparer.Ordinal);

    /// <exception cref="FormatException">A name holds NUL.</exception>
    public static OtlpAttributes Of(IEnumerable<KeyValue> pairs)
    {
        var all = new OtlpAttributes();
        foreach (var pair in pairs)
        {
            if (pair.Key.Contains('\0')) throw BadName();
            all[pair.Key] = all.NodeOf(pair.Value);
        }
        return all;
    }

    /// <summary>One value of any kind under a name of ours, such as the body of a log record.</summary>
    public static OtlpAttributes Of(string name, AnyValue? value)
    {
        var all = new OtlpAttributes();
        all[name] = all.NodeOf(value);
        return all;
    }

    /// <inheritdoc cref="Of(string, AnyValue?)"/>
    public static OtlpAttributes Of(string name, JsonElement? value)
    {
        var all = new OtlpAttributes();
        all[name] = all.NodeOf(value);
        return all;
    }

    /// <inheritdoc cref="Of(IEnumerable{KeyValue})"/>
    public static OtlpAttributes Of(JsonElement? pairs)
    {
        var all = new OtlpAttributes();
        if (pairs is not { ValueKind: JsonValueKind.Array } list) return all;
        foreach (var pair in list.EnumerateArray())
        {
            var harmed = false;
            if (pair.Text("key", ref harmed) is not { } key) continue;
            if (harmed) throw BadName();
            all[key] = all.NodeOf(pair.Member("value"));
        }
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

    /// <summary>The first of these names that says anything, as JSON; a text that holds JSON is that JSON.</summary>
    public JsonNode? Json(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!TryGetValue(name, out var node) || node is null || (node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length == 0)) continue;
            Taken.Add(name);
            return Opened(node);
        }
        return null;
    }

    /// <summary><c>prefix.0.message.role</c>, <c>prefix.0.message.content</c> … put together again: a list of objects; null without any.</summary>
    public JsonArray? Numbered(string prefix)
    {
        var names = Keys.Where(k => k.Length > prefix.Length && k.StartsWith(prefix, StringComparison.Ordinal) && k[prefix.Length] == '.').ToList();
        if (names.Count == 0) return null;
        Taken.UnionWith(names);
        return NumberedNames.Nest(names.Select(name => (name[(prefix.Length + 1)..], this[name])));
    }

    JsonNode Opened(JsonNode node)
    {
        if (node is not JsonValue value || !value.TryGetValue<string>(out var text) || text.AsSpan().TrimStart() is not ['{' or '[', ..]) return node.DeepClone();
        try
        {
            // Keys are checked before: the framework meets two equal ones only when somebody asks for one.
            var utf8 = Encoding.UTF8.GetBytes(text);
            if (PayloadRules.Check(utf8) is not null) return node.DeepClone();
            using var json = JsonDocument.Parse(utf8);
            var harmed = false;
            var opened = JsonNode.Parse(LenientText.JsonOf(json.RootElement, ref harmed));
            Sanitised |= harmed;
            return opened ?? node.DeepClone();
        }
        catch (JsonException)
        {
            return node.DeepClone();
        }
    }

    JsonNode? NodeOf(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => JsonValue.Create(Clean(value.StringValue)),
        AnyValue.ValueOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => JsonValue.Create(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue => double.IsFinite(value.DoubleValue) ? JsonValue.Create(value.DoubleValue) : null,
        AnyValue.ValueOneofCase.BytesValue => JsonValue.Create(value.BytesValue.ToBase64()),
        AnyValue.ValueOneofCase.ArrayValue => new JsonArray([.. value.ArrayValue.Values.Select(NodeOf)]),
        AnyValue.ValueOneofCase.KvlistValue => ObjectOf(Of(value.KvlistValue.Values)),
        _ => null,
    };

    JsonNode? NodeOf(JsonElement? any)
    {
        if (any is not { ValueKind: JsonValueKind.Object } value || value.EnumerateObject().FirstOrDefault() is not { Value.ValueKind: not JsonValueKind.Undefined } said)
            return null;
        var (name, inner, kind) = (said.Name, said.Value, said.Value.ValueKind);
        return (name, kind) switch
        {
            ("stringValue" or "bytesValue", JsonValueKind.String) => JsonValue.Create(TextOf(inner)),
            ("boolValue", JsonValueKind.True or JsonValueKind.False) => JsonValue.Create(kind == JsonValueKind.True),
            // 64 bits come as a text; some senders write the number.
            ("intValue", JsonValueKind.String) => long.TryParse(TextOf(inner), CultureInfo.InvariantCulture, out var whole) ? JsonValue.Create(whole) : null,
            ("intValue" or "doubleValue", JsonValueKind.Number) =>
                inner.TryGetInt64(out var n) ? JsonValue.Create(n) : inner.TryGetDouble(out var d) && double.IsFinite(d) ? JsonValue.Create(d) : null,
            ("arrayValue", JsonValueKind.Object) => inner.Member("values") is { ValueKind: JsonValueKind.Array } list
                ? new JsonArray([.. list.EnumerateArray().Select(v => NodeOf(v))]) : new JsonArray(),
            ("kvlistValue", JsonValueKind.Object) => ObjectOf(Of(inner.Member("values"))),
            _ => null,
        };
    }

    JsonObject ObjectOf(OtlpAttributes members)
    {
        Sanitised |= members.Sanitised;
        return members.ToObject();
    }

    public JsonObject ToObject() => new(this.Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone())));

    string TextOf(JsonElement text)
    {
        var harmed = false;
        var read = LenientText.Of(text, ref harmed);
        Sanitised |= harmed;
        return read;
    }

    string Clean(string text)
    {
        if (!text.Contains('\0')) return text;
        Sanitised = true;
        return text.Replace('\0', '\uFFFD');
    }

    static FormatException BadName() => new("the name of one of its attributes holds NUL or half a surrogate pair");
}

/// <summary>
/// Flat names with numbers in them, as OpenInference and OpenLLMetry send lists of objects, made into lists of objects again:
/// <c>0.message.tool_calls.1.tool_call.function.name</c> is <c>[0].tool_calls[1].function.name</c>.
/// </summary>
internal static class NumberedNames
{
    /// <summary>OpenInference names every member of a list once more.</summary>
    static bool IsWrapper(string name) => name is "message" or "message_content" or "tool_call" or "document" or "tool" or "embedding" or "prompt" or "completion";

    public static JsonArray Nest(IEnumerable<(string Name, JsonNode? Value)> members)
    {
        var root = new Branch();
        foreach (var (name, value) in members) root.Add(name.Split('.'), value);
        return root.ToNode() as JsonArray ?? [root.ToNode()];
    }

    sealed class Branch
    {
        readonly Dictionary<string, Branch> _members = new(StringComparer.Ordinal);
        JsonNode? _value;

        public void Add(ReadOnlySpan<string> path, JsonNode? value)
        {
            var at = this;
            for (var i = 0; i < path.Length; i++)
            {
                if (i > 0 && i < path.Length - 1 && IsWrapper(path[i]) && IsNumber(path[i - 1])) continue;
                if (!at._members.TryGetValue(path[i], out var next)) at._members[path[i]] = next = new();
                at = next;
            }
            at._value = value;
        }

        public JsonNode? ToNode()
        {
            if (_members.Count == 0) return _value?.DeepClone();
            return _members.Keys.All(IsNumber)
                ? new JsonArray([.. _members.OrderBy(m => int.Parse(m.Key, CultureInfo.InvariantCulture)).Select(m => m.Value.ToNode())])
                : new JsonObject(_members.Select(m => KeyValuePair.Create(m.Key, m.Value.ToNode())));
        }

        static bool IsNumber(string name) => name.Length is > 0 and < 9 && name.All(char.IsAsciiDigit);
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>Attributes by name; the last of two with one name stands. What is asked for as JSON is JSON text.</summary>
internal sealed class OtlpAttributes
{
    readonly Dictionary<string, (OtlpValue Value, bool Taken)> _values = new(StringComparer.Ordinal);
    /// <summary>A hundred names are asked for and ten are there: most of the others fall through here.</summary>
    ulong _sieve;
    bool _numbered;
    bool _sanitised;

    /// <summary>Some value that was read held NUL or half a surrogate pair and shows U+FFFD in its place.</summary>
    public bool Sanitised => _sanitised;

    public IEnumerable<string> Names => _values.Keys;

    /// <summary>Those whose values have not been taken for a field of their own.</summary>
    public IEnumerable<string> Untaken => _values.Where(v => !v.Value.Taken).Select(v => v.Key);

    public bool Has(string name) => TryGet(name, out _);

    /// <param name="pair">A <c>KeyValue</c>.</param>
    /// <exception cref="FormatException">A name holds NUL, or a value cannot be read.</exception>
    public void Add(ReadOnlyMemory<byte> pair)
    {
        var (name, value) = OtlpValue.PairOf(pair);
        if (!OtlpValue.IsName(name.Span)) throw OtlpValue.BadName();
        Set(KnownTexts.Of(name.Span), new(value));
    }

    /// <inheritdoc cref="Add"/>
    public static OtlpAttributes Of(JsonElement? pairs)
    {
        var all = new OtlpAttributes();
        if (pairs is not { ValueKind: JsonValueKind.Array } list) return all;
        foreach (var pair in list.EnumerateArray())
        {
            var harmed = false;
            if (pair.Text("key", ref harmed) is not { } name) continue;
            if (harmed) throw OtlpValue.BadName();
            all.Set(name, new(pair.Member("value")));
        }
        return all;
    }

    /// <summary>The first of these names that holds a text, number or truth; of a list the first.</summary>
    public string? Text(params ReadOnlySpan<string> names) => Text(names, take: false);

    /// <summary>As <see cref="Text(ReadOnlySpan{string})"/>, for a field of its own: the value need not be shown again.</summary>
    public string? Take(params ReadOnlySpan<string> names) => Text(names, take: true);

    string? Text(ReadOnlySpan<string> names, bool take)
    {
        foreach (var name in names)
        {
            if (!TryGet(name, out var value) || value.Text(ref _sanitised) is not { Length: > 0 } text) continue;
            if (take) SetTaken(name);
            return text;
        }
        return null;
    }

    public double? Number(params ReadOnlySpan<string> names) => Number(names, take: false);

    /// <summary>Tokens: whole, not negative, else unknown. They count as taken.</summary>
    public long? Tokens(params ReadOnlySpan<string> names) =>
        Number(names, take: true) is { } n && n is >= 0 and <= Domain.Traces.Usage.Most && n == Math.Floor(n) ? (long)n : null;

    double? Number(ReadOnlySpan<string> names, bool take)
    {
        foreach (var name in names)
            if (Text([name], take) is { } text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) return number;
        return null;
    }

    /// <summary>The first of these names that says anything; a text that holds JSON is that JSON. It counts as taken.</summary>
    public string? Json(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!TryGet(name, out var value) || value.IsEmpty) continue;
            SetTaken(name);
            return value.Opened(ref _sanitised) ?? value.Json(ref _sanitised);
        }
        return null;
    }

    /// <summary>As <see cref="Json"/>, as it was sent, and without taking it.</summary>
    public string Plain(string name) => _values[name].Value.Json(ref _sanitised);

    /// <summary><c>prefix.0.message.role</c>, <c>prefix.0.message.content</c> … put together again: a list of objects; null without any.</summary>
    public string? Numbered(string prefix)
    {
        if (!_numbered) return null;
        List<string>? names = null;
        foreach (var name in _values.Keys)
            if (name.Length > prefix.Length && name[prefix.Length] == '.' && name.StartsWith(prefix, StringComparison.Ordinal)) (names ??= []).Add(name);
        if (names is null) return null;
        foreach (var name in names) SetTaken(name);
        return NumberedNames.Nest(names.Select(name => (name[(prefix.Length + 1)..], Plain(name))));
    }

    /// <summary>All of them as members of the object that is being written, but for names that are in it already.</summary>
    public void Write(Utf8JsonWriter json, params ReadOnlySpan<string> written)
    {
        foreach (var (name, (value, _)) in _values)
        {
            if (written.Contains(name)) continue;
            json.WritePropertyName(name);
            value.Write(json, ref _sanitised);
        }
    }

    void Set(string name, OtlpValue value)
    {
        _values[name] = (value, false);
        _sieve |= Bit(name);
        for (var at = name.IndexOf('.'); !_numbered && at >= 0 && at + 1 < name.Length; at = name.IndexOf('.', at + 1)) _numbered = char.IsAsciiDigit(name[at + 1]);
    }

    bool TryGet(string name, out OtlpValue value)
    {
        value = default;
        if ((_sieve & Bit(name)) == 0 || !_values.TryGetValue(name, out var held)) return false;
        value = held.Value;
        return true;
    }

    void SetTaken(string name) => CollectionsMarshal.GetValueRefOrNullRef(_values, name).Taken = true;

    static ulong Bit(string name) => name.Length == 0 ? 1 : 1UL << (((name.Length * 5) + (name[^1] * 3) + name[name.Length / 2]) & 63);
}

/// <summary>
/// Flat names with numbers in them, as OpenInference and OpenLLMetry send lists of objects, made into lists of objects again:
/// <c>0.message.tool_calls.1.tool_call.function.name</c> is <c>[0].tool_calls[1].function.name</c>.
/// </summary>
internal static class NumberedNames
{
    /// <summary>OpenInference names every member of a list once more.</summary>
    static bool IsWrapper(string name) => name is "message" or "message_content" or "tool_call" or "document" or "tool" or "embedding" or "prompt" or "completion";

    /// <param name="members">Names, and values as JSON text.</param>
    public static string Nest(IEnumerable<(string Name, string Value)> members)
    {
        var root = new Branch();
        foreach (var (name, value) in members) root.Add(name.Split('.'), value);
        return OtlpValue.Written(json =>
        {
            var isList = root.IsList;
            if (!isList) json.WriteStartArray();
            root.Write(json);
            if (!isList) json.WriteEndArray();
        });
    }

    sealed class Branch
    {
        readonly Dictionary<string, Branch> _members = new(StringComparer.Ordinal);
        string _value = "null";

        public bool IsList => _members.Count > 0 && _members.Keys.All(IsNumber);

        public void Add(ReadOnlySpan<string> path, string value)
        {
            var at = this;
            for (var i = 0; i < path.Length && i < PayloadRules.DeepestLevel; i++)
            {
                if (i > 0 && i < path.Length - 1 && IsWrapper(path[i]) && IsNumber(path[i - 1])) continue;
                if (!at._members.TryGetValue(path[i], out var next)) at._members[path[i]] = next = new();
                at = next;
            }
            at._value = value;
        }

        public void Write(Utf8JsonWriter json)
        {
            if (_members.Count == 0)
            {
                json.WriteRawValue(_value, skipInputValidation: true);
            }
            else if (IsList)
            {
                json.WriteStartArray();
                foreach (var (_, item) in _members.OrderBy(m => int.Parse(m.Key, CultureInfo.InvariantCulture)).ThenBy(m => m.Key, StringComparer.Ordinal)) item.Write(json);
                json.WriteEndArray();
            }
            else
            {
                json.WriteStartObject();
                foreach (var (name, member) in _members)
                {
                    json.WritePropertyName(name);
                    member.Write(json);
                }
                json.WriteEndObject();
            }
        }

        static bool IsNumber(string name) => name.Length is > 0 and < 9 && name.All(char.IsAsciiDigit);
    }
}

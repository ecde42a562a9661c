using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>A value as it was received (<c>AnyValue</c>), in either encoding; made into text or JSON only when somebody asks.</summary>
internal readonly struct OtlpValue
{
    const int String = 1, Bool = 2, Int = 3, Double = 4, Array = 5, Members = 6, Bytes = 7;
    const int DeepestLevel = 32;

    /// <summary>As the house writes JSON: only what must be escaped is.</summary>
    static readonly JsonSerializerOptions s_plain = new() { Encoder = Native.Envelope.Json.Encoder };
    static readonly JsonWriterOptions s_writer = new() { Encoder = Native.Envelope.Json.Encoder };

    readonly ReadOnlyMemory<byte> _content;
    readonly ulong _number;
    readonly JsonElement _json;
    readonly int _kind;

    /// <exception cref="FormatException">It is nested too deeply, or the name of a member holds NUL.</exception>
    public OtlpValue(ReadOnlyMemory<byte> protobuf)
    {
        this = Of(protobuf);
        Check(this, 0);
    }

    /// <inheritdoc cref="OtlpValue(ReadOnlyMemory{byte})"/>
    public OtlpValue(JsonElement? any)
    {
        this = Of(any);
        CheckNames(this);
    }

    OtlpValue(int kind, ReadOnlyMemory<byte> content, ulong number, JsonElement json) => (_kind, _content, _number, _json) = (kind, content, number, json);

    bool IsJson => _json.ValueKind != JsonValueKind.Undefined;

    /// <summary>It says nothing: null, or an empty text.</summary>
    public bool IsEmpty => _kind == 0 || (_kind == String && (IsJson ? _json.ValueEquals("") : _content.IsEmpty));

    /// <summary>Of a text, a number or a truth, what it says; of a list, what its first does; else null.</summary>
    public string? Text(ref bool sanitised) => _kind switch
    {
        String or Bytes => TextOf(ref sanitised),
        Bool => Truth ? "true" : "false",
        Int => Whole?.ToString(CultureInfo.InvariantCulture),
        Double => Real is { } real ? real.ToString("R", CultureInfo.InvariantCulture) : null,
        Array => First() is { _kind: not Array and not 0 } first ? first.Text(ref sanitised) : null,
        _ => null,
    };

    public string Json(ref bool sanitised)
    {
        if (_kind == String) return JsonSerializer.Serialize(TextOf(ref sanitised), s_plain);
        if (_kind is not (Array or Members)) return Text(ref sanitised) is not { } text ? "null" : _kind == Bytes ? JsonSerializer.Serialize(text, s_plain) : text;
        var value = this;
        var harmed = false;
        var written = Written(json => value.Write(json, ref harmed));
        sanitised |= harmed;
        return written;
    }

    /// <summary>Of a text that holds a JSON object or list, that JSON with its harm replaced; null of anything else.</summary>
    public string? Opened(ref bool sanitised)
    {
        if (_kind != String) return null;
        var utf8 = IsJson ? Encoding.UTF8.GetBytes(LenientText.Of(_json, ref sanitised)) : _content;
        if (utf8.Span.TrimStart(" \t\r\n"u8) is not [(byte)'{' or (byte)'[', ..]) return null;
        try
        {
            if (PayloadRules.Check(utf8.Span) is not null) return null;
            if (!utf8.Span.Contains((byte)'\\') && IsName(utf8.Span)) return Encoding.UTF8.GetString(utf8.Span);
            using var json = JsonDocument.Parse(utf8);
            return LenientText.JsonOf(json.RootElement, ref sanitised);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static string Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, s_writer)) write(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public void Write(Utf8JsonWriter json, ref bool sanitised)
    {
        switch (_kind)
        {
            case Array:
                json.WriteStartArray();
                foreach (var item in Items()) item.Write(json, ref sanitised);
                json.WriteEndArray();
                break;
            case Members:
                json.WriteStartObject();
                foreach (var (name, value) in Named())
                {
                    json.WritePropertyName(name);
                    value.Write(json, ref sanitised);
                }
                json.WriteEndObject();
                break;
            default:
                json.WriteRawValue(Json(ref sanitised), skipInputValidation: true);
                break;
        }
    }

    /// <summary>Its members, where it has any; the last of two with one name stands.</summary>
    public IEnumerable<(string Name, OtlpValue Value)> Named() => _kind == Members ? Pairs().Reverse().DistinctBy(p => p.Name).Reverse() : [];

    OtlpValue? First() => Items().Select(v => (OtlpValue?)v).FirstOrDefault();

    IEnumerable<OtlpValue> Items()
    {
        if (IsJson)
        {
            if (_json.Member("values") is not { ValueKind: JsonValueKind.Array } list) yield break;
            foreach (var item in list.EnumerateArray()) yield return Of((JsonElement?)item);
            yield break;
        }
        for (var items = new ProtoReader(_content); items.Next();) yield return Of(items.Bytes);
    }

    IEnumerable<(string Name, OtlpValue Value)> Pairs()
    {
        var sanitised = false;
        if (IsJson)
        {
            if (_json.Member("values") is not { ValueKind: JsonValueKind.Array } list) yield break;
            foreach (var pair in list.EnumerateArray()) yield return (pair.Text("key", ref sanitised) ?? "", Of(pair.Member("value")));
            yield break;
        }
        for (var pairs = new ProtoReader(_content); pairs.Next();)
        {
            var (name, value) = PairOf(pairs.Bytes);
            yield return (Encoding.UTF8.GetString(name.Span), Of(value));
        }
    }

    /// <summary>Name and value of a <c>KeyValue</c>.</summary>
    public static (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value) PairOf(ReadOnlyMemory<byte> protobuf)
    {
        var (name, value) = (default(ReadOnlyMemory<byte>), default(ReadOnlyMemory<byte>));
        for (var pair = new ProtoReader(protobuf); pair.Next();)
            if (pair.Field == 1) name = pair.Bytes;
            else if (pair.Field == 2) value = pair.Bytes;
        return (name, value);
    }

    public static bool IsName(ReadOnlySpan<byte> utf8) => !utf8.Contains((byte)0) && Utf8.IsValid(utf8);

    public static FormatException BadName() => new("the name of one of its attributes holds NUL or half a surrogate pair");

    bool Truth => IsJson ? _json.ValueKind == JsonValueKind.True : _number != 0;

    long? Whole
    {
        get
        {
            if (!IsJson) return (long)_number;
            // 64 bits come as a text; some senders write the number.
            var sanitised = false;
            if (_json.ValueKind == JsonValueKind.Number) return _json.TryGetInt64(out var n) ? n : null;
            return long.TryParse(LenientText.Of(_json, ref sanitised), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null;
        }
    }

    double? Real
    {
        get
        {
            var real = IsJson ? (_json.TryGetDouble(out var d) ? d : double.NaN) : BitConverter.UInt64BitsToDouble(_number);
            return double.IsFinite(real) ? real : null;
        }
    }

    string TextOf(ref bool sanitised)
    {
        if (IsJson) return LenientText.Of(_json, ref sanitised);
        var utf8 = _content.Span;
        if (_kind == Bytes) return Convert.ToBase64String(utf8);
        var text = Encoding.UTF8.GetString(utf8);
        if (IsName(utf8)) return text;
        sanitised = true;
        return text.Replace('\0', '\uFFFD');
    }

    /// <summary>The one field of an <c>AnyValue</c>; of several the last.</summary>
    static OtlpValue Of(ReadOnlyMemory<byte> any)
    {
        var value = default(OtlpValue);
        for (var fields = new ProtoReader(any); fields.Next();)
            if (fields.Field is >= String and <= Bytes) value = new(fields.Field, fields.Bytes, fields.Number, default);
        return value;
    }

    static OtlpValue Of(JsonElement? any)
    {
        if (any is not { ValueKind: JsonValueKind.Object } o) return default;
        foreach (var said in o.EnumerateObject())
        {
            var kind = (said.Name, said.Value.ValueKind) switch
            {
                // Bytes are base64 here, and shown so.
                ("stringValue" or "bytesValue", JsonValueKind.String) => String,
                ("boolValue", JsonValueKind.True or JsonValueKind.False) => Bool,
                ("intValue", JsonValueKind.String or JsonValueKind.Number) => Int,
                ("doubleValue", JsonValueKind.Number) => Double,
                ("arrayValue", JsonValueKind.Object) => Array,
                ("kvlistValue", JsonValueKind.Object) => Members,
                _ => 0,
            };
            if (kind != 0) return new(kind, default, 0, said.Value);
        }
        return default;
    }

    static void Check(in OtlpValue value, int depth)
    {
        if (value._kind is not (Array or Members)) return;
        if (depth == DeepestLevel) throw new FormatException($"one of its attributes is nested deeper than {DeepestLevel} levels");
        for (var items = new ProtoReader(value._content); items.Next();)
        {
            var item = items.Bytes;
            if (value._kind == Members)
            {
                (var name, item) = PairOf(item);
                if (!IsName(name.Span)) throw BadName();
            }
            Check(Of(item), depth + 1);
        }
    }

    /// <summary>Not too deep: the rules for payloads saw to that.</summary>
    static void CheckNames(in OtlpValue value)
    {
        if (value._kind is not (Array or Members) || value._json.Member("values") is not { ValueKind: JsonValueKind.Array } list) return;
        foreach (var item in list.EnumerateArray())
        {
            if (value._kind == Members && item.Member("key") is { ValueKind: JsonValueKind.String } name && !LenientText.IsClean(name)) throw BadName();
            CheckNames(Of(value._kind == Members ? item.Member("value") : item));
        }
    }
}

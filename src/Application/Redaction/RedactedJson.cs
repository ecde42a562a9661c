using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Application.Redaction;

/// <summary>What a dialect keeps in another form than plain JSON, by the members at the top of its payloads.</summary>
public abstract class OwnForm
{
    /// <summary>Under this member attributes are lists of <c>{key, value}</c>: the key names the value.</summary>
    public abstract bool HasPairs(ReadOnlySpan<byte> member);

    /// <summary>False: its value is plain text. Null in <paramref name="rewritten"/> leaves it as it is.</summary>
    public abstract bool TryRewrite(ReadOnlySpan<byte> member, ReadOnlySpan<byte> value, RedactionPass pass, out string? rewritten);
}

/// <summary>
/// The texts of a JSON payload without what the rules find. Everything else stays byte for byte: names of members, numbers, spaces, ids (members named
/// <c>id</c>, <c>user_id</c>, <c>traceId</c>, <c>session.id</c> …, whose value is one word). A text that is itself JSON, as arguments of tools are, is treated as such.
/// </summary>
public static class RedactedJson
{
    const int MostLevels = 4, LongestId = 255;
    /// <summary>Texts that begin like JSON and are none cost an exception each; a payload of them is read as plain text from here on.</summary>
    const int MostMistaken = 100;

    static readonly JsonReaderOptions s_deep = new() { MaxDepth = int.MaxValue };

    public static ReadOnlyMemory<byte> Rewrite(ReadOnlyMemory<byte> json, RedactionPass pass, OwnForm? own = null)
    {
        if (own is null && !pass.Rules.MayFind(json.Span)) return json;
        return new Walk(pass, own).Over(json.Span, 0) is { } rewritten ? rewritten : json;
    }

    /// <summary>One text, which may hold JSON; null when there is nothing to replace.</summary>
    public static string? Text(ReadOnlySpan<char> text, RedactionPass pass) => new Walk(pass, null).Of(text, 0);

    sealed class Walk(RedactionPass pass, OwnForm? own)
    {
        int _mistaken;

        /// <summary>Null: as it was.</summary>
        public byte[]? Over(ReadOnlySpan<byte> json, int level)
        {
            var reader = new Utf8JsonReader(json, s_deep);
            ArrayBufferWriter<byte>? to = null;
            var member = default(ReadOnlySpan<byte>);
            var (copied, pairs, leave, named) = (0, false, int.MaxValue, (Depth: -1, IsId: false));
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    if (reader.CurrentDepth <= leave) leave = int.MaxValue;
                    // What follows in a list has no name of its own.
                    member = default;
                }
                else if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    member = reader.ValueSpan;
                    if (level == 0 && own is not null && reader.CurrentDepth == 1) pairs = own.HasPairs(member);
                    if (pairs && member.SequenceEqual("value"u8) && named == (reader.CurrentDepth, true)) leave = Math.Min(leave, reader.CurrentDepth);
                }
                else if (reader.TokenType == JsonTokenType.String)
                {
                    if (pairs && member.SequenceEqual("key"u8)) named = (reader.CurrentDepth, IsId(reader.ValueSpan));
                    else if (leave == int.MaxValue && Rewritten(member, reader.ValueSpan, level) is { } text)
                    {
                        to ??= new(json.Length + 64);
                        to.Write(json[copied..((int)reader.TokenStartIndex + 1)]);
                        to.Write(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
                        copied = (int)reader.BytesConsumed - 1;
                    }
                }
            }
            if (to is null) return null;
            to.Write(json[copied..]);
            return to.WrittenSpan.ToArray();
        }

        static bool IsOneWord(ReadOnlySpan<byte> inside) => inside.Length <= LongestId && inside.IndexOfAny(" \\"u8) < 0;

        string? Rewritten(ReadOnlySpan<byte> member, ReadOnlySpan<byte> inside, int level)
        {
            if (level == 0 && own is not null && own.TryRewrite(member, inside, pass, out var rewritten)) return rewritten;
            if (IsId(member) && IsOneWord(inside)) return null;
            var chars = ArrayPool<char>.Shared.Rent(inside.Length);
            try
            {
                var text = chars.AsSpan(0, EscapedText.Decode(inside, chars, out _));
                return Of(text, level);
            }
            finally
            {
                ArrayPool<char>.Shared.Return(chars);
            }
        }

        public string? Of(ReadOnlySpan<char> text, int level)
        {
            if (!pass.Rules.MayFind(text) && text.IndexOf("\\u") < 0) return null;
            return level < MostLevels && LooksLikeJson(text) ? Nested(text, level) : pass.Text(text);
        }

        string? Nested(ReadOnlySpan<char> text, int level)
        {
            var utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
            Encoding.UTF8.GetBytes(text, utf8);
            if (_mistaken >= MostMistaken || !IsJson(utf8)) return pass.Text(text);
            return Over(utf8, level + 1) is { } rewritten ? Encoding.UTF8.GetString(rewritten) : null;
        }

        bool IsJson(ReadOnlySpan<byte> utf8)
        {
            var reader = new Utf8JsonReader(utf8, s_deep);
            try
            {
                while (reader.Read()) { }
                return true;
            }
            catch (JsonException)
            {
                _mistaken++;
                return false;
            }
        }

        static bool LooksLikeJson(ReadOnlySpan<char> text) =>
            text.Trim() is { Length: > 1 } inner && (inner[0], inner[^1]) is ('{', '}') or ('[', ']');
    }

    /// <summary><c>id</c>, <c>ids</c>, or a name that ends so: <c>user_id</c>, <c>traceId</c>, <c>span-id</c>, <c>session.id</c>.</summary>
    public static bool IsId(ReadOnlySpan<byte> name)
    {
        if (name.Length > 2 && name[^1] == (byte)'s') name = name[..^1];
        if (name.Length < 2) return false;
        var (i, d) = (name[^2], name[^1]);
        if (name.Length == 2) return (i | 0x20, d | 0x20) is ('i', 'd');
        return (i, d) is ((byte)'I', (byte)'d' or (byte)'D') || (i, d) is ((byte)'i', (byte)'d') && name[^3] is (byte)'_' or (byte)'.' or (byte)'-';
    }
}

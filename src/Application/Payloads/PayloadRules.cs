using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindcast.Application.Payloads;

/// <summary>What is wrong with one element: where (a dotted path), a code, and a sentence.</summary>
public readonly record struct Fault(string Field, string Code, string Message);

/// <summary>
/// The rules every payload keeps, whatever its dialect: bounded nesting, and keys that mean the same to every reader. Parsers disagree on
/// repeated keys and on keys with NUL or half a surrogate pair, and what two readers understand differently is a way past a check. Values
/// may hold anything that is JSON. Checked before the append: the log cannot forget.
/// </summary>
public static class PayloadRules
{
    public const int DeepestNesting = 64;

    [ThreadStatic] static Keys? t_keys;

    /// <summary>The first fault of a syntactically valid element, or null. One pass, no recursion.</summary>
    public static Fault? Check(ReadOnlySpan<byte> element)
    {
        var keys = t_keys ??= new();
        keys.Clear();
        var json = new Utf8JsonReader(element, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    if (json.CurrentDepth >= DeepestNesting)
                        return new(PathTo(element, json.TokenStartIndex), "too_deep", $"Nested deeper than {DeepestNesting} levels.");
                    keys.Open();
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    keys.Close();
                    break;
                case JsonTokenType.PropertyName:
                    var key = json.ValueSpan;
                    byte[]? unescaped = null;
                    if (json.ValueIsEscaped)
                    {
                        var sanitised = false;
                        unescaped = Encoding.UTF8.GetBytes(LenientText.Unescape(key, ref sanitised));
                        if (sanitised) return Bad(element, json.TokenStartIndex);
                        key = unescaped;
                    }
                    else if (!IsPlain(key)) return Bad(element, json.TokenStartIndex);
                    if (!keys.Add(key, (int)json.TokenStartIndex, unescaped, element))
                        return new(PathTo(element, json.TokenStartIndex), "duplicate_key", "The key stands twice in one object.");
                    break;
            }
        }
        return null;
    }

    static Fault Bad(ReadOnlySpan<byte> element, long at) =>
        new(PathTo(element, at), "invalid_key", "The key holds NUL, half of a surrogate pair, or bytes that are not UTF-8.");

    static bool IsPlain(ReadOnlySpan<byte> key) => Ascii.IsValid(key) || Utf8.IsValid(key);

    /// <summary>The path to the token at a byte: walked again, because only a fault needs it.</summary>
    static string PathTo(ReadOnlySpan<byte> element, long at)
    {
        var path = new List<(bool IsArray, string Key, int Index)>();
        var json = new Utf8JsonReader(element, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (json.Read() && json.TokenStartIndex <= at)
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    var sanitised = false;
                    path[^1] = (false, LenientText.Unescape(json.ValueSpan, ref sanitised), 0);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    path.RemoveAt(path.Count - 1);
                    break;
                default:
                    if (path.Count > 0 && path[^1].IsArray) path[^1] = (true, "", path[^1].Index + 1);
                    if (json.TokenStartIndex < at && json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                        path.Add((json.TokenType == JsonTokenType.StartArray, "", -1));
                    break;
            }
        }
        var text = new StringBuilder();
        foreach (var (isArray, key, index) in path)
        {
            if (text.Length > 200) return text.Append('…').ToString();
            if (isArray) text.Append('[').Append(index).Append(']');
            else if (key.Length > 0) text.Append(text.Length > 0 ? "." : "").Append(key.Length > 64 ? key[..64] + "…" : key);
        }
        return text.ToString();
    }

    /// <summary>The keys of the objects that are open. Few are compared one by one; many go through a table of hashes.</summary>
    sealed class Keys
    {
        const int Few = 12;

        readonly List<(int Start, int Length, byte[]? Unescaped)> _keys = [];
        readonly Stack<int> _opened = new();
        readonly Dictionary<(int Depth, int Hash), List<int>> _many = [];

        public void Clear()
        {
            _keys.Clear();
            _opened.Clear();
            _many.Clear();
        }

        public void Open() => _opened.Push(_keys.Count);

        public void Close()
        {
            var from = _opened.Pop();
            if (_keys.Count - from > Few)
                for (var i = from; i < _keys.Count; i++) _many.Remove((_opened.Count, HashOf(i)));
            _keys.RemoveRange(from, _keys.Count - from);
        }

        readonly List<int> _hashes = [];

        int HashOf(int index) => _hashes[index];

        /// <summary>False when the innermost object has the key already.</summary>
        public bool Add(ReadOnlySpan<byte> key, int tokenStart, byte[]? unescaped, ReadOnlySpan<byte> element)
        {
            var from = _opened.Peek();
            var hash = new HashCode();
            hash.AddBytes(key);
            var mine = hash.ToHashCode();
            if (_hashes.Count <= _keys.Count) _hashes.Add(mine);
            else _hashes[_keys.Count] = mine;
            var count = _keys.Count - from;
            var depth = _opened.Count - 1;

            if (count < Few)
            {
                for (var i = from; i < _keys.Count; i++)
                    if (_hashes[i] == mine && Text(i, element).SequenceEqual(key)) return false;
            }
            else
            {
                if (count == Few) for (var i = from; i < _keys.Count; i++) Remember(depth, i);
                if (_many.TryGetValue((depth, mine), out var alike))
                    foreach (var i in alike)
                        if (Text(i, element).SequenceEqual(key)) return false;
                Remember(depth, _keys.Count);
            }
            // The token starts at its opening quote.
            _keys.Add((tokenStart + 1, key.Length, unescaped));
            return true;
        }

        void Remember(int depth, int index)
        {
            if (!_many.TryGetValue((depth, _hashes[index]), out var alike)) _many[(depth, _hashes[index])] = alike = new(1);
            alike.Add(index);
        }

        ReadOnlySpan<byte> Text(int index, ReadOnlySpan<byte> element)
        {
            var (start, length, unescaped) = _keys[index];
            return unescaped is not null ? unescaped : element.Slice(start, length);
        }
    }
}

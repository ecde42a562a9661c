using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace Hindcast.Application.Payloads;

/// <summary>What is wrong with one element: where (a dotted path, empty for itself), a code for programs, a sentence for people.</summary>
public readonly record struct Fault(string Field, string Code, string Message);

/// <summary>
/// What every payload keeps before it may enter the log, because nothing can be refused afterwards and the stores behind the log disagree on
/// these bytes: which of two equal keys wins, whether a key may hold NUL, how deep is too deep. Values are free; they are stored as received.
/// </summary>
public static class PayloadRules
{
    /// <summary>The element itself is level 1.</summary>
    public const int DeepestLevel = 64;

    // One more than is allowed, so that the reader shows us the container that is too deep and does not throw.
    static readonly JsonReaderOptions Options = new() { MaxDepth = DeepestLevel + 1 };

    [ThreadStatic] static SeenKeys? t_keys;

    /// <summary>The first fault of one syntactically valid JSON element, in one pass and without recursion; null when there is none.</summary>
    /// <exception cref="JsonException">The bytes are no JSON.</exception>
    public static Fault? Check(ReadOnlySpan<byte> utf8Element)
    {
        var keys = t_keys ??= new();
        var json = new Utf8JsonReader(utf8Element, Options);
        try
        {
            while (json.Read())
            {
                switch (json.TokenType)
                {
                    case JsonTokenType.StartObject or JsonTokenType.StartArray when json.CurrentDepth >= DeepestLevel:
                        return TooDeep(utf8Element, json.TokenStartIndex);
                    case JsonTokenType.StartObject:
                        keys.Open();
                        break;
                    case JsonTokenType.EndObject:
                        keys.Close();
                        break;
                    case JsonTokenType.PropertyName:
                        if (CheckKey(utf8Element, ref json, keys) is { } fault) return fault;
                        break;
                }
            }
            return null;
        }
        finally
        {
            keys.Clear();
        }
    }

    static Fault? CheckKey(ReadOnlySpan<byte> element, ref Utf8JsonReader json, SeenKeys keys)
    {
        var key = json.ValueSpan;
        if (json.ValueIsEscaped)
        {
            if (!TryUnescape(key, keys, out var length)) return InvalidKey(element, json.TokenStartIndex);
            return keys.AddUnescaped(element, length) ? null : DuplicateKey(element, json.TokenStartIndex);
        }
        if (!Utf8.IsValid(key)) return InvalidKey(element, json.TokenStartIndex);
        return keys.Add(element, (int)json.TokenStartIndex + 1, key.Length) ? null : DuplicateKey(element, json.TokenStartIndex);
    }

    static bool TryUnescape(ReadOnlySpan<byte> key, SeenKeys keys, out int length)
    {
        char[]? rented = null;
        var chars = key.Length <= 96 ? stackalloc char[96] : rented = ArrayPool<char>.Shared.Rent(key.Length);
        chars = chars[..EscapedText.Decode(key, chars, out var harmed)];
        // An escape is never shorter than what it stands for.
        Utf8.FromUtf16(chars, keys.Unescaping(key.Length), out _, out length);
        if (rented is not null) ArrayPool<char>.Shared.Return(rented);
        return !harmed;
    }

    static Fault TooDeep(ReadOnlySpan<byte> element, long at) =>
        new(PayloadPath.To(element, at), "too_deep", $"Nested deeper than {DeepestLevel} levels.");

    static Fault DuplicateKey(ReadOnlySpan<byte> element, long at) =>
        new(PayloadPath.To(element, at), "duplicate_key", "The key is in the same object already; keys are compared after unescaping.");

    static Fault InvalidKey(ReadOnlySpan<byte> element, long at) =>
        new(PayloadPath.To(element, at), "invalid_key", "The key holds NUL, a lone surrogate or invalid UTF-8.");
}

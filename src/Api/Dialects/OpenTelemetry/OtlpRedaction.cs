using System.Buffers;
using System.Text;
using Hindcast.Application.Payloads;
using Hindcast.Application.Redaction;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// The texts of spans and log records in protobuf without what redaction finds: names, messages, values of attributes. Everything else, fields we do
/// not know included, stays byte for byte. A value nested too deeply or malformed, which nobody could look into, is left empty.
/// </summary>
internal sealed class OtlpRedaction : OwnForm
{
    public static readonly OtlpRedaction Form = new();

    enum Part { Other, Text, Span, Log, Event, Link, Status, Pair, Value, Values, Pairs }

    public override bool HasPairs(ReadOnlySpan<byte> member) => member.SequenceEqual("json"u8) || member.SequenceEqual("log_json"u8);

    public override bool TryRewrite(ReadOnlySpan<byte> member, ReadOnlySpan<byte> value, RedactionPass pass, out string? rewritten)
    {
        rewritten = null;
        var part = member.SequenceEqual("protobuf"u8) ? Part.Span : member.SequenceEqual("log_protobuf"u8) ? Part.Log : Part.Other;
        if (part == Part.Other) return false;
        var message = Convert.FromBase64String(Encoding.ASCII.GetString(value));
        if (pass.Rules.MayFind(message) && Rewrite(part, message, pass, 0) is { } clean) rewritten = Convert.ToBase64String(clean);
        return true;
    }

    /// <summary>What stands in a field of a message, by <c>otlp.proto</c>.</summary>
    static Part In(Part message, int field) => (message, field) switch
    {
        (Part.Span, 3 or 5) or (Part.Log, 3 or 12) or (Part.Event, 2) or (Part.Link, 3) or (Part.Status, 2) or (Part.Value, 1) => Part.Text,
        (Part.Span, 9) or (Part.Log, 6) or (Part.Event, 3) or (Part.Link, 4) or (Part.Pairs, 1) => Part.Pair,
        (Part.Span, 11) => Part.Event,
        (Part.Span, 13) => Part.Link,
        (Part.Span, 15) => Part.Status,
        (Part.Log, 5) or (Part.Pair, 2) or (Part.Values, 1) => Part.Value,
        (Part.Value, 5) => Part.Values,
        (Part.Value, 6) => Part.Pairs,
        _ => Part.Other,
    };

    /// <summary>Null: as it was.</summary>
    static byte[]? Rewrite(Part part, ReadOnlyMemory<byte> message, RedactionPass pass, int depth)
    {
        if (depth > PayloadRules.DeepestLevel) return [];
        ArrayBufferWriter<byte>? to = null;
        var copied = 0;
        try
        {
            if (part == Part.Pair && IsId(message)) return null;
            var fields = new ProtoReader(message);
            for (var start = 0; fields.Next(); start = message.Length - fields.Left)
            {
                if (In(part, fields.Field) is var inner and not Part.Other && Field(inner, fields.Bytes, pass, depth) is { } clean)
                {
                    to ??= new(message.Length + 64);
                    to.Write(message.Span[copied..start]);
                    Varint(to, ((ulong)fields.Field << 3) | 2);
                    Varint(to, (ulong)clean.Length);
                    to.Write(clean);
                    copied = message.Length - fields.Left;
                }
            }
        }
        catch (FormatException)
        {
            return [];
        }
        if (to is null) return null;
        to.Write(message.Span[copied..]);
        return to.WrittenSpan.ToArray();
    }

    static byte[]? Field(Part part, ReadOnlyMemory<byte> bytes, RedactionPass pass, int depth)
    {
        if (part != Part.Text) return Rewrite(part, bytes, pass, depth + 1);
        var chars = ArrayPool<char>.Shared.Rent(bytes.Length);
        var clean = RedactedJson.Text(chars.AsSpan(0, Encoding.UTF8.GetChars(bytes.Span, chars)), pass);
        ArrayPool<char>.Shared.Return(chars);
        return clean is null ? null : Encoding.UTF8.GetBytes(clean);
    }

    static bool IsId(ReadOnlyMemory<byte> pair) => RedactedJson.IsId(OtlpValue.PairOf(pair).Name.Span);

    static void Varint(ArrayBufferWriter<byte> to, ulong value)
    {
        for (; value >= 0x80; value >>= 7) to.Write([(byte)(value | 0x80)]);
        to.Write([(byte)value]);
    }
}

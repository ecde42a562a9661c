using System.Buffers.Binary;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// The fields of one protobuf message in turn, without making anything of them: a span has a dozen values of which a door reads a few. Only the
/// shape of fields is checked here; what is read as another kind of field than it was sent as is empty or 0.
/// </summary>
internal struct ProtoReader(ReadOnlyMemory<byte> message)
{
    const int Varints = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    ReadOnlyMemory<byte> _rest = message;

    public int Field { get; private set; }
    public ulong Number { get; private set; }
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>Bytes of the message that have not been read yet.</summary>
    public readonly int Left => _rest.Length;

    /// <exception cref="FormatException">It is no message.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        var tag = Varint();
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        (Number, Bytes) = (tag & 7) switch
        {
            Varints => (Varint(), default(ReadOnlyMemory<byte>)),
            Fixed64 => (BinaryPrimitives.ReadUInt64LittleEndian(Take(8).Span), default),
            Delimited => (0UL, Take(Varint())),
            Fixed32 => (BinaryPrimitives.ReadUInt32LittleEndian(Take(4).Span), default),
            _ => throw Malformed(),
        };
        return Field > 0 ? true : throw Malformed();
    }

    ulong Varint()
    {
        var value = 0UL;
        var bytes = _rest.Span;
        for (var i = 0; i < bytes.Length && i < 10; i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }
        throw Malformed();
    }

    ReadOnlyMemory<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length) throw Malformed();
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    static FormatException Malformed() => new("it is no message in protobuf");
}

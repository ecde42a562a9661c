using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Hindcast.Infrastructure.EventLogs;

/// <summary>
/// CRC32C over everything a reader is told about an event: SQLite itself checks no page. A stream's id and name are the seed of all its events,
/// so a name that changed shows in each of them; lengths go in too, so no byte can pass from one field to its neighbour.
/// </summary>
static class Checksum
{
    public static uint OfStream(long id, string name) => Add(Add(~0u, (ulong)id), Encoding.UTF8.GetBytes(name));

    public static uint OfEvent(
        uint stream, long position, long revision, ReadOnlySpan<byte> id, ReadOnlySpan<byte> type, ReadOnlySpan<byte> header, ReadOnlySpan<byte> content)
    {
        var crc = Add(Add(stream, (ulong)position), (ulong)revision);
        crc = Add(crc, ((ulong)(uint)header.Length << 32) | (uint)content.Length);
        return ~Add(Add(Add(Add(crc, id), type), header), content);
    }

    static uint Add(uint crc, ulong number) => BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? number : BinaryPrimitives.ReverseEndianness(number));

    static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) crc = Add(crc, word);
        foreach (var rest in bytes[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, rest);
        return crc;
    }
}

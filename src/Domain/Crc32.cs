using System.Buffers.Binary;

namespace Hindcast.Domain;

/// <summary>The CRC-32 of gzip and of API keys, eight bytes at a time; the framework has none without a package.</summary>
public static class Crc32
{
    const uint Polynomial = 0xEDB88320;

    static readonly uint[] Tables = MakeTables();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var t = Tables;
        var crc = ~0u;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var low = crc ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = t[0x700 | (byte)low] ^ t[0x600 | (byte)(low >> 8)] ^ t[0x500 | (byte)(low >> 16)] ^ t[0x400 | (int)(low >> 24)]
                ^ t[0x300 | (byte)high] ^ t[0x200 | (byte)(high >> 8)] ^ t[0x100 | (byte)(high >> 16)] ^ t[(int)(high >> 24)];
        }
        foreach (var b in bytes) crc = t[(byte)crc ^ b] ^ (crc >> 8);
        return ~crc;
    }

    static uint[] MakeTables()
    {
        var tables = new uint[8 * 256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            tables[i] = crc;
        }
        for (var i = 256; i < tables.Length; i++) tables[i] = (tables[i - 256] >> 8) ^ tables[(byte)tables[i - 256]];
        return tables;
    }
}

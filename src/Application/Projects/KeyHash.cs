using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Application.Projects;

/// <summary>
/// SHA-256 of a key, as a value to look up by. The hash is what makes the time of a look-up say nothing: whoever guesses does not choose the
/// bits that are compared.
/// </summary>
public readonly record struct KeyHash(ulong A, ulong B, ulong C, ulong D)
{
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>No key is longer; text that is, is none.</summary>
    public const int LongestKey = 1_024;

    public static KeyHash Of(ReadOnlySpan<char> key)
    {
        if (key.Length > LongestKey) throw new ArgumentException($"A key has at most {LongestKey} characters.", nameof(key));
        Span<byte> utf8 = stackalloc byte[LongestKey * 3];
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(key, utf8)], hash);
        return From(hash);
    }

    public static KeyHash From(ReadOnlySpan<byte> hash) => new(
        BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(hash[16..]), BinaryPrimitives.ReadUInt64BigEndian(hash[24..]));

    public byte[] ToBytes()
    {
        var hash = new byte[Length];
        BinaryPrimitives.WriteUInt64BigEndian(hash, A);
        BinaryPrimitives.WriteUInt64BigEndian(hash.AsSpan(8), B);
        BinaryPrimitives.WriteUInt64BigEndian(hash.AsSpan(16), C);
        BinaryPrimitives.WriteUInt64BigEndian(hash.AsSpan(24), D);
        return hash;
    }
}

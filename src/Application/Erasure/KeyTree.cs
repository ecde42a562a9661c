using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Application.Erasure;

/// <summary>A key in a tree of keys, and all that follow from it: those of the leaves whose first <paramref name="Depth"/> digits are <paramref name="Prefix"/>.</summary>
/// <param name="Prefix">The digits, four bits each, the first in the highest place; 0 at the root.</param>
public readonly record struct KeyNode(int Depth, ulong Prefix, byte[] Key);

/// <summary>
/// 2^48 keys that follow from one, any of which can be taken out for good: sixteen children a node, twelve levels, each child the SHA-256 of
/// its parent's key and its digit. A key costs nothing until it is destroyed; then the one node above it gives way to the nodes beside the path
/// to it, 15 on each level, and from those no way leads to the leaf (a puncturable pseudorandom function, after Goldreich, Goldwasser and Micali).
/// </summary>
public static class KeyTree
{
    public const int Depth = 12;
    public const int KeyBytes = 32;
    const int Digits = 16, DigitBits = 4;

    public static KeyNode Root(byte[] key) => new(0, 0, key);

    /// <summary>Where the key of a name is: 48 bits of its SHA-256. Two names have one key, and go together, by a chance of 2^-48 a pair.</summary>
    public static ulong LeafOf(string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash) >> (64 - (DigitBits * Depth));
    }

    /// <summary>The first digits of a leaf, as the prefix of a node at that depth.</summary>
    public static ulong PrefixOf(ulong leaf, int depth) => depth == 0 ? 0 : leaf >> (DigitBits * (Depth - depth));

    /// <summary>The key of a leaf below a node.</summary>
    public static byte[] Key(KeyNode above, ulong leaf) => Below(above, leaf, Depth).Key;

    /// <summary>The node at a depth on the way from a node to a leaf.</summary>
    public static KeyNode Below(KeyNode above, ulong leaf, int depth)
    {
        Span<byte> key = stackalloc byte[KeyBytes + 1];
        above.Key.CopyTo(key);
        for (var at = above.Depth; at < depth; at++) Child(key, Digit(leaf, at));
        return new(depth, PrefixOf(leaf, depth), key[..KeyBytes].ToArray());
    }

    /// <summary>What is left of a node when one leaf below it is taken out.</summary>
    public static IReadOnlyList<KeyNode> Without(KeyNode above, ulong leaf)
    {
        var left = new List<KeyNode>((Depth - above.Depth) * (Digits - 1));
        Span<byte> path = stackalloc byte[KeyBytes + 1];
        Span<byte> beside = stackalloc byte[KeyBytes + 1];
        above.Key.CopyTo(path);
        for (var depth = above.Depth; depth < Depth; depth++)
        {
            for (var digit = 0; digit < Digits; digit++)
            {
                if (digit == Digit(leaf, depth)) continue;
                path.CopyTo(beside);
                Child(beside, digit);
                left.Add(new(depth + 1, (PrefixOf(leaf, depth) << DigitBits) | (uint)digit, beside[..KeyBytes].ToArray()));
            }
            Child(path, Digit(leaf, depth));
        }
        CryptographicOperations.ZeroMemory(path);
        return left;
    }

    static int Digit(ulong leaf, int depth) => (int)(leaf >> (DigitBits * (Depth - 1 - depth))) & (Digits - 1);

    static void Child(Span<byte> key, int digit)
    {
        key[KeyBytes] = (byte)digit;
        SHA256.HashData(key, key[..KeyBytes]);
    }
}

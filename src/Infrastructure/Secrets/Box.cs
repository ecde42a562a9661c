using System.Security.Cryptography;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>A secret under a key, AES-256-GCM: nonce, tag and ciphertext. It opens only with what it was bound to, so one that is moved to another place does not.</summary>
static class Box
{
    const int NonceBytes = 12, TagBytes = 16;

    /// <summary>How much longer a box is than what is in it.</summary>
    public const int Overhead = NonceBytes + TagBytes;

    public static byte[] Close(byte[] key, ReadOnlySpan<byte> clear, ReadOnlySpan<byte> bound)
    {
        var box = new byte[Overhead + clear.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), clear, box.AsSpan(Overhead), box.AsSpan(NonceBytes, TagBytes), bound);
        return box;
    }

    /// <exception cref="CryptographicException">It is another key's, it was bound to something else, or it was changed.</exception>
    public static byte[] Open(byte[] key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> bound)
    {
        var clear = new byte[box.Length - Overhead];
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(box[..NonceBytes], box[Overhead..], box.Slice(NonceBytes, TagBytes), clear, bound);
        return clear;
    }
}

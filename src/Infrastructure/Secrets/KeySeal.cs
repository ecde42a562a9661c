using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>
/// Envelopes for provider keys, AES-256-GCM twice: the key under a key of its own, and that one under the key-encryption key. Both are bound to
/// project, provider, base URL and version, so an envelope that is moved to another place, or whose address is changed, does not open.
/// </summary>
/// <remarks>
/// The key-encryption key is a setting (<c>Hindcast__KeyEncryptionKey</c>, 32 bytes in base64), else the file <c>kek</c> in the data directory,
/// made at the first start and readable by its owner alone. It never stands beside the envelopes, which are in the vault.
/// <para>A rotation writes the new key to <c>kek.next</c>, lets the new envelopes be stored in one transaction, and then renames it to
/// <c>kek</c>. A crash before the transaction leaves the old key in force, one after it both: they are read at the
/// next start, each envelope names its own, and the next rotation ends what that one began.</para>
/// </remarks>
public sealed class KeySeal : IKeySeal
{
    const int KeyBytes = 32, NameBytes = 8;
    const byte Form = 1;

    readonly string? _file;
    volatile Kek[] _keks;

    KeySeal(string? file, params Kek[] keks) => (_file, _keks) = (file, keks);

    /// <param name="set">The key of the settings, base64; null: the file.</param>
    /// <exception cref="InvalidOperationException">The key is not 32 bytes in base64.</exception>
    public static KeySeal Open(string dataDirectory, string? set)
    {
        if (set is { Length: > 0 }) return new(null, Kek.Of(Parse(set)));
        var file = Path.Combine(dataDirectory, "kek");
        if (!File.Exists(file) && !File.Exists(file + ".next")) Write(file, RandomNumberGenerator.GetBytes(KeyBytes));
        return new(file, [.. new[] { file, $"{file}.next" }.Where(File.Exists).Select(f => Kek.Of(Parse(File.ReadAllText(f))))]);
    }

    /// <summary>The first eight bytes of its SHA-256.</summary>
    public string KeyEncryptionKey => Convert.ToHexStringLower(_keks[0].Name);

    public byte[] Close(string key, KeyBinding binding) => Close(Encoding.UTF8.GetBytes(key), binding, _keks[0]);

    public string Open(byte[] sealedKey, KeyBinding binding)
    {
        var key = OpenBytes(sealedKey, binding);
        try
        {
            return Encoding.UTF8.GetString(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    public async Task RotateAsync(IReadOnlyList<(byte[] Sealed, KeyBinding Binding)> all, Func<IReadOnlyList<byte[]>, Task> save)
    {
        if (_file is null) throw new CryptographicException("The key-encryption key is a setting; change it there.");
        // One that was begun before is gone through with: envelopes may be under its key already.
        if (_keks.Length == 1)
        {
            var key = RandomNumberGenerator.GetBytes(KeyBytes);
            Write(_file + ".next", key);
            // Both open until the last envelope is a new one; calls under way find either.
            _keks = [_keks[0], Kek.Of(key)];
        }
        var next = _keks[1];
        await save([.. all.Select(one => Close(OpenBytes(one.Sealed, one.Binding), one.Binding, next))]);
        File.Move(_file + ".next", _file, overwrite: true);
        _keks = [next];
    }

    byte[] OpenBytes(byte[] envelope, KeyBinding binding)
    {
        var bytes = envelope.AsSpan();
        if (bytes.Length < 1 + NameBytes + (2 * Box.Overhead) + KeyBytes || bytes[0] != Form) throw new CryptographicException("This is no envelope.");
        var name = bytes.Slice(1, NameBytes);
        foreach (var kek in _keks)
        {
            if (!name.SequenceEqual(kek.Name)) continue;
            var bound = Bound(binding);
            var inner = Box.Open(kek.Key, bytes.Slice(1 + NameBytes, Box.Overhead + KeyBytes), bound);
            return Box.Open(inner, bytes[(1 + NameBytes + Box.Overhead + KeyBytes)..], bound);
        }
        throw new CryptographicException("The key-encryption key of this envelope is gone.");
    }

    static byte[] Close(byte[] key, KeyBinding binding, Kek kek)
    {
        var (bound, inner) = (Bound(binding), RandomNumberGenerator.GetBytes(KeyBytes));
        return [Form, .. kek.Name, .. Box.Close(kek.Key, inner, bound), .. Box.Close(inner, key, bound)];
    }

    /// <summary>No part can hold the separator: ids and URLs have no control characters.</summary>
    static byte[] Bound(KeyBinding b) => Encoding.UTF8.GetBytes($"hindcast provider key\0{b.Project}\0{b.ProviderId}\0{b.BaseUrl}\0{b.Version}");

    static byte[] Parse(string text)
    {
        var bytes = new byte[KeyBytes + 1];
        return Convert.TryFromBase64String(text.Trim(), bytes, out var length) && length == KeyBytes
            ? bytes[..KeyBytes]
            : throw new InvalidOperationException("The key-encryption key must be 32 bytes in base64.");
    }

    static void Write(string file, byte[] key)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(file, options);
        stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(key)));
        stream.Flush(flushToDisk: true);
    }

    sealed record Kek(byte[] Key, byte[] Name)
    {
        public static Kek Of(byte[] key) => new(key, SHA256.HashData(key)[..NameBytes]);
    }
}

using System.Security.Cryptography;
using Hindcast.Application.Gateway;

namespace Hindcast.Application.Erasure;

/// <summary>
/// What the keys of subjects are wrapped with in the vault. It stands there itself, in an envelope under the key-encryption key as those of
/// providers do, and gets a new one with them; so a copy of the vault alone opens no content.
/// </summary>
public static class MasterKey
{
    public const string Kind = "sealing";

    public static KeyBinding Binding { get; } = new("", Kind, "", 1);

    /// <summary>The first who asks makes it.</summary>
    public static byte[] Of(IGatewayStore store, IKeySeal seal)
    {
        // Composition is not asynchronous; this waits for a few rows of a local store, once.
        var known = store.SettingsAsync(CancellationToken.None).GetAwaiter().GetResult().FirstOrDefault(row => row.Kind == Kind);
        if (known?.Secret is { } envelope) return Convert.FromBase64String(seal.Open(envelope, Binding));
        var key = RandomNumberGenerator.GetBytes(KeyTree.KeyBytes);
        store.SaveAsync([new("", Kind, Kind, "{}", seal.Close(Convert.ToBase64String(key), Binding))], CancellationToken.None).GetAwaiter().GetResult();
        return key;
    }
}

namespace Hindcast.Application.Gateway;

/// <summary>Somebody who serves models: where, in which API, and the key to it, closed.</summary>
public sealed record Provider
{
    public const int LongestSlug = 64;
    public const int LongestKey = 4096;

    public required string Id { get; init; }
    /// <summary>The prefix that chooses it: <c>slug/model</c>.</summary>
    public required string Slug { get; init; }
    public required UpstreamKind Kind { get; init; }
    /// <summary>Normalised; what the key is bound to.</summary>
    public required string BaseUrl { get; init; }
    /// <summary>Names it serves without its slug before them; beyond those that its kind is known for.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];
    /// <summary>Raised with each new key.</summary>
    public int KeyVersion { get; init; } = 1;
    public string LastFour { get; init; } = "";
    /// <summary>The start of the SHA-256 of the key: tells two keys apart, and no key.</summary>
    public string Fingerprint { get; init; } = "";
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset Updated { get; init; }
    /// <summary>The project it belongs to; null for one of the settings, which every project may use.</summary>
    public string? Project { get; init; }
    /// <summary>The key, sealed for <see cref="Binding"/>.</summary>
    [System.Text.Json.Serialization.JsonIgnore] public byte[] SealedKey { get; init; } = [];

    [System.Text.Json.Serialization.JsonIgnore]
    public KeyBinding Binding => new(Project ?? "", Id, BaseUrl, KeyVersion);

    public static bool IsSlug(string? text) => text is { Length: > 0 and <= LongestSlug } && Domain.Projects.Project.IsId(text);

    /// <summary>One spelling for each base URL; null for one that no key may be sent to: userinfo, query, fragment, another scheme than http(s).</summary>
    public static string? Normalised(string? url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")) return null;
        if (uri.UserInfo.Length > 0 || url.AsSpan().ContainsAny('?', '#', '@') || uri.Host.Length == 0) return null;
        var host = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.DnsSafeHost}]" : uri.IdnHost.ToLowerInvariant();
        return $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}{uri.AbsolutePath.TrimEnd('/')}";
    }
}

/// <summary>What a sealed key is good for; under any other it does not open.</summary>
public sealed record KeyBinding(string Project, string ProviderId, string BaseUrl, int Version);

/// <summary>Closes provider keys. The key that closes them is nowhere beside them.</summary>
public interface IKeySeal
{
    /// <summary>Names the key-encryption key in force.</summary>
    string KeyEncryptionKey { get; }

    byte[] Close(string key, KeyBinding binding);

    /// <exception cref="System.Security.Cryptography.CryptographicException">It was closed for something else, or by a key that is gone.</exception>
    string Open(byte[] sealedKey, KeyBinding binding);

    /// <summary>The same key under a new key-encryption key; <paramref name="save"/> stores what became of each, all or none.</summary>
    Task RotateAsync(IReadOnlyList<(byte[] Sealed, KeyBinding Binding)> all, Func<IReadOnlyList<byte[]>, Task> save);
}

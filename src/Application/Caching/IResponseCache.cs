namespace Hindcast.Application.Caching;

/// <summary>Answers that may be given again for a while.</summary>
/// <remarks>
/// Every engine MUST keep these promises, and <c>ResponseCacheContract</c> holds each engine to each of them:
/// <list type="number">
/// <item>What is found under a key is what was last put there, byte for byte, or nothing.</item>
/// <item>Nothing is found after its time.</item>
/// <item>No key of one project is a key of another, whatever its parts are.</item>
/// <item>A cache that is away is no trouble to who asks: this process keeps and finds what it can meanwhile, at once and without an exception.</item>
/// <item>Nothing that was kept for a project is found after it was told to forget that project; away, it finds nothing of it until it could.</item>
/// </list>
/// </remarks>
public interface IResponseCache
{
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(CacheKey key, CancellationToken ct);

    ValueTask SetAsync(CacheKey key, ReadOnlyMemory<byte> answer, TimeSpan keep, CancellationToken ct);

    ValueTask ForgetAsync(string project, CancellationToken ct);
}

/// <summary>
/// Where an answer is kept: begins with the project it was made for. Parts are everything the answer depends on (door, query, who may see what);
/// each is hashed with its length, so that no two lists of parts run together.
/// </summary>
public readonly record struct CacheKey
{
    CacheKey(string text) => Text = text;

    public string Text { get; }

    public static CacheKey Of(string project, params ReadOnlySpan<string> parts)
    {
        if (!Domain.Projects.Project.IsId(project)) throw new ArgumentException("An answer is kept for a project.", nameof(project));
        using var sha = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            sha.AppendData(BitConverter.GetBytes(part.Length));
            sha.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(part.AsSpan()));
        }
        return new($"{Prefix(project)}{Convert.ToHexStringLower(sha.GetHashAndReset())}");
    }

    /// <summary>What every key of a project begins with.</summary>
    public static string Prefix(string project) => $"{project}:cache:";

    public override string ToString() => Text;
}

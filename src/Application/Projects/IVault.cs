namespace Hindcast.Application.Projects;

/// <summary>The third store beside log and read models: what must not be in the log, and cannot be made again from it.</summary>
/// <remarks>
/// What was saved survives the death of the machine. Rebuilding read models never touches it, and a fact in the log refers to what is here
/// by name only. It is asked at the start and on changes, never for an ordinary request.
/// </remarks>
public interface IVault
{
    Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct);

    /// <summary>Inserts or replaces by id, all of the rows or none. A later last use stays, and so does revoked.</summary>
    Task SaveAsync(IReadOnlyList<KeyRow> keys, CancellationToken ct);

    Task SaveUseAsync(IReadOnlyList<(string Id, DateTimeOffset LastUsed)> uses, CancellationToken ct);

    /// <summary>A named secret; the first who asks makes it.</summary>
    Task<byte[]> SecretAsync(string name, Func<byte[]> make, CancellationToken ct);

    Task<AnswerRow?> AnswerAsync(string project, string key, CancellationToken ct);

    /// <summary>Inserts or replaces.</summary>
    Task SaveAsync(string project, string key, AnswerRow answer, CancellationToken ct);

    /// <summary>Removes answers that have expired, and says how many.</summary>
    Task<int> SweepAsync(DateTimeOffset now, CancellationToken ct);
}

/// <summary>The answer to a request with an Idempotency-Key, and the SHA-256 of the body it was the answer to.</summary>
public sealed record AnswerRow(byte[] BodyHash, StoredAnswer Answer, DateTimeOffset Expires);

/// <summary>Names of secrets in the vault.</summary>
public static class Secrets
{
    /// <summary>The key under which users become subjects.</summary>
    public const string Subjects = "subjects";

    /// <summary>Signs our tokens.</summary>
    public const string Jwt = "jwt";

    /// <summary>Seals cursors.</summary>
    public const string Cursors = "cursors";

    /// <summary>256 bits of chance.</summary>
    public static byte[] Make() => System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
}

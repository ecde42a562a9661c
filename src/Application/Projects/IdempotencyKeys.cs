using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Hindcast.Application.Projects;

/// <summary>An answer as it went out, to go out again: status, body, and the log position it speaks of.</summary>
public sealed record StoredAnswer(int Status, byte[] Body, long? Position);

/// <summary>A sender's key for a request was used before with another body.</summary>
public sealed class IdempotencyKeyReused() : Exception("This Idempotency-Key was already used with another body.");

/// <summary>One effect for each (project, key): who sends a request again gets the first one's answer, also while the first is under way.</summary>
public sealed class IdempotencyKeys
{
    readonly ConcurrentDictionary<(string Project, string Key), (byte[] Body, Lazy<Task<StoredAnswer>> Answer)> _seen = new();

    /// <summary>Runs <paramref name="work"/> unless the key was seen; work that throws leaves the key free.</summary>
    /// <exception cref="BadRequest">The key is not 1 to 255 printable ASCII characters.</exception>
    /// <exception cref="IdempotencyKeyReused">The key came with another body.</exception>
    public async Task<StoredAnswer> RunAsync(
        string project, string key, ReadOnlyMemory<byte> body, Func<CancellationToken, Task<StoredAnswer>> work, CancellationToken ct)
    {
        if (key.Length is 0 or > 255 || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new BadRequest("Idempotency-Key", "Must be one text of 1 to 255 printable ASCII characters.");
        var hash = SHA256.HashData(body.Span);
        var mine = (hash, new Lazy<Task<StoredAnswer>>(() => work(CancellationToken.None)));
        var held = _seen.GetOrAdd((project, key), mine);
        if (!held.Body.AsSpan().SequenceEqual(hash)) throw new IdempotencyKeyReused();
        try
        {
            return await held.Answer.Value.WaitAsync(ct);
        }
        catch when (held.Answer.Value.IsFaulted)
        {
            _seen.TryRemove(new((project, key), held));
            throw;
        }
    }
}

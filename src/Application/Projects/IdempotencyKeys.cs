using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Hindcast.Application.Projects;

/// <summary>An answer as it went out, to go out again: status, body, and the log position it speaks of.</summary>
public sealed record StoredAnswer(int Status, byte[] Body, long? Position);

/// <summary>A sender's key for a request was used before with another body.</summary>
public sealed class IdempotencyKeyReused() : Exception("This Idempotency-Key was already used with another body.");

/// <summary>One effect for each (project, key): who sends a request again within a day gets the first one's answer.</summary>
/// <remarks>
/// Requests that come while the first is under way wait for it. The first one's work is not stopped when its sender goes away: others may
/// be waiting, and the sender will ask again. Nor is it left alone: the first call ends when its work does, because the work reads a body
/// that goes back to a pool with the request. Work that fails or answers 5xx leaves nothing behind, so the next try runs it.
/// <para>After a crash between the effect and the stored answer the work runs again. That is one effect still, because the ids of its events
/// follow from the key: the log knows them and writes nothing. When the answer cannot be stored the caller hears of a failure, which means
/// unknown; the next try ends the same way.</para>
/// </remarks>
public sealed class IdempotencyKeys(IVault vault, TimeProvider clock)
{
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);
    const int LongestKey = 255;

    readonly ConcurrentDictionary<(string Project, string Key), Flight> _flights = new();

    /// <summary>Runs <paramref name="work"/>, or answers as the first request with this key was answered.</summary>
    /// <exception cref="BadRequest">The key is not 1 to 255 printable ASCII characters.</exception>
    /// <exception cref="IdempotencyKeyReused">The key came with another body.</exception>
    public async Task<StoredAnswer> RunAsync(
        string project, string key, ReadOnlyMemory<byte> body, Func<CancellationToken, Task<StoredAnswer>> work, CancellationToken ct)
    {
        if (key.Length is 0 or > LongestKey || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new BadRequest("Idempotency-Key", $"Must be one text of 1 to {LongestKey} printable ASCII characters.");

        var hash = SHA256.HashData(body.Span);
        var mine = new Flight(hash);
        var flight = _flights.GetOrAdd((project, key), mine);
        if (!flight.BodyHash.AsSpan().SequenceEqual(hash)) throw new IdempotencyKeyReused();
        if (flight != mine) return await flight.Landed.Task.WaitAsync(ct);
        await FlyAsync(project, key, mine, work);
        return await mine.Landed.Task;
    }

    /// <summary>Forgets what is older than a day.</summary>
    public Task<int> SweepAsync(CancellationToken ct) => vault.SweepAsync(clock.GetUtcNow(), ct);

    async Task FlyAsync(string project, string key, Flight flight, Func<CancellationToken, Task<StoredAnswer>> work)
    {
        try
        {
            var answer = await AnswerAsync(project, key, flight.BodyHash, work);
            // First stored, then forgotten here, then answered: whoever comes next finds one or the other.
            _flights.TryRemove(new((project, key), flight));
            flight.Landed.SetResult(answer);
        }
        catch (Exception e)
        {
            _flights.TryRemove(new((project, key), flight));
            flight.Landed.SetException(e);
        }
    }

    async Task<StoredAnswer> AnswerAsync(string project, string key, byte[] hash, Func<CancellationToken, Task<StoredAnswer>> work)
    {
        var known = await vault.AnswerAsync(project, key, CancellationToken.None);
        if (known is not null && clock.GetUtcNow() < known.Expires)
            return known.BodyHash.AsSpan().SequenceEqual(hash) ? known.Answer : throw new IdempotencyKeyReused();

        var answer = await work(CancellationToken.None);
        if (answer.Status < 500) await vault.SaveAsync(project, key, new(hash, answer, clock.GetUtcNow() + Kept), CancellationToken.None);
        return answer;
    }

    sealed class Flight(byte[] bodyHash)
    {
        public byte[] BodyHash => bodyHash;
        public TaskCompletionSource<StoredAnswer> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using Hindcast.Application.Caching;
using Hindcast.Domain.Gateway;

namespace Hindcast.Application.Gateway;

/// <summary>How far a call has come in its attempts: of one model as many as the policy gives, then of the next.</summary>
sealed class Tries(GatewayCall call, IReadOnlyList<Candidate> candidates, GatewayPolicy policy, CallCost cost)
{
    int _candidate, _ofCandidate;

    public GatewayCall Call => call;
    public GatewayPolicy Policy => policy;
    public CallCost Cost => cost;
    public CacheKey? CacheKey { get; init; }
    public int Number { get; private set; }
    public Candidate First => candidates[0];
    public Candidate Candidate => candidates[_candidate];

    /// <summary>The provider is in trouble or in haste; with 4xx it is the request that is wrong.</summary>
    public static bool MayHelp(int status) => status is 408 or 429 or >= 500;

    public void Begin() => (Number, _ofCandidate) = (Number + 1, _ofCandidate + 1);

    /// <summary>
    /// Waits until another attempt is due; false when there is none left. A provider that asks for more patience than the policy has is left for
    /// the next.
    /// </summary>
    public async Task<bool> AnotherAsync(TimeSpan? retryAfter, TimeProvider clock, CancellationToken gone)
    {
        var longest = TimeSpan.FromMilliseconds(policy.LongestBackoffMs);
        if (_ofCandidate < policy.Attempts && (retryAfter ?? TimeSpan.Zero) <= longest)
        {
            var doubled = Math.Min(policy.BackoffMs * Math.Pow(2, _ofCandidate - 1), policy.LongestBackoffMs);
            var wait = retryAfter ?? TimeSpan.FromMilliseconds(doubled * (1 - (Random.Shared.NextDouble() / 2)));
            await Task.Delay(wait, clock, gone);
            return true;
        }
        if (_candidate + 1 >= candidates.Count) return false;
        (_candidate, _ofCandidate) = (_candidate + 1, 0);
        return true;
    }
}

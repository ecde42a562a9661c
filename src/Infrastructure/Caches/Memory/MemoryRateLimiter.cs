using System.Collections.Concurrent;
using Hindcast.Application.Limits;

namespace Hindcast.Infrastructure.Caches.Memory;

/// <summary>Buckets of this process, on monotonic time: a changed clock gives nobody more.</summary>
sealed class MemoryRateLimiter(TimeProvider clock) : IRateLimiter
{
    readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);

    public ValueTask<Draw> DrawAsync(string bucket, Allowance allowance, long amount, CancellationToken ct) =>
        new(_buckets.GetOrAdd(bucket, static (_, start) => new(start.Burst, start.Now), (allowance.Burst, Now: clock.GetTimestamp())).Draw(allowance, amount, clock));

    sealed class Bucket(double held, long at)
    {
        readonly Lock _lock = new();
        double _held = held;
        long _at = at;

        public Draw Draw(Allowance allowance, long amount, TimeProvider clock)
        {
            lock (_lock)
            {
                var now = clock.GetTimestamp();
                _held = allowance.Filled(_held, clock.GetElapsedTime(_at, now));
                _at = now;
                var taken = _held >= amount;
                if (taken) _held -= amount;
                return allowance.Drawn(taken, _held, amount);
            }
        }
    }
}

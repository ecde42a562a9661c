using System.Collections.Concurrent;
using System.Globalization;
using Hindcast.Application;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>
/// What one key or token may do in a minute: ingest requests, ingested bytes, queries. Each is a bucket that fills steadily and holds a minute's
/// worth; monotonic time, so a changed clock gives nobody more. Every answer to a key says where it stands in
/// <c>X-RateLimit-Limit</c>, <c>-Remaining</c> and <c>-Reset</c> (unix seconds when the bucket is full again); 429 carries <c>Retry-After</c>.
/// </summary>
internal sealed class RateLimits(IOptions<HindcastOptions> options, TimeProvider clock)
{
    readonly ConcurrentDictionary<(string Key, string What), Bucket> _buckets = new();

    public async Task InvokeAsync(HttpContext http, Func<Task> next)
    {
        if (http.Items[typeof(Caller)] is not Caller caller)
        {
            await next();
            return;
        }
        var limits = options.Value.Limits;
        var door = http.GetEndpoint()?.Metadata;
        var ingest = door?.GetMetadata<DoorPolicy>()?.Scope == Scopes.Ingest;
        var requests = ingest ? BucketOf(caller, "requests", limits.RequestsPerMinute)
            : caller.Token is not null ? ByRole(caller, 0)
            // A dialect's own limits win at its doors, unless ours were raised above them.
            : door?.GetMetadata<LimitedByRole>() is not null ? ByRole(caller, limits.QueriesPerMinute)
            : BucketOf(caller, "queries", limits.QueriesPerMinute);

        var (taken, wait) = requests.Take(1, clock.GetTimestamp(), clock);
        Describe(http.Response, requests);
        if (!taken) throw new TooMany("Too many requests. Please slow down.", wait);

        if (ingest && http.Request.ContentLength is > 0 and var bytes)
        {
            (taken, wait) = BucketOf(caller, "bytes", limits.BytesPerMinute).Take(Math.Min(bytes, limits.BytesPerMinute), clock.GetTimestamp(), clock);
            if (!taken) throw new TooMany($"More than {limits.BytesPerMinute} bytes a minute. Please slow down.", wait);
        }
        await next();
    }

    Bucket ByRole(Caller caller, int atLeast)
    {
        var role = Roles.Of(caller.Role)!;
        // A key and the tokens given for it have the same name and not the same limit.
        return BucketOf(caller, caller.Token is null ? "key" : role.Name, Math.Max(role.PerMinute, atLeast), Math.Max(role.Burst, atLeast));
    }

    Bucket BucketOf(Caller caller, string what, long perMinute, long? burst = null) =>
        _buckets.GetOrAdd((caller.KeyId, what), _ => new(perMinute, burst ?? perMinute, clock.GetTimestamp()));

    void Describe(HttpResponse response, Bucket bucket)
    {
        var headers = response.Headers;
        headers["X-RateLimit-Limit"] = bucket.PerMinute.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Remaining"] = bucket.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Reset"] = (clock.GetUtcNow() + bucket.UntilFull).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
    }

    sealed class Bucket(long perMinute, long burst, long now)
    {
        readonly Lock _lock = new();
        double _held = burst;
        long _at = now;

        public long PerMinute => perMinute;
        /// <summary>Never above what it is said to be of.</summary>
        public long Remaining => Math.Clamp((long)_held, 0, perMinute);
        public TimeSpan UntilFull => TimeSpan.FromMinutes((burst - _held) / perMinute);

        public (bool Taken, TimeSpan Wait) Take(long amount, long now, TimeProvider clock)
        {
            lock (_lock)
            {
                _held = Math.Min(burst, _held + (perMinute * clock.GetElapsedTime(_at, now).TotalMinutes));
                _at = now;
                if (_held < amount) return (false, TimeSpan.FromMinutes((amount - _held) / perMinute));
                _held -= amount;
                return (true, TimeSpan.Zero);
            }
        }
    }
}

/// <summary>Endpoint metadata: the caller's role sets the rate (LLM Observatory contract 4.10).</summary>
internal sealed record LimitedByRole;

public sealed class TooMany(string message, TimeSpan retryAfter) : Exception(message)
{
    public TimeSpan RetryAfter => retryAfter;
}

using System.Collections.Concurrent;
using System.Globalization;
using Hindcast.Application;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>
/// What one key may do in a minute: ingest requests, ingested bytes, queries. Each is a bucket that fills steadily and holds a minute's
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
        var scope = door?.GetMetadata<DoorPolicy>()?.Scope;
        var ingest = scope == Scopes.Ingest;
        var requests = door?.GetMetadata<LimitedByPlan>() is not null && Plans.PerMinute(caller.Plan) is { } plan ? BucketOf(caller, "plan", plan)
            : ingest ? BucketOf(caller, "requests", limits.RequestsPerMinute)
            : scope == Scopes.Gateway ? BucketOf(caller, "calls", limits.RequestsPerMinute)
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

    Bucket BucketOf(Caller caller, string what, long perMinute) =>
        _buckets.GetOrAdd((caller.KeyId, what), _ => new(perMinute, clock.GetTimestamp()));

    void Describe(HttpResponse response, Bucket bucket)
    {
        var headers = response.Headers;
        headers["X-RateLimit-Limit"] = bucket.PerMinute.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Remaining"] = bucket.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Reset"] = (clock.GetUtcNow() + bucket.UntilFull).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
    }

    sealed class Bucket(long perMinute, long now)
    {
        readonly Lock _lock = new();
        double _held = perMinute;
        long _at = now;

        public long PerMinute => perMinute;
        public long Remaining => (long)Math.Max(0, _held);
        public TimeSpan UntilFull => TimeSpan.FromMinutes((perMinute - _held) / perMinute);

        public (bool Taken, TimeSpan Wait) Take(long amount, long now, TimeProvider clock)
        {
            lock (_lock)
            {
                _held = Math.Min(perMinute, _held + (perMinute * clock.GetElapsedTime(_at, now).TotalMinutes));
                _at = now;
                if (_held < amount) return (false, TimeSpan.FromMinutes((amount - _held) / perMinute));
                _held -= amount;
                return (true, TimeSpan.Zero);
            }
        }
    }
}

/// <summary>The plan of the key says how many requests a minute this door takes, all such doors together; endpoint metadata.</summary>
internal sealed class LimitedByPlan;

public sealed class TooMany(string message, TimeSpan retryAfter) : Exception(message)
{
    public TimeSpan RetryAfter => retryAfter;
}

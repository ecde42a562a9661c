using System.Globalization;
using Hindcast.Application;
using Hindcast.Application.Limits;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>
/// What one key or token may do in a minute: ingest requests, ingested bytes, queries. Each is a bucket that fills steadily and holds a minute's
/// worth, on all nodes together where Redis is set. Every answer to a key says where it stands in <c>X-RateLimit-Limit</c>, <c>-Remaining</c>
/// and <c>-Reset</c> (unix seconds when the bucket is full again); 429 carries <c>Retry-After</c>.
/// </summary>
internal sealed class RateLimits(IRateLimiter limiter, IOptions<HindcastOptions> options, TimeProvider clock)
{
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
        var (what, allowance) = door?.GetMetadata<LimitedByPlan>() is not null && Plans.PerMinute(caller.Plan) is { } plan ? ("plan", Allowance.Minute(plan))
            : ingest ? ("requests", Allowance.Minute(limits.RequestsPerMinute))
            : scope == Scopes.Gateway ? ("calls", Allowance.Minute(limits.RequestsPerMinute))
            : caller.Token is not null ? ByRole(caller, atLeast: 0)
            // A dialect's own limits win at its doors, unless ours were raised above them.
            : door?.GetMetadata<LimitedByRole>() is not null ? ByRole(caller, limits.QueriesPerMinute)
            : ("queries", Allowance.Minute(limits.QueriesPerMinute));

        var request = await limiter.DrawAsync($"{caller.KeyId}:{what}", allowance, 1, http.RequestAborted);
        Describe(http.Response, allowance.PerMinute, request);
        if (!request.Taken) throw new TooMany("Too many requests. Please slow down.", request.Wait);

        if (ingest && http.Request.ContentLength is > 0 and var length)
        {
            var bytes = await limiter.DrawAsync(
                $"{caller.KeyId}:bytes", Allowance.Minute(limits.BytesPerMinute), Math.Min(length, limits.BytesPerMinute), http.RequestAborted);
            if (!bytes.Taken) throw new TooMany($"More than {limits.BytesPerMinute} bytes a minute. Please slow down.", bytes.Wait);
        }
        await next();
    }

    static (string What, Allowance Allowance) ByRole(Caller caller, long atLeast)
    {
        var role = Roles.Of(caller.Role)!;
        // A key and the tokens given for it have the same name and not the same limit.
        return (caller.Token is null ? "key" : role.Name, new(Math.Max(role.PerMinute, atLeast), Math.Max(role.Burst, atLeast)));
    }

    void Describe(HttpResponse response, long perMinute, Draw draw)
    {
        var headers = response.Headers;
        headers["X-RateLimit-Limit"] = perMinute.ToString(CultureInfo.InvariantCulture);
        // A burst holds more than a minute's worth: what remains is never said to be above what it is of.
        headers["X-RateLimit-Remaining"] = Math.Min(draw.Remaining, perMinute).ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Reset"] = (clock.GetUtcNow() + draw.UntilFull).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>The plan of the key says how many requests a minute this door takes, all such doors together; endpoint metadata.</summary>
internal sealed class LimitedByPlan;

/// <summary>Endpoint metadata: the caller's role sets the rate (LLM Observatory contract 4.10).</summary>
internal sealed record LimitedByRole;

public sealed class TooMany(string message, TimeSpan retryAfter) : Exception(message)
{
    public TimeSpan RetryAfter => retryAfter;
}

using System.Globalization;
using Hindcast.Application.Limits;
using StackExchange.Redis;

namespace Hindcast.Infrastructure.Caches.Redis;

/// <summary>
/// Buckets that all nodes draw from. Filling and drawing are one script, which Redis runs alone and on its own clock, so nodes that
/// disagree about the time agree about the limit. A bucket is forgotten when it has become full.
/// </summary>
sealed class RedisRateLimiter(RedisLine line, IRateLimiter here) : IRateLimiter
{
    /// <summary>KEYS: the bucket. ARGV: per minute, burst, amount. Answers whether it was taken, and what is held now.</summary>
    const string Script = """
        local per, burst, amount = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local known = redis.call('HMGET', KEYS[1], 'held', 'at')
        local held = burst
        if known[1] then held = math.min(burst, tonumber(known[1]) + per * math.max(0, now - tonumber(known[2])) / 60000000) end
        local taken = 0
        if held >= amount then
            taken = 1
            held = held - amount
        end
        redis.call('HMSET', KEYS[1], 'held', string.format('%.9f', held), 'at', string.format('%.0f', now))
        redis.call('PEXPIRE', KEYS[1], math.ceil((burst - held) / per * 60000) + 1000)
        return {taken, string.format('%.9f', held)}
        """;

    public async ValueTask<Draw> DrawAsync(string bucket, Allowance allowance, long amount, CancellationToken ct)
    {
        var (answered, said) = await line.AskAsync(redis => redis.ScriptEvaluateAsync(
            Script, [$"limit:{bucket}"], [allowance.PerMinute, allowance.Burst, amount]));
        if (!answered) return await here.DrawAsync(bucket, allowance, amount, ct);
        var parts = (RedisResult[])said!;
        return allowance.Drawn((int)parts[0] == 1, double.Parse((string)parts[1]!, CultureInfo.InvariantCulture), amount);
    }
}

using Hindcast.Application.Caching;
using Hindcast.Infrastructure.Caches.Memory;

namespace Hindcast.Infrastructure.Caches.Redis;

/// <summary>Answers for all nodes. Redis sees to their time and, by its own <c>maxmemory</c>, to their number.</summary>
sealed class RedisResponseCache(RedisLine line) : IResponseCache
{
    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(CacheKey key, CancellationToken ct)
    {
        var (answered, value) = await line.AskAsync(redis => redis.StringGetAsync(key.Text));
        return answered && !value.IsNull ? (byte[])value! : default(ReadOnlyMemory<byte>?);
    }

    public async ValueTask SetAsync(CacheKey key, ReadOnlyMemory<byte> answer, TimeSpan keep, CancellationToken ct)
    {
        if (answer.Length > MemoryResponseCache.LargestAnswer) await line.AskAsync(redis => redis.KeyDeleteAsync(key.Text));
        else await line.AskAsync(redis => redis.StringSetAsync(key.Text, answer.ToArray(), keep));
    }
}

using System.Collections.Concurrent;
using Hindcast.Application.Caching;
using Hindcast.Infrastructure.Caches.Memory;

namespace Hindcast.Infrastructure.Caches.Redis;

/// <summary>
/// Answers for all nodes. Redis sees to their time and, by its own <c>maxmemory</c>, to their number. While it is away this process keeps
/// them; what it was to forget meanwhile is forgotten before anything of that project is found again.
/// </summary>
sealed class RedisResponseCache(RedisLine line, MemoryResponseCache here) : IResponseCache
{
    /// <summary>ARGV: a pattern of keys.</summary>
    const string Forgetting = """
        local at = '0'
        repeat
            local found = redis.call('SCAN', at, 'MATCH', ARGV[1], 'COUNT', 1000)
            at = found[1]
            if #found[2] > 0 then redis.call('UNLINK', unpack(found[2])) end
        until at == '0'
        """;

    readonly ConcurrentDictionary<string, byte> _owed = new(StringComparer.Ordinal);

    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(CacheKey key, CancellationToken ct)
    {
        if (!await PaidAsync(key)) return null;
        var (answered, value) = await line.AskAsync(redis => redis.StringGetAsync(key.Text));
        if (!answered) return await here.GetAsync(key, ct);
        return value.IsNull ? default(ReadOnlyMemory<byte>?) : (byte[])value!;
    }

    public async ValueTask SetAsync(CacheKey key, ReadOnlyMemory<byte> answer, TimeSpan keep, CancellationToken ct)
    {
        if (!await PaidAsync(key)) return;
        var (answered, _) = answer.Length > MemoryResponseCache.LargestAnswer
            ? await line.AskAsync(redis => redis.KeyDeleteAsync(key.Text))
            : await line.AskAsync(redis => redis.StringSetAsync(key.Text, answer.ToArray(), keep));
        // Of two answers under one key the older must not come back when Redis is lost again.
        if (answered) here.Forget(key);
        else await here.SetAsync(key, answer, keep, ct);
    }

    public async ValueTask ForgetAsync(string project, CancellationToken ct)
    {
        _owed[project] = 0;
        await here.ForgetAsync(project, ct);
        await PayAsync(project);
    }

    ValueTask<bool> PaidAsync(CacheKey key)
    {
        if (_owed.IsEmpty) return new(true);
        var project = key.Text[..key.Text.IndexOf(':', StringComparison.Ordinal)];
        return _owed.ContainsKey(project) ? PayAsync(project) : new(true);
    }

    async ValueTask<bool> PayAsync(string project)
    {
        var (answered, _) = await line.AskAsync(redis => redis.ScriptEvaluateAsync(Forgetting, values: [$"{CacheKey.Prefix(project)}*"]));
        if (answered) _owed.TryRemove(project, out _);
        return answered;
    }
}

using Hindcast.Application.Caching;
using Microsoft.Extensions.Caching.Memory;

namespace Hindcast.Infrastructure.Caches.Memory;

/// <summary>Answers in this process, 64 MiB at most; an answer above 1 MiB is made again each time.</summary>
sealed class MemoryResponseCache : IResponseCache, IDisposable
{
    public const int LargestAnswer = 1 << 20;
    const long Budget = 64L << 20;

    readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = Budget });

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(CacheKey key, CancellationToken ct) =>
        new(_answers.TryGetValue(key.Text, out byte[]? answer) ? answer : default(ReadOnlyMemory<byte>?));

    public ValueTask SetAsync(CacheKey key, ReadOnlyMemory<byte> answer, TimeSpan keep, CancellationToken ct)
    {
        if (answer.Length > LargestAnswer) _answers.Remove(key.Text);
        else _answers.Set(key.Text, answer.ToArray(), new MemoryCacheEntryOptions { Size = answer.Length + key.Text.Length, AbsoluteExpirationRelativeToNow = keep });
        return default;
    }

    public ValueTask ForgetAsync(string project, CancellationToken ct)
    {
        foreach (var key in _answers.Keys.OfType<string>().Where(key => key.StartsWith(CacheKey.Prefix(project), StringComparison.Ordinal))) _answers.Remove(key);
        return default;
    }

    public void Forget(CacheKey key) => _answers.Remove(key.Text);

    public void Dispose() => _answers.Dispose();
}

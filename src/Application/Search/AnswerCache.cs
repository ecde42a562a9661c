using Microsoft.Extensions.Caching.Memory;

namespace Hindcast.Application.Search;

/// <summary>An answer and how much of the log it shows.</summary>
public sealed record CachedAnswer(ReadOnlyMemory<byte> Body, long Position);

/// <summary>Answers given lately, in this process, 64 MiB of them. Their names begin with the projects they show.</summary>
public sealed class AnswerCache : IDisposable
{
    const long MostBytes = 64L << 20;
    const int LargestAnswer = 4 << 20;

    readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = MostBytes });

    public CachedAnswer? Find(string name) => _answers.Get<CachedAnswer>(name);

    public void Keep(string name, CachedAnswer answer, TimeSpan time)
    {
        if (answer.Body.Length <= LargestAnswer)
            _answers.Set(name, answer, new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = time, Size = answer.Body.Length + (2 * name.Length) });
    }

    public void Clear() => _answers.Clear();

    public void Dispose() => _answers.Dispose();
}

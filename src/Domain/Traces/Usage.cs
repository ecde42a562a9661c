namespace Hindcast.Domain.Traces;

/// <summary>
/// Tokens of one call in disjoint parts; null is unknown, never 0. <see cref="Reasoning"/> lies inside <see cref="Output"/> and is
/// shown apart. <see cref="Unsplit"/> is a total whose parts nobody told.
/// </summary>
public sealed record Usage
{
    /// <summary>The most tokens a field takes: the largest integer every JSON reader agrees on.</summary>
    public const long Most = (1L << 53) - 1;

    /// <summary>Input tokens that were neither read from nor written to a cache.</summary>
    public long? Input { get; init; }
    public long? CacheRead { get; init; }
    /// <summary>Written to a cache kept five minutes; the default kind when a provider does not say.</summary>
    public long? CacheWrite5m { get; init; }
    public long? CacheWrite1h { get; init; }
    public long? Output { get; init; }
    public long? Reasoning { get; init; }
    public long? Unsplit { get; init; }

    public long? CacheWrite => Add(CacheWrite5m, CacheWrite1h);

    /// <summary>Everything that went in.</summary>
    public long? Prompt => Add(Add(Input, CacheRead), CacheWrite);

    public long? Total => Add(Prompt, Output) ?? Unsplit;

    public bool IsEmpty => this == Nothing;

    static readonly Usage Nothing = new();

    /// <summary>
    /// Makes the parts disjoint. OpenAI counts cached tokens inside its prompt tokens, Anthropic beside them; the given total settles which
    /// was meant, else the provider's habit does.
    /// </summary>
    public static Usage Split(
        long? prompt, long? output, long? cacheRead, long? cacheWrite5m, long? cacheWrite1h, long? reasoning, long? total, bool promptExcludesCache)
    {
        var cached = (cacheRead ?? 0) + (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0);
        var included = cached > 0 && prompt >= cached && (total, output) switch
        {
            (long t, long o) when t == prompt + o => true,
            (long t, long o) when t == prompt + o + cached => false,
            _ => !promptExcludesCache,
        };
        var usage = new Usage
        {
            Input = included ? prompt - cached : prompt,
            CacheRead = cacheRead,
            CacheWrite5m = cacheWrite5m,
            CacheWrite1h = cacheWrite1h,
            Output = output,
            Reasoning = reasoning,
        };
        return usage.Total is null ? usage with { Unsplit = total } : usage;
    }

    /// <summary>Part by part; a total whose parts nobody told is no part of it.</summary>
    public Usage Plus(Usage other) => new()
    {
        Input = Add(Input, other.Input),
        CacheRead = Add(CacheRead, other.CacheRead),
        CacheWrite5m = Add(CacheWrite5m, other.CacheWrite5m),
        CacheWrite1h = Add(CacheWrite1h, other.CacheWrite1h),
        Output = Add(Output, other.Output),
        Reasoning = Add(Reasoning, other.Reasoning),
    };

    /// <summary>Unknown plus known is known; a sum past the range of a long stays at its end.</summary>
    public static long? Add(long? a, long? b)
    {
        if (a is null || b is null) return a ?? b;
        var sum = (Int128)a.Value + b.Value;
        return sum > long.MaxValue ? long.MaxValue : (long)sum;
    }
}

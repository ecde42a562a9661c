using Hindcast.Domain.Traces;

namespace Hindcast.Domain.Pricing;

/// <summary>What a model's tokens cost from a day on, in pico-USD per token (1 USD per million tokens is 1,000,000).</summary>
public sealed record Price(
    string Model, DateTimeOffset ValidFrom, long Input, long Output, long? CacheRead = null, long? CacheWrite5m = null, long? CacheWrite1h = null);

/// <summary>Money of one call in pico-USD; a part is null where its tokens or its price are unknown.</summary>
public sealed record Cost(long? Input, long? CacheRead, long? CacheWrite, long? Output)
{
    public static readonly Cost Unknown = new(null, null, null, null);

    /// <summary>What an answer from a cache costs: nothing, and that is known.</summary>
    public static readonly Cost Nothing = new(0, 0, 0, 0);

    public long? Total => Usage.Add(Usage.Add(Input, CacheRead), Usage.Add(CacheWrite, Output));

    /// <summary>What is known of both; unknown plus known is known.</summary>
    public Cost Plus(Cost other) => new(
        Usage.Add(Input, other.Input), Usage.Add(CacheRead, other.CacheRead), Usage.Add(CacheWrite, other.CacheWrite), Usage.Add(Output, other.Output));
}

/// <summary>Prices by model and day. A model is found by its name, without its vendor's prefix and without the date at its end.</summary>
public sealed class PriceBook(IEnumerable<Price> prices)
{
    readonly ILookup<string, Price> _prices = prices.OrderByDescending(p => p.ValidFrom).ToLookup(p => Key(p.Model), StringComparer.Ordinal);

    public Cost CostOf(Span span) => span.IsCacheHit() ? Cost.Nothing : CostOf(span.Usage, span.Model, span.StartedAt);

    /// <summary>The moments at which a price begins.</summary>
    public IEnumerable<DateTimeOffset> Starts => _prices.SelectMany(p => p).Select(p => p.ValidFrom).Distinct();

    /// <summary>Known tokens that have no price make the whole cost unknown: a sum that leaves them out would be wrong, and look right.</summary>
    public Cost CostOf(Usage? usage, string? model, DateTimeOffset at)
    {
        if (usage is null || model is null || Find(model, at) is not { } price) return Cost.Unknown;
        if (Unpriced(usage.CacheRead, price.CacheRead) || Unpriced(usage.CacheWrite5m, price.CacheWrite5m)
            || Unpriced(usage.CacheWrite1h, price.CacheWrite1h)) return Cost.Unknown;

        return new(
            Times(usage.Input, price.Input),
            Times(usage.CacheRead, price.CacheRead),
            Usage.Add(Times(usage.CacheWrite5m, price.CacheWrite5m), Times(usage.CacheWrite1h, price.CacheWrite1h)),
            Times(usage.Output, price.Output));
    }

    /// <summary>Token counts come from outside and can be absurd: a product past the range of a long stays at its end.</summary>
    static long? Times(long? tokens, long? price) =>
        tokens is null || price is null ? null : (long)Int128.Min((Int128)tokens.Value * price.Value, long.MaxValue);

    public Price? Find(string model, DateTimeOffset at) =>
        Valid(Key(model), at) ?? Valid(WithoutDate(Key(model)), at);

    Price? Valid(string key, DateTimeOffset at) => _prices[key].FirstOrDefault(p => p.ValidFrom <= at);

    static bool Unpriced(long? tokens, long? price) => tokens > 0 && price is null;

    static string Key(string model) => model[(model.LastIndexOf('/') + 1)..].ToLowerInvariant();

    /// <summary>gpt-4o-2024-08-06, claude-sonnet-4-5-20250929 and claude-3-5-haiku-latest carry their day at the end.</summary>
    static string WithoutDate(string key)
    {
        if (key.EndsWith("-latest", StringComparison.Ordinal)) return key[..^"-latest".Length];
        var parts = key.Split('-');
        if (parts.Length > 1 && IsDigits(parts[^1], 8)) return string.Join('-', parts[..^1]);
        if (parts.Length > 3 && IsDigits(parts[^3], 4) && IsDigits(parts[^2], 2) && IsDigits(parts[^1], 2)) return string.Join('-', parts[..^3]);
        return key;
    }

    static bool IsDigits(string text, int length) => text.Length == length && text.All(char.IsAsciiDigit);
}

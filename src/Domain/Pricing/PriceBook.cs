using System.Collections.Concurrent;
using Hindcast.Domain.Traces;

namespace Hindcast.Domain.Pricing;

/// <summary>What a model's tokens cost from a moment on, in pico-USD per token (1 USD per million tokens is 1,000,000).</summary>
/// <param name="ValidFrom">A whole minute, so that no bucket of requests has two prices.</param>
/// <param name="Provider">Who sells it; for people, since a model is found by its name.</param>
/// <param name="KnownFrom">Since when it was known; null: since it was valid.</param>
public sealed record Price(
    string Model, DateTimeOffset ValidFrom, long Input, long Output, long? CacheRead = null, long? CacheWrite5m = null, long? CacheWrite1h = null,
    string? Provider = null, DateTimeOffset? KnownFrom = null)
{
    public DateTimeOffset Known => KnownFrom ?? ValidFrom;
}

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

/// <summary>
/// Prices by model and moment. A model is found by its name as <see cref="ModelName"/> reads it. Of the prices that are valid at a moment
/// the one that began last holds, and of two that began together the one that was known last; a price that somebody set holds before any
/// that is built in.
/// </summary>
public sealed class PriceBook(IEnumerable<Price> listed, IEnumerable<Price>? set = null)
{
    const int MostFound = 1_000;

    readonly ILookup<string, Price> _listed = InOrder(listed);
    readonly ILookup<string, Price> _set = InOrder(set ?? []);
    readonly ConcurrentDictionary<string, Price[]> _found = new(StringComparer.Ordinal);

    public IEnumerable<Price> Listed => _listed.SelectMany(p => p);
    /// <summary>The prices that somebody set.</summary>
    public IEnumerable<Price> Set => _set.SelectMany(p => p);

    /// <summary>The moments at which a price begins.</summary>
    public IEnumerable<DateTimeOffset> Starts => Listed.Concat(Set).Select(p => p.ValidFrom).Distinct();

    /// <summary>The book with more that was set. The same price set again, with other numbers, is the last one.</summary>
    public PriceBook With(IEnumerable<Price> more)
    {
        var all = new Dictionary<(string, string?, DateTimeOffset, DateTimeOffset), Price>();
        foreach (var price in Set.Concat(more)) all[(price.Model, price.Provider, price.ValidFrom, price.Known)] = price;
        return new(Listed, all.Values);
    }

    /// <summary>The book as it was then: without what was not known yet.</summary>
    public PriceBook AsKnownAt(DateTimeOffset then) => new(Listed.Where(p => p.Known <= then), Set.Where(p => p.Known <= then));

    public Cost CostOf(Span span) => span.IsCacheHit() ? Cost.Nothing : CostOf(span.Usage, span.Model, span.StartedAt);

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

    public Price? Find(string model, DateTimeOffset at)
    {
        if (!_found.TryGetValue(model, out var prices))
        {
            prices = Candidates(model);
            // Names come from outside; those of a store's models are few.
            if (_found.Count < MostFound) _found[model] = prices;
        }
        foreach (var price in prices)
            if (price.ValidFrom <= at) return price;
        return null;
    }

    /// <summary>A model's prices, the one that holds before the others first.</summary>
    Price[] Candidates(string model)
    {
        var (name, undated) = (ModelName.Of(model), ModelName.WithoutDate(ModelName.Of(model)));
        return [.. _set[name], .. _set[undated], .. _listed[name], .. _listed[undated]];
    }

    /// <summary>Token counts come from outside and can be absurd: a product past the range of a long stays at its end.</summary>
    static long? Times(long? tokens, long? price) =>
        tokens is null || price is null ? null : (long)Int128.Min((Int128)tokens.Value * price.Value, long.MaxValue);

    static bool Unpriced(long? tokens, long? price) => tokens > 0 && price is null;

    static ILookup<string, Price> InOrder(IEnumerable<Price> prices) =>
        prices.OrderByDescending(p => p.ValidFrom).ThenByDescending(p => p.Known).ThenBy(p => p.Provider, StringComparer.Ordinal).ThenBy(p => p.Model, StringComparer.Ordinal)
            .ToLookup(p => ModelName.Of(p.Model), StringComparer.Ordinal);
}

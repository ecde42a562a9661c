using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>What a model's tokens cost in USD per million; null is unknown, as the context window always is.</summary>
internal sealed record WhyOpsPrice(
    string Model, decimal InputTokenPricePerMillionToken, decimal OutputTokenPricePerMillionToken, decimal? CacheReadTokenPricePerMillionToken,
    decimal? CacheWrite5mTokenPricePerMillionToken, decimal? CacheWrite1hTokenPricePerMillionToken, string? ContextWindow)
{
    const decimal PicoPerUsdPerMillion = 1_000_000m;

    public static WhyOpsPrice Of(Price price) => new(
        price.Model, price.Input / PicoPerUsdPerMillion, price.Output / PicoPerUsdPerMillion, price.CacheRead / PicoPerUsdPerMillion,
        price.CacheWrite5m / PicoPerUsdPerMillion, price.CacheWrite1h / PicoPerUsdPerMillion, null);
}

/// <summary>What a thread used of one model (WhyOps contract, 4.4): disjoint tokens, each paid once.</summary>
/// <param name="Cost">The price of its last call; null when it is unknown, and then <paramref name="TotalCost"/> leaves it out.</param>
/// <param name="TotalCost">USD.</param>
/// <param name="ContextWindowUsed">Tokens of the thread's last call, on its model only.</param>
internal sealed record WhyOpsModel(
    string Model, long InputTokens, long OutputTokens, long CacheWrite5mTokens, long CacheWrite1hTokens, long CacheCreationTokens, long CacheReadTokens, long TotalTokens,
    decimal TotalCost, WhyOpsPrice? Cost, bool IsLastModel,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] long? ContextWindowUsed);

internal static class WhyOpsModels
{
    const decimal PicoPerUsd = 1_000_000_000_000m;

    public static IReadOnlyList<WhyOpsModel> Of(IReadOnlyList<TraceEvent> events, PriceBook prices)
    {
        var responses = events.Select(e => e.Event).OfType<LlmResponse>().Where(e => e.Model is not null).ToList();
        return [.. responses.GroupBy(e => e.Model!, StringComparer.Ordinal).Select(g => ModelOf(g.Key, [.. g], responses[^1], prices))];
    }

    static WhyOpsModel ModelOf(string model, List<LlmResponse> calls, LlmResponse last, PriceBook prices)
    {
        var usage = calls.Aggregate(new Usage(), (sum, call) => call.Usage is { } used ? sum.Plus(used) : sum);
        var price = prices.Find(model, calls[^1].At);
        return new(
            model, usage.Input ?? 0, usage.Output ?? 0, usage.CacheWrite5m ?? 0, usage.CacheWrite1h ?? 0, usage.CacheWrite ?? 0, usage.CacheRead ?? 0,
            calls.Sum(c => c.Usage?.Total ?? 0), calls.Sum(c => prices.CostOf(c.Usage, model, c.At).Total ?? 0) / PicoPerUsd,
            price is null ? null : WhyOpsPrice.Of(price), last.Model == model, last.Model == model ? last.Usage?.Total : null);
    }
}

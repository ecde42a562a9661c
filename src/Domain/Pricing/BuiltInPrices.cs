namespace Hindcast.Domain.Pricing;

/// <summary>List prices of common models, in USD per million tokens, from the vendors' public price pages.</summary>
public static class BuiltInPrices
{
    public static PriceBook Book { get; } = new(
    [
        Of("gpt-4o", 2024, 10, 2, input: 2.50m, output: 10m, cacheRead: 1.25m),
        Of("gpt-4o-mini", 2024, 7, 18, input: 0.15m, output: 0.60m, cacheRead: 0.075m),
        Of("gpt-4.1", 2025, 4, 14, input: 2m, output: 8m, cacheRead: 0.50m),
        Of("gpt-4.1-mini", 2025, 4, 14, input: 0.40m, output: 1.60m, cacheRead: 0.10m),
        Of("gpt-4.1-nano", 2025, 4, 14, input: 0.10m, output: 0.40m, cacheRead: 0.025m),
        Of("gpt-5", 2025, 8, 7, input: 1.25m, output: 10m, cacheRead: 0.125m),
        Of("gpt-5-mini", 2025, 8, 7, input: 0.25m, output: 2m, cacheRead: 0.025m),
        Of("text-embedding-3-small", 2024, 1, 25, input: 0.02m, output: 0m),
        Of("text-embedding-3-large", 2024, 1, 25, input: 0.13m, output: 0m),
        Of("claude-3-5-haiku", 2024, 11, 4, input: 0.80m, output: 4m, cacheRead: 0.08m, write5m: 1m, write1h: 1.60m),
        Of("claude-sonnet-4", 2025, 5, 22, input: 3m, output: 15m, cacheRead: 0.30m, write5m: 3.75m, write1h: 6m),
        Of("claude-sonnet-4-5", 2025, 9, 29, input: 3m, output: 15m, cacheRead: 0.30m, write5m: 3.75m, write1h: 6m),
        Of("claude-haiku-4-5", 2025, 10, 15, input: 1m, output: 5m, cacheRead: 0.10m, write5m: 1.25m, write1h: 2m),
        Of("claude-opus-4-1", 2025, 8, 5, input: 15m, output: 75m, cacheRead: 1.50m, write5m: 18.75m, write1h: 30m),
    ]);

    static Price Of(
        string model, int year, int month, int day, decimal input, decimal output, decimal? cacheRead = null, decimal? write5m = null, decimal? write1h = null) =>
        new(model, new(year, month, day, 0, 0, 0, TimeSpan.Zero), Pico(input), Pico(output), Pico(cacheRead), Pico(write5m), Pico(write1h));

    static long Pico(decimal usdPerMillion) => (long)(usdPerMillion * 1_000_000m);

    static long? Pico(decimal? usdPerMillion) => usdPerMillion is { } usd ? Pico(usd) : null;
}

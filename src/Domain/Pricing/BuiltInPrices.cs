namespace Hindcast.Domain.Pricing;

/// <summary>
/// List prices of common models, in USD per million tokens, each from the day it began: those of the providers' public price pages at that
/// day, for text at the standard tier and the shortest context, set beside two public collections of such prices in August 2026. Models whose makers sell no tokens (Llama) stand at Amazon Bedrock's price.
/// What a project has agreed with its provider is set in its own price book and holds before these.
/// </summary>
public static class BuiltInPrices
{
    public static PriceBook Book { get; } = new([.. OpenAi(), .. Anthropic(), .. Google(), .. Mistral(), .. DeepSeek(), .. Meta(), .. Cohere()]);

    static IEnumerable<Price> OpenAi() => Of("openai",
    [
        ("gpt-3.5-turbo", "2024-01-25", 0.50m, 1.50m, null),
        ("gpt-4", "2023-03-14", 30m, 60m, null),
        ("gpt-4-turbo", "2024-04-09", 10m, 30m, null),
        ("gpt-4o", "2024-05-13", 5m, 15m, null),
        ("gpt-4o", "2024-10-02", 2.50m, 10m, 1.25m),
        ("gpt-4o-mini", "2024-07-18", 0.15m, 0.60m, 0.075m),
        ("gpt-4.1", "2025-04-14", 2m, 8m, 0.50m),
        ("gpt-4.1-mini", "2025-04-14", 0.40m, 1.60m, 0.10m),
        ("gpt-4.1-nano", "2025-04-14", 0.10m, 0.40m, 0.025m),
        ("gpt-5", "2025-08-07", 1.25m, 10m, 0.125m),
        ("gpt-5-mini", "2025-08-07", 0.25m, 2m, 0.025m),
        ("gpt-5-nano", "2025-08-07", 0.05m, 0.40m, 0.005m),
        ("gpt-5-chat", "2025-08-07", 1.25m, 10m, 0.125m),
        ("gpt-5-codex", "2025-09-23", 1.25m, 10m, 0.125m),
        ("gpt-5-pro", "2025-10-06", 15m, 120m, null),
        ("gpt-5.1", "2025-11-13", 1.25m, 10m, 0.125m),
        ("gpt-5.1-chat", "2025-11-13", 1.25m, 10m, 0.125m),
        ("gpt-5.1-codex", "2025-11-13", 1.25m, 10m, 0.125m),
        ("gpt-5.1-codex-max", "2025-11-19", 1.25m, 10m, 0.125m),
        ("gpt-5.1-codex-mini", "2025-11-13", 0.25m, 2m, 0.025m),
        ("gpt-5.2", "2025-12-11", 1.75m, 14m, 0.175m),
        ("gpt-5.2-chat", "2025-12-11", 1.75m, 14m, 0.175m),
        ("gpt-5.2-codex", "2025-12-11", 1.75m, 14m, 0.175m),
        ("gpt-5.2-pro", "2025-12-11", 21m, 168m, null),
        ("gpt-5.3-chat", "2026-02-05", 1.75m, 14m, 0.175m),
        ("gpt-5.3-codex", "2026-02-05", 1.75m, 14m, 0.175m),
        ("gpt-5.4", "2026-03-05", 2.50m, 15m, 0.25m),
        ("gpt-5.4-mini", "2026-03-17", 0.75m, 4.50m, 0.075m),
        ("gpt-5.4-nano", "2026-03-17", 0.20m, 1.25m, 0.02m),
        ("gpt-5.5", "2026-04-23", 5m, 30m, 0.50m),
        ("gpt-5.6-sol", "2026-06-26", 5m, 30m, 0.50m),
        ("gpt-5.6-terra", "2026-06-26", 2.50m, 15m, 0.25m),
        ("gpt-5.6-terra", "2026-07-30", 2m, 12m, 0.20m),
        ("gpt-5.6-luna", "2026-06-26", 1m, 6m, 0.10m),
        ("gpt-5.6-luna", "2026-07-30", 0.20m, 1.20m, 0.02m),
        ("o1", "2024-12-17", 15m, 60m, 7.50m),
        ("o1-pro", "2025-03-19", 150m, 600m, null),
        ("o1-mini", "2024-09-12", 3m, 12m, 1.50m),
        ("o1-mini", "2025-01-31", 1.10m, 4.40m, 0.55m),
        ("o3", "2025-04-16", 10m, 40m, 2.50m),
        ("o3", "2025-06-10", 2m, 8m, 0.50m),
        ("o3-pro", "2025-06-10", 20m, 80m, null),
        ("o3-mini", "2025-01-31", 1.10m, 4.40m, 0.55m),
        ("o4-mini", "2025-04-16", 1.10m, 4.40m, 0.275m),
        ("text-embedding-3-small", "2024-01-25", 0.02m, 0m, null),
        ("text-embedding-3-large", "2024-01-25", 0.13m, 0m, null),
        ("text-embedding-ada-002", "2023-06-13", 0.10m, 0m, null),
    ]);

    /// <summary>Reading a cache costs a tenth of the input, writing one a quarter more, and one that is kept an hour twice as much.</summary>
    static IEnumerable<Price> Anthropic() => OfAnthropic(
    [
        ("claude-3-opus", "2024-03-04", 15m, 75m),
        ("claude-3-sonnet", "2024-03-04", 3m, 15m),
        ("claude-3-5-sonnet", "2024-06-20", 3m, 15m),
        ("claude-3-5-haiku", "2024-11-04", 0.80m, 4m),
        ("claude-3-7-sonnet", "2025-02-24", 3m, 15m),
        ("claude-sonnet-4", "2025-05-22", 3m, 15m),
        ("claude-opus-4", "2025-05-22", 15m, 75m),
        ("claude-opus-4-1", "2025-08-05", 15m, 75m),
        ("claude-sonnet-4-5", "2025-09-29", 3m, 15m),
        ("claude-haiku-4-5", "2025-10-15", 1m, 5m),
        ("claude-opus-4-5", "2025-11-24", 5m, 25m),
        ("claude-opus-4-6", "2026-02-05", 5m, 25m),
        ("claude-sonnet-4-6", "2026-02-05", 3m, 15m),
        ("claude-opus-4-7", "2026-04-16", 5m, 25m),
        ("claude-opus-4-8", "2026-05-28", 5m, 25m),
        ("claude-fable-5", "2026-06-09", 10m, 50m),
        ("claude-mythos-5", "2026-06-09", 10m, 50m),
        ("claude-sonnet-5", "2026-06-30", 2m, 10m),
        ("claude-sonnet-5", "2026-09-01", 3m, 15m),
        ("claude-opus-5", "2026-07-24", 5m, 25m),
    ]).Append(new("claude-3-haiku", Day("2024-03-13"), Pico(0.25m), Pico(1.25m), Pico(0.03m), Pico(0.30m), Pico(0.50m), "anthropic"));

    static IEnumerable<Price> OfAnthropic((string Model, string From, decimal Input, decimal Output)[] table) => table.Select(x => new Price(
        x.Model, Day(x.From), Pico(x.Input), Pico(x.Output), Pico(x.Input * 0.1m), Pico(x.Input * 1.25m), Pico(x.Input * 2m), "anthropic"));

    static IEnumerable<Price> Google() => Of("google",
    [
        ("gemini-1.5-pro", "2024-10-01", 1.25m, 5m, 0.3125m),
        ("gemini-1.5-flash", "2024-08-12", 0.075m, 0.30m, 0.01875m),
        ("gemini-2.0-flash", "2025-02-05", 0.10m, 0.40m, 0.025m),
        ("gemini-2.0-flash-lite", "2025-02-25", 0.075m, 0.30m, null),
        ("gemini-2.5-pro", "2025-06-17", 1.25m, 10m, 0.31m),
        ("gemini-2.5-pro", "2025-11-24", 1.25m, 10m, 0.125m),
        ("gemini-2.5-flash", "2025-06-17", 0.30m, 2.50m, 0.075m),
        ("gemini-2.5-flash", "2025-11-24", 0.30m, 2.50m, 0.03m),
        ("gemini-2.5-flash-lite", "2025-07-22", 0.10m, 0.40m, 0.025m),
        ("gemini-2.5-flash-lite", "2025-11-24", 0.10m, 0.40m, 0.01m),
        ("gemini-3-pro-preview", "2025-11-18", 2m, 12m, 0.20m),
        ("gemini-3-flash", "2025-12-17", 0.50m, 3m, 0.05m),
        ("gemini-3-flash-preview", "2025-12-17", 0.50m, 3m, 0.05m),
        ("gemini-3.1-pro-preview", "2026-02-19", 2m, 12m, 0.20m),
        ("gemini-3.1-flash-lite", "2026-03-03", 0.25m, 1.50m, 0.025m),
        ("gemini-3.1-flash-lite-preview", "2026-03-03", 0.25m, 1.50m, 0.025m),
        ("gemini-3.5-flash", "2026-05-19", 1.50m, 9m, 0.15m),
        ("gemini-3.5-flash-lite", "2026-07-24", 0.30m, 2.50m, 0.03m),
        ("gemini-3.6-flash", "2026-07-24", 1.50m, 7.50m, 0.15m),
        ("gemini-embedding", "2025-07-14", 0.15m, 0m, null),
    ]);

    static IEnumerable<Price> Mistral() => Of("mistral",
    [
        ("mistral-large", "2024-11-18", 2m, 6m, null),
        ("mistral-medium", "2025-05-07", 0.40m, 2m, null),
        ("mistral-small", "2025-03-17", 0.10m, 0.30m, null),
        ("codestral", "2025-01-13", 0.30m, 0.90m, null),
        ("ministral-3b", "2024-10-16", 0.04m, 0.04m, null),
        ("ministral-8b", "2024-10-16", 0.10m, 0.10m, null),
        ("mistral-embed", "2023-12-11", 0.10m, 0m, null),
    ]);

    static IEnumerable<Price> DeepSeek() => Of("deepseek",
    [
        ("deepseek-chat", "2024-08-02", 0.14m, 0.28m, 0.014m),
        ("deepseek-chat", "2025-02-08", 0.27m, 1.10m, 0.07m),
        ("deepseek-chat", "2025-09-05", 0.56m, 1.68m, 0.07m),
        ("deepseek-chat", "2025-09-29", 0.28m, 0.42m, 0.028m),
        ("deepseek-reasoner", "2025-01-20", 0.55m, 2.19m, 0.14m),
        ("deepseek-reasoner", "2025-09-05", 0.56m, 1.68m, 0.07m),
        ("deepseek-reasoner", "2025-09-29", 0.28m, 0.42m, 0.028m),
    ]);

    static IEnumerable<Price> Meta() => Of("meta",
    [
        ("llama-3.1-8b-instruct", "2024-12-01", 0.22m, 0.22m, null),
        ("llama-3.1-70b-instruct", "2024-12-01", 0.72m, 0.72m, null),
        ("llama-3.1-405b-instruct", "2024-12-01", 2.40m, 2.40m, null),
        ("llama-3.3-70b-instruct", "2024-12-19", 0.72m, 0.72m, null),
        ("llama-4-scout-17b-instruct", "2025-04-28", 0.17m, 0.66m, null),
        ("llama-4-maverick-17b-instruct", "2025-04-28", 0.24m, 0.97m, null),
    ]);

    static IEnumerable<Price> Cohere() => Of("cohere",
    [
        ("command-r", "2024-08-30", 0.15m, 0.60m, null),
        ("command-r-plus", "2024-08-30", 2.50m, 10m, null),
        ("command-r7b", "2024-12-13", 0.0375m, 0.15m, null),
        ("command-a", "2025-03-13", 2.50m, 10m, null),
        ("embed-v4.0", "2025-04-15", 0.12m, 0m, null),
    ]);

    static IEnumerable<Price> Of(string provider, (string Model, string From, decimal Input, decimal Output, decimal? CacheRead)[] table) =>
        table.Select(x => new Price(x.Model, Day(x.From), Pico(x.Input), Pico(x.Output), x.CacheRead is { } read ? Pico(read) : null, Provider: provider));

    static DateTimeOffset Day(string day) => new(DateTime.ParseExact(day, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), TimeSpan.Zero);

    static long Pico(decimal usdPerMillion) => (long)(usdPerMillion * 1_000_000m);
}

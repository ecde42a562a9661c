using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>usage</c> of our own door: disjoint parts <c>{input, cache_read, cache_write, cache_write_5m, cache_write_1h, output, reasoning, total}</c>,
/// tokens from 0 to 2^53-1 or null. Providers' own names for the two ends are taken too; what they count as input is then split.
/// </summary>
internal static class NativeUsage
{
    static readonly string[] Fields =
    [
        "input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "output", "reasoning", "total",
        "input_tokens", "output_tokens", "prompt_tokens", "completion_tokens", "total_tokens",
    ];

    public static void Check(JsonElement usage, List<Fault> faults)
    {
        if (usage.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new("usage", "wrong_type", "Must be an object."));
            return;
        }
        foreach (var field in Fields)
        {
            if (usage.Member(field) is not { } value) continue;
            if (value.ValueKind != JsonValueKind.Number) faults.Add(new($"usage.{field}", "wrong_type", "Must be an integer or null."));
            else if (!value.TryGetInt64(out var tokens) || tokens is < 0 or > Usage.Most)
                faults.Add(new($"usage.{field}", "out_of_range", $"Must be an integer from 0 to {Usage.Most}."));
        }
    }

    /// <summary>Null when nothing is said.</summary>
    public static Usage? Read(JsonElement usage, string? provider)
    {
        var (write5m, write1h) = (Tokens(usage, "cache_write_5m"), Tokens(usage, "cache_write_1h"));
        // Writes of a kind nobody named count as the five-minute kind, as far as the named kinds do not make them up.
        if (Tokens(usage, "cache_write") is { } writes
            && writes - (write5m ?? 0) - (write1h ?? 0) is var rest && (rest > 0 || (write5m ?? write1h) is null))
            write5m = (write5m ?? 0) + rest;

        var (read, reasoning) = (Tokens(usage, "cache_read"), Tokens(usage, "reasoning"));
        var output = Tokens(usage, "output") ?? Tokens(usage, "output_tokens") ?? Tokens(usage, "completion_tokens");
        var total = Tokens(usage, "total") ?? Tokens(usage, "total_tokens");
        var (prompt, input) = (Tokens(usage, "prompt_tokens"), Tokens(usage, "input_tokens"));

        Usage said;
        if (Tokens(usage, "input") is null && (prompt ?? input) is { } given)
        {
            // prompt_tokens is OpenAI's word and has the cached ones inside; input_tokens is Anthropic's and has not, unless OpenAI says it.
            var beside = prompt is null && provider?.Contains("openai", StringComparison.OrdinalIgnoreCase) != true;
            said = Usage.Split(given, output, read, write5m, write1h, reasoning, total, beside);
        }
        else
        {
            said = new()
            {
                Input = Tokens(usage, "input"), CacheRead = read, CacheWrite5m = write5m, CacheWrite1h = write1h, Output = output, Reasoning = reasoning,
            };
            if (said.Total is null) said = said with { Unsplit = total };
        }
        return said.IsEmpty ? null : said;
    }

    static long? Tokens(JsonElement usage, string field) =>
        usage.Member(field) is { ValueKind: JsonValueKind.Number } n && n.TryGetInt64(out var tokens) && tokens is >= 0 and <= Usage.Most
            ? tokens
            : null;
}

using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// Token counts of <c>metadata.usage</c>, in every spelling senders use (WhyOps contract, 4.4; the gateway of the original passes the
/// provider's own names on).
/// </summary>
internal static class WhyOpsUsage
{
    static readonly string[] Prompt = ["promptTokens", "inputTokens", "prompt_tokens", "input_tokens"];
    static readonly string[] Output = ["completionTokens", "outputTokens", "completion_tokens", "output_tokens"];
    static readonly string[] Total = ["totalTokens", "total_tokens"];
    static readonly string[] CacheRead = ["cacheReadTokens", "cache_read_input_tokens"];
    static readonly string[] CacheWrite5m = ["cacheWrite5mTokens"];
    static readonly string[] CacheWrite1h = ["cacheWrite1hTokens"];
    static readonly string[] CacheWrite = ["cacheCreationTokens", "cacheWriteTokens", "cache_creation_input_tokens"];
    static readonly string[] Reasoning = ["reasoningTokens", "reasoning_tokens"];
    static readonly string[] All =
        [.. Prompt, .. Output, .. Total, .. CacheRead, .. CacheWrite5m, .. CacheWrite1h, .. CacheWrite, .. Reasoning];

    /// <summary>The types whose <c>metadata.usage</c> is token counts; in the others it is whatever the sender means by it.</summary>
    public static bool Counts(string type) => type is "llm_response" or "embedding_response";

    /// <summary>Null when nothing is told. Counts must have passed <see cref="Check"/>; others are read as unknown.</summary>
    public static Usage? Of(string type, JsonElement metadata, string? provider, string? model)
    {
        var usage = metadata.Get("usage");
        var (prompt, total) = (Count(usage, metadata, Prompt), Count(usage, metadata, Total));
        // An embedding has nothing but input.
        if (type == "embedding_response") prompt ??= total;

        var (write5m, write1h) = (Count(usage, metadata, CacheWrite5m), Count(usage, metadata, CacheWrite1h));
        // What the split leaves open belongs to the kind it does not tell; with no split at all that is the five-minute one.
        if (Count(usage, metadata, CacheWrite) is { } written && written - (write5m ?? 0) - (write1h ?? 0) is var rest and >= 0)
        {
            if (write5m is null) write5m = rest;
            else if (rest > 0) write1h ??= rest;
        }
        var split = Usage.Split(
            prompt, Count(usage, metadata, Output), Count(usage, metadata, CacheRead), write5m, write1h, Count(usage, metadata, Reasoning), total,
            promptExcludesCache: IsAnthropic(provider) || IsAnthropic(model));
        return split.IsEmpty ? null : split;
    }

    /// <summary>Adds a fault for each count that is not an integer from 0 to 2^53−1; null is unknown and good.</summary>
    public static void Check(JsonElement metadata, List<Fault> faults)
    {
        var usage = metadata.Get("usage");
        if (usage.Says() && usage.ValueKind != JsonValueKind.Object)
            faults.Add(new("metadata.usage", "invalid_type", $"Expected object, received {usage.TypeName()}"));
        foreach (var name in All)
        {
            if (Fault(usage.Get(name)) is var (code, message)) faults.Add(new($"metadata.usage.{name}", code, message));
            if (Fault(metadata.Get(name)) is var (flatCode, flatMessage)) faults.Add(new($"metadata.{name}", flatCode, flatMessage));
        }
    }

    static (string Code, string Message)? Fault(JsonElement count)
    {
        if (!count.Says()) return null;
        if (count.ValueKind != JsonValueKind.Number) return ("invalid_type", $"Expected number, received {count.TypeName()}");
        if (count.GetDouble() is > Usage.Most) return ("too_big", $"Number must be less than or equal to {Usage.Most}");
        if (!count.IsWhole(out var whole) && count.GetDouble() >= 0) return ("invalid_type", "Expected integer, received float");
        return whole < 0 || count.GetDouble() < 0 ? ("too_small", "Number must be greater than or equal to 0") : null;
    }

    static long? Count(JsonElement usage, JsonElement metadata, string[] names)
    {
        var count = usage.First(names);
        if (!count.Says()) count = metadata.First(names);
        return count.Says() && Fault(count) is null && count.IsWhole(out var whole) ? whole : null;
    }

    static bool IsAnthropic(string? name) =>
        name is not null
        && (name.Contains("anthropic", StringComparison.OrdinalIgnoreCase) || name.Contains("claude", StringComparison.OrdinalIgnoreCase));
}

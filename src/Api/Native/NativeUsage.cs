using System.Text;
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
    enum Field
    {
        Input, CacheRead, CacheWrite, CacheWrite5m, CacheWrite1h, Output, Reasoning, Total, InputTokens, OutputTokens, PromptTokens, CompletionTokens,
        TotalTokens,
    }

    /// <summary>As they are written, in the order of <see cref="Field"/>.</summary>
    static readonly string[] Names =
    [
        "input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "output", "reasoning", "total", "input_tokens", "output_tokens",
        "prompt_tokens", "completion_tokens", "total_tokens",
    ];

    static readonly byte[][] s_names = [.. Names.Select(Encoding.UTF8.GetBytes)];

    public static void Check(JsonElement usage, List<Fault> faults)
    {
        if (usage.ValueKind == JsonValueKind.Object) Walk(usage, stackalloc long?[Names.Length], faults);
        else faults.Add(new("usage", "wrong_type", "Must be an object."));
    }

    /// <summary>One walk over the members; what is no count of tokens is left out, and named where somebody wants to know.</summary>
    static void Walk(JsonElement usage, Span<long?> tokens, List<Fault>? faults)
    {
        foreach (var member in usage.EnumerateObject())
        {
            var field = 0;
            while (field < Names.Length && !member.NameEquals(s_names[field])) field++;
            if (field == Names.Length || member.Value.ValueKind == JsonValueKind.Null) continue;
            if (member.Value.ValueKind != JsonValueKind.Number) faults?.Add(new($"usage.{Names[field]}", "wrong_type", "Must be an integer or null."));
            else if (!member.Value.TryGetInt64(out var count) || count is < 0 or > Usage.Most)
                faults?.Add(new($"usage.{Names[field]}", "out_of_range", $"Must be an integer from 0 to {Usage.Most}."));
            else tokens[field] = count;
        }
    }

    /// <summary>Null when nothing is said.</summary>
    public static Usage? Read(JsonElement usage, string? provider)
    {
        if (usage.ValueKind != JsonValueKind.Object) return null;
        Span<long?> tokens = stackalloc long?[Names.Length];
        Walk(usage, tokens, faults: null);

        var (write5m, write1h) = (tokens[(int)Field.CacheWrite5m], tokens[(int)Field.CacheWrite1h]);
        // Writes of a kind nobody named count as the five-minute kind, as far as the named kinds do not make them up.
        if (tokens[(int)Field.CacheWrite] is { } writes
            && writes - (write5m ?? 0) - (write1h ?? 0) is var rest && (rest > 0 || (write5m ?? write1h) is null))
            write5m = (write5m ?? 0) + rest;

        var (read, reasoning) = (tokens[(int)Field.CacheRead], tokens[(int)Field.Reasoning]);
        var output = tokens[(int)Field.Output] ?? tokens[(int)Field.OutputTokens] ?? tokens[(int)Field.CompletionTokens];
        var total = tokens[(int)Field.Total] ?? tokens[(int)Field.TotalTokens];
        var (prompt, input) = (tokens[(int)Field.PromptTokens], tokens[(int)Field.InputTokens]);

        Usage said;
        if (tokens[(int)Field.Input] is null && (prompt ?? input) is { } given)
        {
            // prompt_tokens is OpenAI's word and has the cached ones inside; input_tokens is Anthropic's and has not, unless OpenAI says it.
            var beside = prompt is null && provider?.Contains("openai", StringComparison.OrdinalIgnoreCase) != true;
            said = Usage.Split(given, output, read, write5m, write1h, reasoning, total, beside);
        }
        else
        {
            said = new()
            {
                Input = tokens[(int)Field.Input], CacheRead = read, CacheWrite5m = write5m, CacheWrite1h = write1h, Output = output, Reasoning = reasoning,
            };
            if (said.Total is null) said = said with { Unsplit = total };
        }
        return said.IsEmpty ? null : said;
    }
}

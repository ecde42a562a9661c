using System.Globalization;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>One field each, by the names every convention has for it: newest first.</summary>
internal static class OtlpFields
{
    /// <summary>As the GenAI conventions spell it; Vercel adds the kind of call (<c>openai.chat</c>).</summary>
    public static string? ProviderOf(OtlpAttributes a)
    {
        var named = a.Take("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "ls_provider", "langsmith.metadata.ls_provider")
            ?? (ModelOf(a) is null ? null : a.Text("server.address"));
        var provider = named?.ToLowerInvariant();
        foreach (var call in (ReadOnlySpan<string>)[".chat", ".responses", ".messages", ".completion", ".embedding"])
            if (provider?.EndsWith(call, StringComparison.Ordinal) == true) provider = provider[..^call.Length];
        return provider switch
        {
            "az.ai.openai" => "azure.ai.openai",
            "az.ai.inference" => "azure.ai.inference",
            "gemini" => "gcp.gemini",
            "vertex_ai" or "vertexai" => "gcp.vertex_ai",
            "mistralai" => "mistral_ai",
            "xai" => "x_ai",
            _ => provider,
        };
    }

    public static string? ModelOf(OtlpAttributes a) => a.Take(
        "gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name",
        "reranker.model_name", "ai.response.model", "ai.model.id", "llm.response.model", "llm.request.model", "llm.model", "langsmith.metadata.ls_model_name", "model");

    /// <summary>Input counts have the cached tokens inside, as the convention asks; what Anthropic's own names bring has not.</summary>
    public static Usage? UsageOf(OtlpAttributes a)
    {
        var usage = Usage.Split(
            a.Tokens("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
                "ai.usage.inputTokens", "ai.usage.promptTokens"),
            a.Tokens("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens",
                "ai.usage.outputTokens", "ai.usage.completionTokens"),
            a.Tokens("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
                "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input", "ai.usage.cachedInputTokens"),
            a.Tokens("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
                "llm.token_count.prompt_details.cache_write") ?? WrittenByVercel(a),
            cacheWrite1h: null,
            a.Tokens("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens",
                "llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens"),
            a.Tokens("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens", "ai.usage.tokens"),
            promptExcludesCache: false);
        return usage.IsEmpty ? null : usage;
    }

    static long? WrittenByVercel(OtlpAttributes a)
    {
        if (a.Text("ai.response.providerMetadata") is not { } text) return null;
        try
        {
            using var metadata = JsonDocument.Parse(text);
            return metadata.RootElement.Member("anthropic")?.Member("cacheCreationInputTokens") is { ValueKind: JsonValueKind.Number } tokens && tokens.TryGetInt64(out var n) && n >= 0 ? n : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Seconds and milliseconds by their names; else from the start to the first piece of the answer.</summary>
    public static TimeSpan? TimeToFirstTokenOf(OtlpSpan span)
    {
        var a = span.Attributes;
        var ms = a.Number("gen_ai.response.time_to_first_chunk") * 1000
            ?? a.Number("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk", "llm.latency.ttft_ms", "llm.metrics.ttft_ms")
            ?? Since(span, FirstPiece(span))
            ?? Since(span, TimeIn(a.Text("langfuse.observation.completion_start_time")));
        return ms is >= 0 and <= Native.NativePayload.MostMilliseconds ? TimeSpan.FromMicroseconds(Math.Round(ms.Value * 1000)) : null;
    }

    static ulong FirstPiece(OtlpSpan span) =>
        span.Events.FirstOrDefault(e => e.Name.EndsWith("content.completion.chunk", StringComparison.Ordinal) || e.Name is "First Token Stream Event")?.Time ?? 0;

    static double? Since(OtlpSpan span, ulong nanos) => nanos >= span.Start && span.Start != 0 ? (nanos - span.Start) / 1e6 : null;

    static ulong TimeIn(string? text) =>
        DateTimeOffset.TryParse(text?.Trim('"'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time > DateTimeOffset.UnixEpoch
            ? (ulong)(time - DateTimeOffset.UnixEpoch).Ticks * 100 : 0;

    /// <summary>Why it failed, in a sentence; null when it did not.</summary>
    public static string? ErrorOf(OtlpSpan span)
    {
        var a = span.Attributes;
        if (!span.Failed && a.Text("langfuse.observation.level") != "ERROR") return null;
        var thrown = span.Events.LastOrDefault(e => e.Name is "exception" or "gen_ai.client.operation.exception")?.Attributes;
        return Filled(span.StatusMessage) ?? a.Text("langfuse.observation.status_message") ?? thrown?.Text("exception.message") ?? thrown?.Text("exception.type")
            ?? a.Text("error.message", "error.type") ?? "error";
    }

    static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>Tags as a list in JSON, whichever way they came: a list, JSON in a text, or words with commas between them.</summary>
    public static string? TagsOf(OtlpAttributes a) =>
        a.Json("tag.tags", "langfuse.tags", "langfuse.trace.tags", "langsmith.span.tags", "ai.telemetry.metadata.tags", "llm.tags", "tags") switch
        {
            ['[', ..] list => list,
            ['"', ..] words => JsonSerializer.Serialize(JsonSerializer.Deserialize<string>(words)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)),
            _ => null,
        };
}

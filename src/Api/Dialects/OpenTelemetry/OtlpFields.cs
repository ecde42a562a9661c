using System.Text.Json.Nodes;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>One field each, by the names every convention has for it: newest first.</summary>
internal static class OtlpFields
{
    public static string? ProviderOf(OtlpAttributes a) =>
        a.Text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider", "ls_provider") switch
        {
            "az.ai.openai" => "azure.ai.openai",
            "az.ai.inference" => "azure.ai.inference",
            "gemini" => "gcp.gemini",
            "vertex_ai" => "gcp.vertex_ai",
            var provider => provider,
        };

    public static string? ModelOf(OtlpAttributes a) => a.Text(
        "gen_ai.response.model", "gen_ai.request.model", "llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name",
        "reranker.model_name", "ai.response.model", "ai.model.id", "llm.response.model", "llm.request.model", "llm.model", "model");

    /// <summary>Input counts have the cached tokens inside, as the convention asks; what Anthropic's own names bring has not.</summary>
    public static Usage? UsageOf(OtlpAttributes a)
    {
        var output = a.Tokens("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens",
            "ai.usage.outputTokens", "ai.usage.completionTokens");
        var usage = Usage.Split(
            a.Tokens("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
                "ai.usage.inputTokens", "ai.usage.promptTokens"),
            output,
            a.Tokens("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
                "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input", "ai.usage.cachedInputTokens"),
            a.Tokens("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
                "llm.token_count.prompt_details.cache_write"),
            cacheWrite1h: null,
            a.Tokens("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens",
                "llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens"),
            a.Tokens("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens", "ai.usage.tokens"),
            promptExcludesCache: false);
        return usage.IsEmpty ? null : usage;
    }

    public static TimeSpan? TimeToFirstTokenOf(OtlpAttributes a) =>
        (a.Number("gen_ai.response.time_to_first_chunk") * 1000
            ?? a.Number("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk", "llm.latency.ttft_ms", "llm.metrics.ttft_ms")) is { } ms
            && ms is >= 0 and <= Native.NativePayload.MostMilliseconds ? TimeSpan.FromMicroseconds(Math.Round(ms * 1000)) : null;

    public static JsonNode? InputOf(OtlpSpan span)
    {
        var a = span.Attributes;
        if (a.Json("gen_ai.input.messages") is { } messages)
            return a.Json("gen_ai.system_instructions") is { } system ? new JsonObject { ["system_instructions"] = system, ["messages"] = messages } : messages;
        return Said(span, "gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message", "gen_ai.content.prompt")
            ?? a.Numbered("gen_ai.prompt") ?? a.Numbered("llm.input_messages")
            ?? a.Json("gen_ai.prompt", "gen_ai.tool.call.arguments", "ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "traceloop.entity.input",
                "langfuse.observation.input", "input.value", "llm.prompts", "llm.prompt", "llm.request.prompt", "llm.request.payload", "gen_ai.retrieval.query.text",
                "mlflow.spanInputs", "lk.input_text", "genkit:input", "gcp.vertex.agent.llm_request", "pydantic_ai.all_messages", "tool_arguments", "mcp.request.argument");
    }

    public static JsonNode? OutputOf(OtlpSpan span)
    {
        var a = span.Attributes;
        return a.Json("gen_ai.output.messages") ?? Said(span, "gen_ai.choice", "gen_ai.content.completion")
            ?? a.Numbered("gen_ai.completion") ?? a.Numbered("llm.output_messages")
            ?? a.Json("gen_ai.completion", "gen_ai.tool.call.result", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.result.text",
                "ai.toolCall.result", "traceloop.entity.output", "langfuse.observation.output", "output.value", "llm.completion", "llm.response.content",
                "gen_ai.retrieval.documents", "mlflow.spanOutputs", "genkit:output", "gcp.vertex.agent.llm_response", "final_result", "tool_response", "mcp.response.value");
    }

    /// <summary>Messages that came as span events.</summary>
    static JsonArray? Said(OtlpSpan span, params string[] names)
    {
        var said = span.Events.Where(e => names.Contains(e.Name)).Select(e => (JsonNode?)new JsonObject(
            e.Attributes.Select(x => KeyValuePair.Create(x.Key, x.Value?.DeepClone())).Prepend(KeyValuePair.Create("event", (JsonNode?)e.Name)))).ToArray();
        return said.Length == 0 ? null : new(said);
    }
}

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>What went into a span and what came out of it, by the names every convention has for it: newest first.</summary>
internal static class OtlpTexts
{
    public static string? InputOf(OtlpSpan span) =>
        MessagesOf(span.Attributes)
        ?? Said(span, "gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message", "gen_ai.content.prompt")
        ?? InputOf(span.Attributes);

    public static string? OutputOf(OtlpSpan span) =>
        span.Attributes.Json("gen_ai.output.messages") ?? Said(span, "gen_ai.choice", "gen_ai.content.completion") ?? OutputOf(span.Attributes);

    /// <summary>Messages with the instructions before them, where there are any.</summary>
    public static string? MessagesOf(OtlpAttributes a) => (a.Json("gen_ai.system_instructions"), a.Json("gen_ai.input.messages")) switch
    {
        (null, var messages) => messages,
        (var system, null) => $$"""{"system_instructions":{{system}}}""",
        (var system, var messages) => $$"""{"system_instructions":{{system}},"messages":{{messages}}}""",
    };

    static string? InputOf(OtlpAttributes a) =>
        a.Numbered("gen_ai.prompt") ?? a.Numbered("llm.input_messages") ?? a.Json("gen_ai.prompt", "gen_ai.tool.call.arguments", "gen_ai.retrieval.query.text")
        ?? a.Json("llm.prompts") ?? a.Numbered("llm.prompts") ?? a.Json("ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.values", "ai.value")
        ?? a.Json("traceloop.entity.input", "langfuse.observation.input", "input.value", "tool.parameters", "llm.prompt", "llm.request.prompt", "llm.request.payload",
            "llm.request.first_message")
        ?? a.Numbered("embedding.embeddings") ?? a.Numbered("reranker.input_documents")
        ?? a.Json("reranker.query", "mlflow.spanInputs", "lk.input_text", "lk.chat_ctx", "genkit:input", "gcp.vertex.agent.llm_request",
            "pydantic_ai.all_messages", "all_messages_events", "pydantic_ai.all_messages_events", "events", "tool_arguments", "mcp.request.argument");

    static string? OutputOf(OtlpAttributes a) =>
        a.Numbered("gen_ai.completion") ?? a.Numbered("llm.output_messages")
        ?? a.Json("gen_ai.completion", "gen_ai.tool.call.result", "gen_ai.retrieval.documents") ?? a.Numbered("retrieval.documents") ?? a.Numbered("reranker.output_documents")
        ?? a.Json("llm.choices") ?? a.Numbered("llm.choices")
        ?? a.Json("ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.result.text", "ai.result.object", "ai.result.toolCalls", "ai.toolCall.result")
        ?? a.Json("traceloop.entity.output", "langfuse.observation.output", "output.value", "llm.completion", "llm.response.content",
            "mlflow.spanOutputs", "genkit:output", "gcp.vertex.agent.llm_response", "final_result", "tool_response", "mcp.response.value");

    /// <summary>The tools a model was offered.</summary>
    public static string? ToolsOf(OtlpAttributes a) =>
        a.Json("gen_ai.tool.definitions") ?? a.Numbered("llm.tools") ?? a.Numbered("llm.request.functions") ?? a.Json("ai.prompt.tools");

    /// <summary>Messages that came as span events.</summary>
    static string? Said(OtlpSpan span, params string[] names)
    {
        if (!span.Events.Any(e => names.Contains(e.Name))) return null;
        return OtlpValue.Written(json =>
        {
            json.WriteStartArray();
            foreach (var e in span.Events)
                if (names.Contains(e.Name)) e.Write(json, timed: false);
            json.WriteEndArray();
        });
    }
}

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>What kind of span it is, by the first convention that says so.</summary>
internal static class OtlpKinds
{
    public static string Of(OtlpSpan span)
    {
        var a = span.Attributes;
        return ByName(a.Text("langfuse.observation.type"))
            ?? ByName(a.Text("langsmith.span.kind"))
            ?? ByName(a.Text("openinference.span.kind"))
            ?? ByOperation(a.Text("gen_ai.operation.name"))
            ?? ByName(a.Text("traceloop.span.kind"))
            ?? ByName(a.Text("llm.request.type"))
            ?? ByName(a.Text("genkit:metadata:subtype"))
            ?? ByName(a.Text("lmnr.span.type"))
            ?? ByName(a.Text("llm.operation"))
            ?? ByVercel(a.Text("ai.operationId", "operation.name") ?? span.Name)
            ?? (a.Text("gen_ai.tool.name", "gen_ai.tool.call.id", "tool.name") is not null || a.Text("mcp.method.name") == "tools/call" ? "tool" : null)
            ?? (a.Text("db.system", "db.system.name") is not null && a.Names.Any(k => k.StartsWith("db.vector.query.", StringComparison.Ordinal)) ? "retriever" : null)
            ?? (OtlpFields.ModelOf(a) is not null ? "llm" : "span");
    }

    static string? ByName(string? name) => name?.ToLowerInvariant() switch
    {
        "llm" or "generation" or "chat" or "completion" or "model" => "llm",
        "embedding" or "embeddings" or "embedder" => "embedding",
        "tool" => "tool",
        "agent" => "agent",
        "chain" or "prompt" or "parser" or "workflow" or "task" or "flow" or "pipeline" => "chain",
        "retriever" => "retriever",
        "reranker" or "rerank" => "reranker",
        "guardrail" => "guardrail",
        "evaluator" => "evaluator",
        _ => null,
    };

    static string? ByOperation(string? operation) => operation switch
    {
        "chat" or "generate_content" or "text_completion" => "llm",
        "embeddings" => "embedding",
        "execute_tool" => "tool",
        "create_agent" or "invoke_agent" => "agent",
        "invoke_workflow" or "plan" => "chain",
        "retrieval" => "retriever",
        _ => null,
    };

    /// <summary>Vercel appends the function's id after a space.</summary>
    static string? ByVercel(string operation) => operation.Split(' ')[0] switch
    {
        "ai.generateText.doGenerate" or "ai.streamText.doStream" or "ai.generateObject.doGenerate" or "ai.streamObject.doStream" => "llm",
        "ai.embed.doEmbed" or "ai.embedMany.doEmbed" => "embedding",
        "ai.toolCall" => "tool",
        "ai.generateText" or "ai.streamText" or "ai.generateObject" or "ai.streamObject" or "ai.embed" or "ai.embedMany" => "chain",
        _ => null,
    };
}

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>What there is to know before sending an event, as JSON: types, fields, rules, examples.</summary>
internal static class WhyOpsHelp
{
    public static IResult Get() => WhyOpsAnswers.Json(200, Help);

    static readonly object Help = new
    {
        endpoints = new
        {
            ingest = "POST /api/events/ingest: one event or an array; 202 {success, accepted, queuedCount}",
            save = "POST /api/events: one event or an array; 201 with the result of each, in order",
            toolResult = "POST /api/events/tool-result: an event without eventType, taken for a tool_call_response",
            init = "POST /api/entities/init: {agentName, metadata: {systemPrompt, tools, description?}}",
        },
        authentication = "Authorization: Bearer <key>, or X-API-Key: <key>. The key alone decides the project and environment.",
        eventTypes = new
        {
            user_message = "content {messages: [{role, content}]}",
            llm_response = "content {content?, toolCalls?, finishReason?}; metadata {model, provider, usage?, latencyMs?}, the first two required",
            llm_thinking = "content {type: \"thinking\", thinking, signature?}",
            embedding_request = "content {input: [text]}",
            embedding_response = "content {object, embeddingCount, firstEmbeddingDimensions, encodingFormat}; metadata as of llm_response",
            tool_call_request = "content {toolCalls: [{name, arguments}]}; metadata {tool, latencyMs?}, tool required",
            tool_call_response = "content {toolCalls, toolResults}; metadata {tool, latencyMs?}, tool required; the spanId of its request",
            tool_result = "content {toolName, output}",
            tool_call = "legacy: stored as a tool_call_request and a tool_call_response with one span",
            error = "content {message, status?, stack?}",
        },
        fields = new
        {
            eventType = "required; one of eventTypes",
            traceId = $"required; text of 1 to {WhyOpsRules.LongestTraceId} characters",
            agentName = $"required; text of 1 to {WhyOpsRules.LongestAgentName} characters; a trace belongs to the agent of its first event",
            spanId = $"text of at most {WhyOpsRules.LongestSpanId} characters; given by the server when absent",
            stepId = "integer from 1; the next step of the trace when absent",
            parentStepId = "integer from 1, together with stepId; the step before when absent",
            timestamp = "ISO 8601 in UTC, ending in Z; now when absent",
            content = "any JSON",
            metadata = "object; token counts in usage are integers from 0 to 9007199254740991, null is unknown",
            externalUserId = $"text of at most {WhyOpsRules.LongestUser} characters; else the header X-External-User-Id",
            idempotencyKey = $"text of at most {WhyOpsRules.LongestIdempotencyKey} characters; the same key in the same trace is stored once",
            userId = "UUID, ignored; likewise projectId, environmentId, providerId",
        },
        usage = new[]
        {
            "promptTokens", "completionTokens", "totalTokens", "cacheReadTokens", "cacheCreationTokens", "cacheWrite5mTokens", "cacheWrite1hTokens",
        },
        rules = new[]
        {
            "A success is answered after the commit: what was accepted is durable. X-Log-Position says where.",
            "Without idempotencyKey every event is stored, equal ones too.",
            "A bad element of an array does not refuse its neighbours: the answer is 400, details name index and field, stored what is durable.",
            "An event of another agent than its trace's is answered 409.",
            "Nothing is sampled.",
        },
        limits = new { bodyBytes = WhyOpsEvents.MostBodyBytes, eventBytes = WhyOpsEvents.MostEventBytes, events = WhyOpsEvents.MostEvents },
        examples = new object[]
        {
            new
            {
                eventType = "user_message",
                traceId = "session-123",
                agentName = "support-agent",
                content = new { messages = new[] { new { role = "user", content = "Reset my password." } } },
                externalUserId = "user_12345",
            },
            new
            {
                eventType = "tool_call_request",
                traceId = "session-123",
                agentName = "support-agent",
                spanId = "c92df7f1-4915-43cd-ac72-f75155c43184",
                content = new { toolCalls = new[] { new { name = "search_orders", arguments = new { orderId = "123" } } } },
                metadata = new { tool = "search_orders", latencyMs = 11 },
            },
            new
            {
                eventType = "llm_response",
                traceId = "session-123",
                agentName = "support-agent",
                content = new { content = "Your order has shipped.", finishReason = "stop" },
                metadata = new
                {
                    model = "openai/gpt-4o-mini",
                    provider = "openai",
                    usage = new { promptTokens = 42, completionTokens = 16, totalTokens = 58 },
                    latencyMs = 390,
                },
            },
        },
    };
}

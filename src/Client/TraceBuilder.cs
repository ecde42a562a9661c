namespace Hindcast.Client;

/// <summary>Writes what an application does of one trace. Each method has two forms: see <see cref="HindcastClient"/>.</summary>
public sealed class TraceBuilder
{
    readonly HindcastClient _client;

    internal TraceBuilder(HindcastClient client, string id) => (_client, Id) = (client, id);

    /// <summary>The same for all who work on the trace, the gateway too (<c>X-Trace-ID</c>).</summary>
    public string Id { get; }

    /// <summary>Logs messages as they were put together for a model, by a user or the system.</summary>
    public void UserMessage(IEnumerable<Message> messages, object? metadata = null, EventOptions? options = null) =>
        Send("user_message", new { messages }, metadata, options);

    /// <inheritdoc cref="UserMessage"/>
    public Task UserMessageAsync(IEnumerable<Message> messages, object? metadata = null, EventOptions? options = null) =>
        SendAsync("user_message", new { messages }, metadata, options);

    /// <summary>Logs what a model answered, why it stopped, its tokens and how long it took (ms).</summary>
    public void LlmResponse(
        string model, string provider, object? content, object? toolCalls = null, string? finishReason = null, TokenUsage? usage = null, double? latencyMs = null, EventOptions? options = null) =>
        Send("llm_response", new { content, toolCalls, finishReason }, new { model, provider, usage, latencyMs }, options);

    /// <inheritdoc cref="LlmResponse"/>
    public Task LlmResponseAsync(
        string model, string provider, object? content, object? toolCalls = null, string? finishReason = null, TokenUsage? usage = null, double? latencyMs = null, EventOptions? options = null) =>
        SendAsync("llm_response", new { content, toolCalls, finishReason }, new { model, provider, usage, latencyMs }, options);

    /// <summary>Logs what a model thought aloud.</summary>
    public void LlmThinking(string thinking, string? signature = null, EventOptions? options = null) =>
        Send("llm_thinking", new { type = "thinking", thinking, signature }, null, options);

    /// <inheritdoc cref="LlmThinking"/>
    public Task LlmThinkingAsync(string thinking, string? signature = null, EventOptions? options = null) =>
        SendAsync("llm_thinking", new { type = "thinking", thinking, signature }, null, options);

    /// <summary>Logs the texts that are to be embedded.</summary>
    public void EmbeddingRequest(IEnumerable<string> inputs, EventOptions? options = null) => Send("embedding_request", new { input = inputs }, null, options);

    /// <inheritdoc cref="EmbeddingRequest"/>
    public Task EmbeddingRequestAsync(IEnumerable<string> inputs, EventOptions? options = null) => SendAsync("embedding_request", new { input = inputs }, null, options);

    /// <summary>Logs how many embeddings came back, and of what size.</summary>
    public void EmbeddingResponse(
        string model, string provider, int embeddingCount, int firstEmbeddingDimensions, long? totalTokens = null, double? latencyMs = null, EventOptions? options = null) =>
        Send("embedding_response", Embedded(embeddingCount, firstEmbeddingDimensions), Embedding(model, provider, totalTokens, latencyMs), options);

    /// <inheritdoc cref="EmbeddingResponse"/>
    public Task EmbeddingResponseAsync(
        string model, string provider, int embeddingCount, int firstEmbeddingDimensions, long? totalTokens = null, double? latencyMs = null, EventOptions? options = null) =>
        SendAsync("embedding_response", Embedded(embeddingCount, firstEmbeddingDimensions), Embedding(model, provider, totalTokens, latencyMs), options);

    /// <summary>Opens the span of a tool's call.</summary>
    /// <returns>The id of the span, which the response names.</returns>
    public string ToolCallRequest(string tool, IEnumerable<ToolCall> toolCalls, double? latencyMs = null, string? requestedAt = null, EventOptions? options = null)
    {
        var span = options?.SpanId ?? NewSpanId();
        Send("tool_call_request", new { toolCalls, requestedAt }, new { tool, latencyMs }, (options ?? new()) with { SpanId = span });
        return span;
    }

    /// <inheritdoc cref="ToolCallRequest"/>
    public async Task<string> ToolCallRequestAsync(string tool, IEnumerable<ToolCall> toolCalls, double? latencyMs = null, string? requestedAt = null, EventOptions? options = null)
    {
        var span = options?.SpanId ?? NewSpanId();
        await SendAsync("tool_call_request", new { toolCalls, requestedAt }, new { tool, latencyMs }, (options ?? new()) with { SpanId = span }).ConfigureAwait(false);
        return span;
    }

    /// <summary>Closes the span of a tool's call.</summary>
    public void ToolCallResponse(
        string tool, string spanId, IEnumerable<ToolCall> toolCalls, object? toolResults, double? latencyMs = null, string? respondedAt = null, EventOptions? options = null) =>
        Send("tool_call_response", new { toolCalls, toolResults, respondedAt }, new { tool, latencyMs }, (options ?? new()) with { SpanId = spanId });

    /// <inheritdoc cref="ToolCallResponse"/>
    public Task ToolCallResponseAsync(
        string tool, string spanId, IEnumerable<ToolCall> toolCalls, object? toolResults, double? latencyMs = null, string? respondedAt = null, EventOptions? options = null) =>
        SendAsync("tool_call_response", new { toolCalls, toolResults, respondedAt }, new { tool, latencyMs }, (options ?? new()) with { SpanId = spanId });

    /// <summary>Logs a tool's output as it was given back to the model.</summary>
    public void ToolResult(string toolName, object? output, EventOptions? options = null) => Send("tool_result", new { toolName, output }, null, options);

    /// <inheritdoc cref="ToolResult"/>
    public Task ToolResultAsync(string toolName, object? output, EventOptions? options = null) => SendAsync("tool_result", new { toolName, output }, null, options);

    /// <summary>Logs what failed, in the application or at a provider.</summary>
    public void Error(string message, int? status = null, string? stack = null, EventOptions? options = null) => Send("error", new { message, status, stack }, null, options);

    /// <inheritdoc cref="Error"/>
    public Task ErrorAsync(string message, int? status = null, string? stack = null, EventOptions? options = null) => SendAsync("error", new { message, status, stack }, null, options);

    /// <summary>A span for a piece of work (a job, a queue, a tool), open until it is disposed of: <c>using var span = trace.Span("charge_card", order);</c></summary>
    public TraceSpan Span(string name, object? input = null) => new(this, name, input, parent: null);

    internal void Send(string type, object? content, object? metadata, EventOptions? options) => _client.Send(Id, type, content, metadata, options);

    internal static string NewSpanId() => Guid.NewGuid().ToString();

    Task SendAsync(string type, object? content, object? metadata, EventOptions? options) => _client.SendAsync(Id, type, content, metadata, options);

    static object Embedded(int embeddingCount, int firstEmbeddingDimensions) => new { @object = "list", embeddingCount, firstEmbeddingDimensions, encodingFormat = "float" };

    static object Embedding(string model, string provider, long? totalTokens, double? latencyMs) =>
        new { model, provider, usage = totalTokens is null ? null : new TokenUsage { TotalTokens = totalTokens }, latencyMs };
}

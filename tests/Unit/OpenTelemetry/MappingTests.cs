using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.OpenTelemetry;

/// <summary>Line by line what the conventions say, and what a span becomes by it.</summary>
public sealed class MappingTests
{
    [Theory]
    [InlineData("gen_ai.operation.name", "chat", "llm")]
    [InlineData("gen_ai.operation.name", "generate_content", "llm")]
    [InlineData("gen_ai.operation.name", "text_completion", "llm")]
    [InlineData("gen_ai.operation.name", "embeddings", "embedding")]
    [InlineData("gen_ai.operation.name", "execute_tool", "tool")]
    [InlineData("gen_ai.operation.name", "create_agent", "agent")]
    [InlineData("gen_ai.operation.name", "invoke_agent", "agent")]
    [InlineData("gen_ai.operation.name", "invoke_workflow", "chain")]
    [InlineData("gen_ai.operation.name", "plan", "chain")]
    [InlineData("gen_ai.operation.name", "retrieval", "retriever")]
    [InlineData("openinference.span.kind", "LLM", "llm")]
    [InlineData("openinference.span.kind", "EMBEDDING", "embedding")]
    [InlineData("openinference.span.kind", "TOOL", "tool")]
    [InlineData("openinference.span.kind", "AGENT", "agent")]
    [InlineData("openinference.span.kind", "CHAIN", "chain")]
    [InlineData("openinference.span.kind", "PROMPT", "chain")]
    [InlineData("openinference.span.kind", "RETRIEVER", "retriever")]
    [InlineData("openinference.span.kind", "RERANKER", "reranker")]
    [InlineData("openinference.span.kind", "GUARDRAIL", "guardrail")]
    [InlineData("openinference.span.kind", "EVALUATOR", "evaluator")]
    [InlineData("openinference.span.kind", "SOMETHING", "span")]
    [InlineData("llm.request.type", "chat", "llm")]
    [InlineData("llm.request.type", "completion", "llm")]
    [InlineData("llm.request.type", "embedding", "embedding")]
    [InlineData("llm.request.type", "rerank", "reranker")]
    [InlineData("traceloop.span.kind", "workflow", "chain")]
    [InlineData("traceloop.span.kind", "task", "chain")]
    [InlineData("traceloop.span.kind", "agent", "agent")]
    [InlineData("traceloop.span.kind", "tool", "tool")]
    [InlineData("ai.operationId", "ai.generateText.doGenerate", "llm")]
    [InlineData("ai.operationId", "ai.streamText.doStream", "llm")]
    [InlineData("operation.name", "ai.generateObject.doGenerate my-function", "llm")]
    [InlineData("ai.operationId", "ai.streamObject.doStream", "llm")]
    [InlineData("ai.operationId", "ai.embed.doEmbed", "embedding")]
    [InlineData("ai.operationId", "ai.embedMany.doEmbed", "embedding")]
    [InlineData("ai.operationId", "ai.toolCall", "tool")]
    [InlineData("ai.operationId", "ai.generateText", "chain")]
    [InlineData("langsmith.span.kind", "llm", "llm")]
    [InlineData("langsmith.span.kind", "parser", "chain")]
    [InlineData("langsmith.span.kind", "retriever", "retriever")]
    [InlineData("langfuse.observation.type", "generation", "llm")]
    [InlineData("langfuse.observation.type", "agent", "agent")]
    [InlineData("langfuse.observation.type", "guardrail", "guardrail")]
    [InlineData("genkit:metadata:subtype", "model", "llm")]
    [InlineData("lmnr.span.type", "LLM", "llm")]
    [InlineData("mcp.method.name", "tools/call", "tool")]
    [InlineData("gen_ai.tool.name", "lookup", "tool")]
    [InlineData("gen_ai.tool.call.id", "call_1", "tool")]
    [InlineData("gen_ai.request.model", "gpt-4o", "llm")]
    [InlineData("http.request.method", "GET", "span")]
    public void Kind(string name, string value, string kind) => Exports.Read(new() { [name] = value }).Kind.Should().Be(kind);

    [Fact]
    public void A_search_in_a_vector_store_is_a_retriever() =>
        Exports.Read(new() { ["db.system"] = "chroma", ["db.vector.query.top_k"] = 5 }).Kind.Should().Be("retriever");

    [Fact]
    public void Kinds_stand_in_order_of_precedence() =>
        Exports.Read(new() { ["gen_ai.tool.name"] = "x", ["gen_ai.operation.name"] = "chat", ["openinference.span.kind"] = "CHAIN", ["langfuse.observation.type"] = "agent" })
            .Kind.Should().Be("agent");

    public static TheoryData<string, Dictionary<string, object>> Generations => new()
    {
        { "newest", new() { ["gen_ai.provider.name"] = "openai", ["gen_ai.response.model"] = "gpt-4o", ["gen_ai.usage.input_tokens"] = 100, ["gen_ai.usage.output_tokens"] = 20, ["gen_ai.usage.cache_read.input_tokens"] = 40, ["gen_ai.usage.cache_write.input_tokens"] = 10, ["gen_ai.usage.reasoning.output_tokens"] = 5 } },
        { "snapshot", new() { ["gen_ai.provider.name"] = "openai", ["gen_ai.request.model"] = "gpt-4o", ["gen_ai.usage.input_tokens"] = 100, ["gen_ai.usage.output_tokens"] = 20, ["gen_ai.usage.cache_read.input_tokens"] = 40, ["gen_ai.usage.cache_creation.input_tokens"] = 10, ["gen_ai.usage.reasoning.output_tokens"] = 5 } },
        { "1.36", new() { ["gen_ai.system"] = "openai", ["gen_ai.response.model"] = "gpt-4o", ["gen_ai.usage.prompt_tokens"] = 100, ["gen_ai.usage.completion_tokens"] = 20, ["gen_ai.usage.cache_read_input_tokens"] = 40, ["gen_ai.usage.cache_creation_input_tokens"] = 10, ["gen_ai.usage.reasoning_tokens"] = 5 } },
        { "OpenInference", new() { ["llm.provider"] = "openai", ["llm.model_name"] = "gpt-4o", ["llm.token_count.prompt"] = 100, ["llm.token_count.completion"] = 20, ["llm.token_count.prompt_details.cache_read"] = 40, ["llm.token_count.prompt_details.cache_write"] = 10, ["llm.token_count.completion_details.reasoning"] = 5, ["llm.token_count.total"] = 120 } },
        { "OpenLLMetry", new() { ["gen_ai.system"] = "OpenAI", ["gen_ai.request.model"] = "gpt-4", ["gen_ai.response.model"] = "gpt-4o", ["gen_ai.usage.input_tokens"] = 100, ["gen_ai.usage.output_tokens"] = 20, ["gen_ai.usage.cache_read_input_tokens"] = 40, ["gen_ai.usage.cache_creation_input_tokens"] = 10, ["llm.usage.total_tokens"] = 120, ["llm.usage.reasoning_tokens"] = 5 } },
        { "Vercel", new() { ["ai.model.provider"] = "openai.chat", ["ai.model.id"] = "gpt-4o", ["ai.usage.inputTokens"] = 100, ["ai.usage.outputTokens"] = 20, ["ai.usage.cachedInputTokens"] = 40, ["ai.usage.reasoningTokens"] = 5, ["ai.response.providerMetadata"] = """{"anthropic":{"cacheCreationInputTokens":10}}""" } },
    };

    [Theory, MemberData(nameof(Generations))]
    public void Provider_model_and_tokens(string generation, Dictionary<string, object> attributes)
    {
        var span = Exports.Read(attributes);
        (span.Provider, span.Model).Should().Be(("openai", "gpt-4o"), generation);
        span.Usage.Should().Be(new Usage { Input = 50, CacheRead = 40, CacheWrite5m = 10, Output = 20, Reasoning = 5 }, generation);
    }

    [Theory]
    [InlineData("az.ai.openai", "azure.ai.openai")]
    [InlineData("az.ai.inference", "azure.ai.inference")]
    [InlineData("gemini", "gcp.gemini")]
    [InlineData("vertex_ai", "gcp.vertex_ai")]
    [InlineData("anthropic.messages", "anthropic")]
    public void Providers_are_spelled_one_way(string sent, string stored) => Exports.Read(new() { ["gen_ai.system"] = sent }).Provider.Should().Be(stored);

    [Fact]
    public void An_address_stands_for_the_provider_of_a_model_and_of_nothing_else()
    {
        Exports.Read(new() { ["gen_ai.request.model"] = "llama", ["server.address"] = "llm.internal" }).Provider.Should().Be("llm.internal");
        Exports.Read(new() { ["http.request.method"] = "GET", ["server.address"] = "shop.internal" }).Provider.Should().BeNull();
    }

    public static TheoryData<string, Dictionary<string, object>, string, string> Texts => new()
    {
        { "GenAI", new() { ["gen_ai.system_instructions"] = """[{"type":"text","content":"Be brief."}]""", ["gen_ai.input.messages"] = """[{"role":"user"}]""", ["gen_ai.output.messages"] = """[{"role":"assistant"}]""" },
            """{"system_instructions":[{"type":"text","content":"Be brief."}],"messages":[{"role":"user"}]}""", """[{"role":"assistant"}]""" },
        { "OpenLLMetry", new() { ["gen_ai.prompt.0.role"] = "user", ["gen_ai.prompt.0.content"] = "Hi", ["gen_ai.completion.0.role"] = "assistant", ["gen_ai.completion.0.tool_calls.0.name"] = "lookup", ["gen_ai.completion.0.finish_reason"] = "stop" },
            """[{"role":"user","content":"Hi"}]""", """[{"role":"assistant","tool_calls":[{"name":"lookup"}],"finish_reason":"stop"}]""" },
        { "OpenInference", new() { ["llm.input_messages.0.message.role"] = "user", ["llm.input_messages.0.message.contents.0.message_content.type"] = "text", ["llm.input_messages.0.message.contents.0.message_content.text"] = "Hi", ["llm.output_messages.0.message.role"] = "assistant", ["llm.output_messages.0.message.tool_calls.0.tool_call.function.name"] = "lookup", ["llm.output_messages.0.message.tool_calls.0.tool_call.id"] = "c1" },
            """[{"role":"user","contents":[{"type":"text","text":"Hi"}]}]""", """[{"role":"assistant","tool_calls":[{"function":{"name":"lookup"},"id":"c1"}]}]""" },
        { "OpenInference values", new() { ["input.value"] = """{"question":"Hi"}""", ["input.mime_type"] = "application/json", ["output.value"] = "Hello" }, """{"question":"Hi"}""", "\"Hello\"" },
        { "retriever", new() { ["openinference.span.kind"] = "RETRIEVER", ["input.value"] = "boots", ["retrieval.documents.1.document.id"] = "b", ["retrieval.documents.0.document.id"] = "a", ["retrieval.documents.0.document.score"] = 0.5 },
            "\"boots\"", """[{"id":"a","score":0.5},{"id":"b"}]""" },
        { "tool", new() { ["gen_ai.operation.name"] = "execute_tool", ["gen_ai.tool.call.arguments"] = """{"id":1}""", ["gen_ai.tool.call.result"] = "shipped" }, """{"id":1}""", "\"shipped\"" },
        { "Traceloop", new() { ["traceloop.entity.input"] = """{"a":1}""", ["traceloop.entity.output"] = "done" }, """{"a":1}""", "\"done\"" },
        { "Vercel", new() { ["ai.prompt.messages"] = """[{"role":"user"}]""", ["ai.response.text"] = "", ["ai.response.toolCalls"] = """[{"toolName":"x"}]""" }, """[{"role":"user"}]""", """[{"toolName":"x"}]""" },
        { "Observatory npm", new() { ["llm.prompt"] = "Hi", ["llm.completion"] = "Hello" }, "\"Hi\"", "\"Hello\"" },
        { "Observatory Python", new() { ["llm.request.prompt"] = "Hi", ["llm.response.content"] = "Hello" }, "\"Hi\"", "\"Hello\"" },
        { "mlflow", new() { ["mlflow.spanInputs"] = """{"q":1}""", ["mlflow.spanOutputs"] = "2" }, """{"q":1}""", "\"2\"" },
        { "not JSON after all", new() { ["input.value"] = "[click](here)", ["output.value"] = """{"a":1,"a":2}""" }, "\"[click](here)\"", """
            "{\"a\":1,\"a\":2}"
            """ },
    };

    [Theory, MemberData(nameof(Texts))]
    public void Input_and_output(string convention, Dictionary<string, object> attributes, string input, string output)
    {
        var span = Exports.Read(attributes);
        (span.Input, span.Output).Should().Be((input, output), convention);
        span.Attributes.Keys.Should().NotContain(k => k.Contains("messages", StringComparison.Ordinal) || k.Contains("documents", StringComparison.Ordinal), "what has become a text is not shown twice");
    }

    [Fact]
    public void Messages_may_come_as_events_of_the_span()
    {
        var span = Exports.Read(new() { ["gen_ai.system"] = "openai" }, events:
        [
            Exports.Event("gen_ai.user.message", new Dictionary<string, object> { ["content"] = "Hi" }),
            Exports.Event("gen_ai.choice", new Dictionary<string, object> { ["message"] = """{"content":"Hello"}""" }),
        ]);
        span.Input.Should().Be("""[{"event":"gen_ai.user.message","content":"Hi"}]""");
        JsonDocument.Parse(span.Output!).RootElement[0].GetProperty("event").GetString().Should().Be("gen_ai.choice");
    }

    [Theory]
    [InlineData("gen_ai.response.time_to_first_chunk", 0.25, 250)]
    [InlineData("ai.response.msToFirstChunk", 250.0, 250)]
    [InlineData("ai.stream.msToFirstChunk", 250.0, 250)]
    [InlineData("llm.latency.ttft_ms", 250.0, 250)]
    [InlineData("llm.metrics.ttft_ms", 250.0, 250)]
    public void Time_to_first_token(string name, double value, double ms) => Exports.Read(new() { [name] = value }).TimeToFirstToken.Should().Be(TimeSpan.FromMilliseconds(ms));

    [Fact]
    public void The_first_piece_of_an_answer_tells_the_time_to_it() =>
        Exports.Read([], events: [Exports.Event("llm.content.completion.chunk", at: 0.3), Exports.Event("llm.content.completion.chunk", at: 0.4)])
            .TimeToFirstToken.Should().Be(TimeSpan.FromMilliseconds(300));

    [Theory]
    [InlineData("user.id"), InlineData("enduser.id"), InlineData("traceloop.association.properties.user_id"), InlineData("gen_ai.user"), InlineData("llm.user"), InlineData("llm.user.id")]
    [InlineData("langfuse.user.id"), InlineData("ai.telemetry.metadata.userId")]
    public void User(string name) => Exports.Read(new() { [name] = "u1" }).UserId.Should().Be("u1");

    [Theory]
    [InlineData("gen_ai.conversation.id"), InlineData("session.id"), InlineData("traceloop.association.properties.session_id"), InlineData("traceloop.association.properties.chat_id")]
    [InlineData("llm.session.id"), InlineData("langfuse.session.id"), InlineData("langsmith.trace.session_id"), InlineData("ai.telemetry.metadata.sessionId")]
    public void Session(string name) => Exports.Read(new() { [name] = "s1" }).SessionId.Should().Be("s1");

    [Theory]
    [InlineData("gen_ai.agent.name"), InlineData("agent.name"), InlineData("gen_ai.workflow.name"), InlineData("traceloop.workflow.name")]
    public void Agent(string name) => Exports.Read(new() { [name] = "planner" }).Agent.Should().Be("planner");

    [Fact]
    public void What_the_resource_says_holds_for_its_spans()
    {
        var span = Exports.Read([]);
        (span.Agent, span.Environment).Should().Be(("shop", "production"));
        Exports.Read(new() { ["llm.environment"] = "staging" }).Environment.Should().Be("staging");
    }

    public static TheoryData<object> Tags => new() { new[] { "a", "b" }, "[\"a\",\"b\"]", "a, b" };

    [Theory, MemberData(nameof(Tags))]
    public void Tags_come_in_three_ways(object tags) => Exports.Read(new() { ["llm.tags"] = tags }).Attributes["tags"].Value.Should().Be("""["a","b"]""");

    [Fact]
    public void A_failure_says_why()
    {
        Exports.Read([], status: new { code = 2, message = "timeout" }).Error.Should().Be("timeout");
        Exports.Read(new() { ["error.type"] = "TimeoutError" }, status: new { code = "STATUS_CODE_ERROR" }).Error.Should().Be("TimeoutError");
        var thrown = Exports.Read([], status: new { code = 2 }, events: [Exports.Event("exception", new Dictionary<string, object> { ["exception.message"] = "no such order", ["exception.stacktrace"] = "at x" })]);
        (thrown.Status, thrown.Error).Should().Be((SpanStatus.Error, "no such order"));
        thrown.Attributes["otel.events"].Value.Should().Contain("at x");
        Exports.Read([], events: [Exports.Event("exception", new Dictionary<string, object> { ["exception.message"] = "caught" })]).Status.Should().Be(SpanStatus.Success);
    }

    [Fact]
    public void Attributes_are_shown_up_to_the_limit_and_the_rest_is_counted()
    {
        var span = Exports.Read(Enumerable.Range(0, 200).ToDictionary(i => $"a{i:d3}", i => (object)i).Append(new(new string('k', 300), "x")).ToDictionary());
        span.Attributes.Should().HaveCount(TraceRules.MostAttributes);
        span.Attributes["otel.dropped_attributes_count"].Value.Should().Be("74");
    }

    [Fact]
    public void Harm_in_values_is_shown_and_said()
    {
        var span = Exports.Read(new() { ["input.value"] = "a\0b" });
        (span.Input, span.Sanitised).Should().Be(("\"a\uFFFDb\"", true));
    }
}

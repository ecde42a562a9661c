using System.Text.Json;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.WhyOps;

public sealed class WhyOpsPayloadTests
{
    static Reading Read(string type, string content, string metadata = "{}", bool texts = true, string? eventType = null)
    {
        using var payload = JsonDocument.Parse(
            $$"""{"eventType":"{{eventType ?? type}}","traceId":"t","agentName":"agent","externalUserId":"user_1","content":{{content}},"metadata":{{metadata}}}""");
        return new WhyOpsPayload().Read(type, payload.RootElement, texts);
    }

    static Usage? UsageOf(string usage, string provider = "openai", string model = "gpt", string type = "llm_response") =>
        Read(type, "{}", $$"""{"model":"{{model}}","provider":"{{provider}}","usage":{{usage}}}""", texts: false).Usage;

    [Fact]
    public void The_cache_example_of_the_documentation_adds_up()
    {
        var usage = UsageOf(
            """{"promptTokens":1200,"completionTokens":240,"totalTokens":9940,"cacheReadTokens":8200,"cacheCreationTokens":300}""",
            "anthropic", "anthropic/claude-sonnet-4-5")!;

        usage.Should().Be(new Usage { Input = 1200, CacheRead = 8200, CacheWrite5m = 300, Output = 240 });
        usage.Total.Should().Be(9940);
    }

    [Fact]
    public void Usage_is_read_in_every_spelling()
    {
        var expected = new Usage { Input = 10, CacheRead = 3, CacheWrite5m = 2, Output = 5 };
        UsageOf("""{"inputTokens":10,"outputTokens":5,"cacheReadTokens":3,"cacheWriteTokens":2}""", "anthropic").Should().Be(expected);
        UsageOf("""{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":2}""", "x", "claude").Should().Be(expected);
        UsageOf("""{"promptTokens":15,"completionTokens":5,"cacheReadTokens":3,"cacheWrite5mTokens":2,"totalTokens":20}""").Should().Be(expected);
        Read("llm_response", "{}", """{"promptTokens":7,"completionTokens":1}""").Usage.Should().Be(new Usage { Input = 7, Output = 1 });
        UsageOf("""{"promptTokens":null,"inputTokens":4.0}""").Should().Be(new Usage { Input = 4 });
    }

    [Fact]
    public void Cache_writes_are_split_as_told_and_the_rest_goes_to_the_kind_that_is_not()
    {
        UsageOf("""{"inputTokens":1,"cacheCreationTokens":9,"cacheWrite1hTokens":4}""", "anthropic").Should().Be(new Usage { Input = 1, CacheWrite5m = 5, CacheWrite1h = 4 });
        UsageOf("""{"inputTokens":1,"cacheCreationTokens":9,"cacheWrite5mTokens":4}""", "anthropic").Should().Be(new Usage { Input = 1, CacheWrite5m = 4, CacheWrite1h = 5 });
        UsageOf("""{"inputTokens":1,"cacheCreationTokens":9,"cacheWrite5mTokens":6,"cacheWrite1hTokens":3}""", "anthropic")
            .Should().Be(new Usage { Input = 1, CacheWrite5m = 6, CacheWrite1h = 3 });
        UsageOf("""{"cacheWrite5mTokens":6,"cacheCreationTokens":6}""").Should().Be(new Usage { CacheWrite5m = 6 });
    }

    [Fact]
    public void An_embedding_s_total_is_its_input()
    {
        UsageOf("""{"totalTokens":12}""", type: "embedding_response").Should().Be(new Usage { Input = 12 });
        UsageOf("""{"prompt_tokens":12,"total_tokens":12}""", type: "embedding_response").Should().Be(new Usage { Input = 12 });
        UsageOf("""{"totalTokens":12}""").Should().Be(new Usage { Unsplit = 12 });
    }

    [Fact]
    public void Nothing_told_is_no_usage()
    {
        UsageOf("{}").Should().BeNull();
        UsageOf("null").Should().BeNull();
        Read("tool_call_request", "{}", """{"tool":"x","usage":{"promptTokens":3}}""").Usage.Should().BeNull();
    }

    [Fact]
    public void The_typed_part_of_a_model_s_answer()
    {
        var r = Read(
            "llm_response", """{"content":"Your order has shipped.","finishReason":"stop"}""",
            """{"model":"openai/gpt-4o-mini","provider":"openai","usage":{"promptTokens":42,"completionTokens":16,"totalTokens":58},"latencyMs":390.25,"providerSlug":"openai"}""");

        r.Should().BeEquivalentTo(new Reading
        {
            Kind = "llm",
            Model = "openai/gpt-4o-mini",
            Provider = "openai",
            Usage = new() { Input = 42, Output = 16 },
            Agent = "agent",
            UserId = "user_1",
            Latency = TimeSpan.FromMicroseconds(390_250),
            Output = "\"Your order has shipped.\"",
            Attributes = new Dictionary<string, string> { ["finishReason"] = "\"stop\"", ["providerSlug"] = "\"openai\"" },
        });
    }

    [Fact]
    public void At_the_door_no_text_is_read()
    {
        var r = Read("user_message", """{"messages":[]}""", """{"a":1}""", texts: false);
        (r.Input, r.Output, r.Attributes).Should().Be((null, null, null));
    }

    [Theory]
    [InlineData("llm_response", """{"content":"hi","toolCalls":[]}""", "\"hi\"")]
    [InlineData("llm_response", """{"content":null,"finishReason":"stop"}""", null)]
    [InlineData("llm_response", "{}", null)]
    [InlineData("llm_response", "null", null)]
    [InlineData("llm_response", """{"text":"hi"}""", "\"hi\"")]
    [InlineData("llm_response", "\"hi\"", "\"hi\"")]
    [InlineData("llm_response", """{"content":"hi","refusal":"no"}""", """{"content":"hi","refusal":"no"}""")]
    [InlineData("llm_response", """{"toolCalls":[{"id":"1"}]}""", """{"toolCalls":[{"id":"1"}]}""")]
    [InlineData("llm_response", """{"choices":[1]}""", """{"choices":[1]}""")]
    [InlineData("llm_thinking", """{"type":"thinking","thinking":"hm","signature":"s"}""", "\"hm\"")]
    [InlineData("llm_thinking", """{"type":"redacted_thinking","data":"x"}""", """{"type":"redacted_thinking","data":"x"}""")]
    [InlineData("embedding_response", """{"object":"list","embeddingCount":1}""", """{"object":"list","embeddingCount":1}""")]
    [InlineData("tool_call_response", """{"toolCalls":[{"name":"x","arguments":{"a":1}}],"toolResults":{"status":"shipped"}}""", """{"status":"shipped"}""")]
    [InlineData("tool_call_response", """{"toolCalls":[],"toolResults":false}""", "false")]
    [InlineData("tool_result", """{"toolName":"x","output":{"a":1}}""", """{"a":1}""")]
    [InlineData("tool_result", """{"tool_call_id":"x","content":"y"}""", """{"tool_call_id":"x","content":"y"}""")]
    public void What_came_out(string type, string content, string? output) => Read(type, content).Output.Should().Be(output);

    [Theory]
    [InlineData("user_message", """{"messages":[{"role":"user","content":"Hi"}]}""", """[{"role":"user","content":"Hi"}]""")]
    [InlineData("user_message", "\"Hi\"", "\"Hi\"")]
    [InlineData("user_message", """[{"role":"user"}]""", """[{"role":"user"}]""")]
    [InlineData("user_message", "null", null)]
    [InlineData("embedding_request", """{"input":["a","b"]}""", """["a","b"]""")]
    [InlineData("tool_call_request", """{"toolCalls":[{"name":"x","arguments":{"orderId":"123"}}],"requestedAt":"now"}""", """{"orderId":"123"}""")]
    [InlineData("tool_call_request", """{"toolCalls":[{"name":"x","arguments":{}},{"name":"y"}]}""", """[{"name":"x","arguments":{}},{"name":"y"}]""")]
    [InlineData("tool_call_request", """{"toolCalls":[{"function":{"name":"x","arguments":"{}"}}]}""", "\"{}\"")]
    [InlineData("tool_call_request", """{"query":"x"}""", """{"query":"x"}""")]
    [InlineData("tool_call_response", """{"toolCalls":[{"name":"x","arguments":{"a":1}}],"toolResults":1}""", """{"a":1}""")]
    public void What_went_in(string type, string content, string? input) => Read(type, content).Input.Should().Be(input);

    [Theory]
    [InlineData("""{"message":"boom","status":500,"stack":"at x"}""", "boom")]
    [InlineData("""{"error":"raw","status":429}""", "raw")]
    [InlineData("""{"error":{"message":"quota","type":"t"}}""", "quota")]
    [InlineData("\"boom\"", "boom")]
    [InlineData("{}", null)]
    public void Why_it_failed(string content, string? message)
    {
        var r = Read("error", content);
        (r.Error, r.ErrorDetail).Should().Be((message, content));
    }

    [Fact]
    public void A_tool_is_named_by_metadata_else_by_its_call()
    {
        Read("tool_call_request", """{"toolCalls":[{"name":"b"}]}""", """{"tool":"a"}""").Name.Should().Be("a");
        Read("tool_call_request", """{"toolCalls":[{"name":"b"}]}""", """{"tool":""}""").Name.Should().Be("b");
        Read("tool_result", """{"toolName":"c"}""").Name.Should().Be("c");
    }

    [Fact]
    public void Two_facts_of_a_legacy_tool_call_each_read_their_half()
    {
        const string Content = """{"toolCalls":[{"name":"x","arguments":{"a":1}}],"toolResults":"done"}""";
        var request = Read("tool_call_request", Content, eventType: "tool_call");
        var response = Read("tool_call_response", Content, eventType: "tool_call");

        (request.Input, request.Output).Should().Be(("""{"a":1}""", null));
        (response.Input, response.Output).Should().Be(("""{"a":1}""", "\"done\""));
        request.Attributes.Should().Equal(new Dictionary<string, string> { ["autoGenerated"] = "true", ["toolCallCount"] = "1" });
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("0.5", 500)]
    [InlineData("88", 88_000)]
    public void Latency_is_in_milliseconds(string ms, int micros) =>
        Read("tool_call_response", "{}", $$"""{"latencyMs":{{ms}}}""").Latency.Should().Be(TimeSpan.FromMicroseconds(micros));

    [Theory]
    [InlineData("-1")]
    [InlineData("\"fast\"")]
    [InlineData("1e300")]
    public void A_latency_nobody_can_believe_stays_an_attribute(string ms)
    {
        var r = Read("llm_response", "{}", $$"""{"latencyMs":{{ms}}}""");
        r.Latency.Should().BeNull();
        r.Attributes.Should().ContainKey("latencyMs").WhoseValue.Should().Be(ms);
    }

    [Fact]
    public void At_most_128_attributes_are_shown()
    {
        var metadata = "{" + string.Join(',', Enumerable.Range(0, 200).Select(i => $"\"k{i}\":{i}")) + "}";
        Read("user_message", "{}", metadata).Attributes.Should().HaveCount(128);
    }

    [Fact]
    public void Nul_and_half_surrogates_in_texts_are_shown_as_replaced()
    {
        var r = Read("llm_response", """{"content":"a\u0000b\ud800"}""");
        r.Sanitised.Should().BeTrue();
        JsonSerializer.Deserialize<string>(r.Output!).Should().Be("a\uFFFDb\uFFFD");
    }
}

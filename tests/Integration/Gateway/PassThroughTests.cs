using System.Text;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Gateway;

/// <summary>What goes through is what came, byte for byte, however it was cut; and what went through is in the log.</summary>
public sealed class PassThroughTests(GatewayHost host) : IClassFixture<GatewayHost>
{
    const string Question = """{ "model":"gpt-4o-mini",  "messages":[{"role":"user","content":"Hé 😀?"}], "unknown_member": {"a":[1.0,2e3]}, "temperature":0.1 }""";
    const string Reply = """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hi ✓","x_new":1},"finish_reason":"stop"}],"usage":{"prompt_tokens":1200,"completion_tokens":20,"total_tokens":1220,"prompt_tokens_details":{"cached_tokens":1000},"completion_tokens_details":{"reasoning_tokens":5}}}""";

    const string UsageChunk = """data: {"id":"chatcmpl-2","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}""" + "\n\n";

    static readonly string Chunks = string.Concat(
        """data: {"id":"chatcmpl-2","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}""" + "\n\n",
        ": a comment\n\n",
        """data: {"id":"chatcmpl-2","choices":[{"index":0,"delta":{"content":"Grüß 😀"},"finish_reason":null}]}""" + "\r\n\r\n",
        """data: {"id":"chatcmpl-2","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"find","arguments":"{\"q\":"}}]}}]}""" + "\n\n",
        """data: {"id":"chatcmpl-2","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}""" + "\n\n",
        """data: {"id":"chatcmpl-2","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""" + "\n\n");

    const string Done = "data: [DONE]\n\n";

    static string Trace() => $"t-{Guid.NewGuid():n}";

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/chat/completions")]
    public async Task A_whole_answer_passes_unchanged_and_is_recorded(string path)
    {
        var trace = Trace();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        var (status, body, headers) = await host.PostAsync(
            path, Question, ("X-Trace-ID", trace), ("X-Span-ID", "s-1"), ("X-Parent-Span-ID", "p-1"), ("X-External-User-Id", "u-1"), ("X-Agent-Name", "a-1"), ("X-Session-ID", "se-1"));

        status.Should().Be(200);
        GatewayHost.Text(body).Should().Be(Reply);
        headers["X-Trace-ID"].Should().Be(trace);
        headers["X-Trace-Recorded"].Should().Be("true");
        headers.Should().ContainKey("X-RateLimit-Remaining");

        var seen = host.Provider.Requests.Single();
        seen.Path.Should().Be("/v1/chat/completions");
        seen.Body.Should().Be(Question);
        seen.Headers["Authorization"].Should().Be($"Bearer {GatewayHost.OpenAiKey}");

        var facts = await host.FactsAsync(trace, 2);
        facts[0].Should().BeOfType<UserMessage>().Which.Input.Should().Be("""[{"role":"user","content":"Hé 😀?"}]""");
        var said = facts[1].Should().BeOfType<LlmResponse>().Subject;
        said.Output.Should().Be("\"Hi ✓\"");
        (said.SpanId, said.ParentSpanId, said.UserId, said.Agent, said.SessionId).Should().Be(("s-1", "p-1", "u-1", "a-1", "se-1"));
        (said.Provider, said.Model, said.Status).Should().Be(("openai", "gpt-4o-mini", SpanStatus.Success));
        said.Usage.Should().Be(new Usage { Input = 200, CacheRead = 1000, Output = 20, Reasoning = 5 });
        said.Attributes["usage_source"].Should().Be("\"reported\"");
        said.Attributes["gen_ai.response.id"].Should().Be("\"chatcmpl-1\"");
        facts[0].Attributes["temperature"].Should().Be("0.1");
    }

    public static TheoryData<int> Cuts => [1, 2, 3, 7, 50, 100_000];

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_stream_passes_unchanged_but_for_the_usage_nobody_asked_for(int size)
    {
        var trace = Trace();
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(Chunks + UsageChunk + Done).Chunk(size)));
        var (status, body, headers) = await host.PostAsync("/v1/chat/completions", """{"model":"openai/gpt-4o-mini","messages":[],"stream":true}""", ("X-Trace-ID", trace));

        status.Should().Be(200);
        headers["Content-Type"].Should().StartWith("text/event-stream");
        GatewayHost.Text(body).Should().Be(Chunks + Done);
        host.Provider.Requests.Single().Body.Should().Be("""{"stream_options":{"include_usage":true},"model":"gpt-4o-mini","messages":[],"stream":true}""");

        var said = (LlmResponse)(await host.FactsAsync(trace, 2))[1];
        said.Usage.Should().Be(new Usage { Input = 9, Output = 3 });
        var output = JsonDocument.Parse(said.Output!).RootElement;
        output.GetProperty("content").GetString().Should().Be("Grüß 😀");
        output.GetProperty("toolCalls")[0].GetProperty("function").GetProperty("arguments").GetString().Should().Be("{\"q\":1}");
        output.GetProperty("finishReason").GetString().Should().Be("tool_calls");
        said.TimeToFirstToken.Should().NotBeNull().And.BeLessThanOrEqualTo(said.Latency!.Value);
    }

    [Theory]
    [InlineData("""{"model":"gpt-4o-mini","messages":[],"stream":true,"stream_options":{"include_usage":true}}""")]
    [InlineData("""{"stream_options":{"x":1,"include_usage":true},"model":"gpt-4o-mini","messages":[],"stream":true}""")]
    public async Task Who_asks_for_usage_gets_it(string question)
    {
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(Chunks + UsageChunk + Done).Chunk(11)));
        var (_, body, _) = await host.PostAsync("/v1/chat/completions", question);
        GatewayHost.Text(body).Should().Be(Chunks + UsageChunk + Done);
        host.Provider.Requests.Single().Body.Should().Be(question);
    }

    [Fact]
    public async Task Made_ids_stand_in_the_order_of_time_and_are_all_different()
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var asked = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.PostAsync("/v1/chat/completions", Question)));
            made.AddRange(asked.Select(a => a.Headers["X-Trace-ID"]).Order(StringComparer.Ordinal));
            // Longer than the last digit of the time takes to come round.
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
        made.Should().OnlyHaveUniqueItems().And.AllSatisfy(id => id.Should().MatchRegex("^thread_[0-9A-Za-z]{16}$"));
        made.Should().BeInAscendingOrder(StringComparer.Ordinal, "tables and indexes are filled at their end");
    }

    [Fact]
    public async Task Each_trace_has_its_own_answer_however_many_come_at_once()
    {
        const int waves = 5, calls = 48;
        // From a few bytes to more than any buffer that is used again holds.
        static string Said(string call) => $"{call}:{new string((char)('a' + (call.GetHashCode(StringComparison.Ordinal) & 15)), (call.GetHashCode(StringComparison.Ordinal) & 0x7FFFFFFF) % 40_000)}";
        host.Provider.Reset((http, _) =>
        {
            var call = http.Request.Headers["Idempotency-Key"].ToString();
            return call.StartsWith("whole", StringComparison.Ordinal)
                ? FakeProvider.Json(http, 200, $$"""{"id":"c","choices":[{"index":0,"message":{"content":"{{Said(call)}}"},"finish_reason":"stop"}]}""")
                : FakeProvider.Stream(http, Said(call).Chunk(997).Select(part => Encoding.UTF8.GetBytes($$$"""data: {"id":"c","choices":[{"index":0,"delta":{"content":"{{{new string(part)}}}"}}]}""" + "\n\n")).Append(Encoding.UTF8.GetBytes(Done)));
        });
        for (var wave = 0; wave < waves; wave++)
        {
            var traces = Enumerable.Range(0, calls).Select(n => (Call: $"{(n % 2 == 0 ? "whole" : "stream")}-{wave}-{n}", Trace: Trace())).ToList();
            var answers = await Task.WhenAll(traces.Select(t => host.PostAsync(
                "/v1/chat/completions", $$"""{"model":"gpt-4o-mini","messages":[],"stream":{{(t.Call.StartsWith('s') ? "true" : "false")}}}""", ("X-Trace-ID", t.Trace), ("Idempotency-Key", t.Call))));
            answers.Should().OnlyContain(a => a.Status == 200);
            foreach (var (call, trace) in traces) ((LlmResponse)(await host.FactsAsync(trace, 2))[1]).Output.Should().Be($"\"{Said(call)}\"");
        }
    }

    [Fact]
    public async Task A_line_of_ten_mebibytes_passes()
    {
        var trace = Trace();
        var line = $$"""data: {"id":"c","choices":[{"index":0,"delta":{"content":"{{new string('x', 10 << 20)}}"},"finish_reason":"stop"}]}""" + "\n\n";
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(line + UsageChunk + Done).Chunk(1 << 20)));
        var (_, body, _) = await host.PostAsync("/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[],"stream":true}""", ("X-Trace-ID", trace));
        (GatewayHost.Text(body) == line + Done).Should().BeTrue();
        ((LlmResponse)(await host.FactsAsync(trace, 2))[1]).Output!.Length.Should().Be((10 << 20) + 2);
    }

    [Fact]
    public async Task Anthropics_stream_passes_unchanged_and_tells_its_thoughts_and_cache()
    {
        var trace = Trace();
        var stream = string.Concat(
            Event("message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"usage":{"input_tokens":12,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}"""),
            Event("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"""),
            Event("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}"""),
            Event("content_block_delta", """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"""),
            Event("content_block_start", """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"""),
            Event("ping", """{"type":"ping"}"""),
            Event("content_block_delta", """{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grüß 😀"}}"""),
            Event("message_delta", """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"""),
            Event("message_stop", """{"type":"message_stop"}"""));
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(stream).Chunk(13)));
        const string question = """{"model":"claude-sonnet-4-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"42"}]}]}""";
        using var request = GatewayHost.Request("/v1/messages", question, ("x-api-key", GatewayHost.Key), ("anthropic-beta", "b-1"), ("X-Trace-ID", trace));
        using var response = await host.Http.SendAsync(request, TestContext.Current.CancellationToken);

        (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Should().Be(stream);
        var seen = host.Provider.Requests.Single();
        (seen.Path, seen.Body, seen.Headers["x-api-key"], seen.Headers["anthropic-beta"], seen.Headers["anthropic-version"])
            .Should().Be(("/v1/messages", question, GatewayHost.AnthropicKey, "b-1", "2023-06-01"));
        seen.Headers.Should().NotContainKey("Authorization");

        var facts = await host.FactsAsync(trace, 3);
        facts[0].Should().BeOfType<ToolResult>();
        facts[1].Should().BeOfType<LlmThinking>().Which.Thinking.Should().Be("\"Hm.\"");
        var said = (LlmResponse)facts[2];
        said.Usage.Should().Be(new Usage { Input = 12, CacheRead = 100, CacheWrite5m = 10, CacheWrite1h = 20, Output = 15 });
        JsonDocument.Parse(said.Output!).RootElement.GetString().Should().Be("Grüß 😀");
        facts[1].ParentSpanId.Should().Be(said.SpanId);
    }

    [Fact]
    public async Task Responses_and_embeddings_pass_and_are_recorded()
    {
        var trace = Trace();
        const string response = """{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o-mini","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"T"}]},{"type":"message","content":[{"type":"output_text","text":"Yes"}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":16}}""";
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, response));
        var (_, body, _) = await host.PostAsync("/responses", """{"model":"gpt-4o-mini","input":"Is it?"}""", ("X-Trace-ID", trace));
        GatewayHost.Text(body).Should().Be(response);
        var facts = await host.FactsAsync(trace, 3);
        ((UserMessage)facts[0]).Input.Should().Be("\"Is it?\"");
        facts[2].Usage.Should().Be(new Usage { Input = 6, CacheRead = 4, Output = 6, Reasoning = 2 });

        trace = Trace();
        const string embedding = """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2,0.3]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":4,"total_tokens":4}}""";
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, embedding));
        (_, body, _) = await host.PostAsync("/v1/embeddings", """{"model":"text-embedding-3-small","input":["a"]}""", ("X-Trace-ID", trace));
        GatewayHost.Text(body).Should().Be(embedding);
        facts = await host.FactsAsync(trace, 2);
        facts[0].Should().BeOfType<EmbeddingRequest>().Which.SpanId.Should().Be(facts[1].SpanId);
        facts[1].Should().BeOfType<EmbeddingResponse>().Which.Usage.Should().Be(new Usage { Input = 4 });
    }

    [Fact]
    public async Task The_list_of_models_passes()
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, """{"object":"list","data":[]}"""));
        (await host.Http.GetStringAsync(new Uri("/v1/models", UriKind.Relative), TestContext.Current.CancellationToken)).Should().Be("""{"object":"list","data":[]}""");
        host.Provider.Requests.Single().Path.Should().Be("/v1/models");
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"llama-9","messages":[]}""", 404, "model_not_found")]
    [InlineData("/v1/chat/completions", """{"messages":[]}""", 400, "invalid_request_error")]
    [InlineData("/v1/chat/completions", """{"model":"gpt-4o","model":"gpt-4o-mini"}""", 400, "invalid_request_error")]
    [InlineData("/v1/chat/completions", """{"model":"gpt-4o",""", 400, "invalid_request_error")]
    [InlineData("/v1/chat/completions", "[]", 400, "invalid_request_error")]
    [InlineData("/v1/nothing", "{}", 404, "not_found")]
    public async Task A_refusal_is_worded_as_OpenAI_words_it(string path, string question, int status, string code)
    {
        var (answered, body, _) = await host.PostAsync(path, question);
        answered.Should().Be(status);
        JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("code").GetString().Should().Be(code);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_by_either_dialect()
    {
        var (status, body, _) = await host.PostAsync("/v1/chat/completions", Question, ("Authorization", "Bearer nobody"));
        (status, GatewayHost.Text(body)).Should().Be((401, """{"error":{"type":"invalid_request_error","message":"Invalid or missing API key","code":"invalid_api_key"}}"""));
        (status, body, _) = await host.PostAsync("/v1/messages", Question, ("Authorization", "Bearer nobody"));
        (status, JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("type").GetString()).Should().Be((401, "authentication_error"));
    }

    static string Event(string name, string data) => $"event: {name}\ndata: {data}\n\n";
}

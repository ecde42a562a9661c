using System.ClientModel;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Models.Messages;
using Hindcast.Domain.Traces;
using OpenAI.Chat;

namespace Hindcast.Integration.Gateway;

/// <summary>The official clients, each at the other vendor's model: tools, images, streams, usage, errors.</summary>
public sealed class TranslationTests(GatewayHost host) : IClassFixture<GatewayHost>
{
    const string ToolUse = """
        {"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Let me look."},{"type":"tool_use","id":"toolu_1","name":"find","input":{"q":"hat"} }],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"output_tokens":20} }
        """;

    const string Completion = """{"id":"chatcmpl-9","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Blue."},"finish_reason":"stop"}],"usage":{"prompt_tokens":110,"completion_tokens":4,"total_tokens":114,"prompt_tokens_details":{"cached_tokens":100}}}""";

    ChatClient OpenAi(string model) => new(model, new ApiKeyCredential(GatewayHost.Key), new() { Endpoint = new(host.Http.BaseAddress!, "/v1") });

    AnthropicClient Anthropic() => new() { ApiKey = GatewayHost.Key, BaseUrl = host.Http.BaseAddress!.ToString() };

    JsonElement Asked => JsonDocument.Parse(host.Provider.Requests.Last().Body).RootElement;

    static string Trace() => $"t-{Guid.NewGuid():n}";

    [Fact]
    public async Task OpenAIs_client_talks_to_its_own_models()
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Completion));
        var answer = (await OpenAi("gpt-4o-mini").CompleteChatAsync([new UserChatMessage("Which colour?")], cancellationToken: TestContext.Current.CancellationToken)).Value;
        (answer.Content[0].Text, answer.Usage.InputTokenCount, answer.Usage.InputTokenDetails.CachedTokenCount).Should().Be(("Blue.", 110, 100));
    }

    [Fact]
    public async Task OpenAIs_client_uses_tools_and_images_of_Anthropics_model()
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, ToolUse));
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 50, ToolChoice = ChatToolChoice.CreateRequiredChoice(), EndUserId = "u-7" };
        options.Tools.Add(ChatTool.CreateFunctionTool("find", "Finds", BinaryData.FromString("""{"type":"object","properties":{"q":{"type":"string"}}}""")));
        var answer = (await OpenAi("claude-sonnet-4-5").CompleteChatAsync(
            [
                new SystemChatMessage("Be brief."),
                new UserChatMessage(ChatMessageContentPart.CreateTextPart("What is it?"), ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes([1, 2, 3]), "image/png")),
                new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall("toolu_0", "find", BinaryData.FromString("""{"q":"a"}"""))]),
                new ToolChatMessage("toolu_0", "nothing"),
                new UserChatMessage("Again."),
            ], options, TestContext.Current.CancellationToken)).Value;

        (answer.FinishReason, answer.Content[0].Text).Should().Be((ChatFinishReason.ToolCalls, "Let me look."));
        (answer.ToolCalls[0].Id, answer.ToolCalls[0].FunctionName, answer.ToolCalls[0].FunctionArguments.ToString()).Should().Be(("toolu_1", "find", """{"q":"hat"}"""));
        (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.InputTokenDetails.CachedTokenCount).Should().Be((140, 20, 100));

        var seen = host.Provider.Requests.Single();
        (seen.Path, seen.Headers["x-api-key"]).Should().Be(("/v1/messages", GatewayHost.AnthropicKey));
        var asked = Asked;
        asked.GetProperty("system").GetString().Should().Be("Be brief.");
        asked.GetProperty("max_tokens").GetInt32().Should().Be(50);
        asked.GetProperty("tool_choice").GetRawText().Should().Be("""{"type":"any"}""");
        asked.GetProperty("metadata").GetProperty("user_id").GetString().Should().Be("u-7");
        asked.GetProperty("messages").GetRawText().Should().Be(
            """[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQID"}}]},"""
            + """{"role":"assistant","content":[{"type":"tool_use","id":"toolu_0","name":"find","input":{"q":"a"}}]},"""
            + """{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_0","content":"nothing"},{"type":"text","text":"Again."}]}]""");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(100_000)]
    public async Task OpenAIs_client_streams_from_Anthropics_model(int size)
    {
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(string.Concat(
            Event("""{"type":"message_start","message":{"id":"msg_2","model":"claude-sonnet-4-5","usage":{"input_tokens":5,"cache_read_input_tokens":2,"output_tokens":1}}}"""),
            Event("""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
            Event("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüß 😀"}}"""),
            Event("""{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_3","name":"find","input":{}}}"""),
            Event("""{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}"""),
            Event("""{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}"""),
            Event("""{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"""),
            Event("""{"type":"message_stop"}"""))).Chunk(size)));
        var (text, arguments, finish, usage) = (new StringBuilder(), new StringBuilder(), (ChatFinishReason?)null, (ChatTokenUsage?)null);
        await foreach (var update in OpenAi("anthropic/claude-sonnet-4-5").CompleteChatStreamingAsync([new UserChatMessage("Hi")], cancellationToken: TestContext.Current.CancellationToken))
        {
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
            foreach (var call in update.ToolCallUpdates) arguments.Append(call.FunctionArgumentsUpdate);
            (finish, usage) = (update.FinishReason ?? finish, update.Usage ?? usage);
        }
        (text.ToString(), arguments.ToString(), finish).Should().Be(("Grüß 😀", """{"q":1}""", ChatFinishReason.ToolCalls));
        (usage!.InputTokenCount, usage.OutputTokenCount).Should().Be((7, 9));
    }

    [Fact]
    public async Task A_translated_stream_ends_as_OpenAIs_and_keeps_its_usage_to_itself()
    {
        var trace = Trace();
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, [Encoding.UTF8.GetBytes(
            Event("""{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":5,"output_tokens":1}}}""")
            + Event("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}""")
            + Event("""{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}""") + Event("""{"type":"message_stop"}"""))]));
        var (_, body, _) = await host.PostAsync("/v1/chat/completions", """{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}],"stream":true}""", ("X-Trace-ID", trace));
        GatewayHost.Text(body).Should().EndWith("data: [DONE]\n\n").And.NotContain("\"usage\"");
        var said = (LlmResponse)(await host.FactsAsync(trace, 2))[1];
        (said.Output, said.Provider, said.Usage).Should().Be(("\"a\"", "anthropic", new Domain.Traces.Usage { Input = 5, Output = 2 }));
    }

    [Fact]
    public async Task Anthropics_client_talks_to_either_model()
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, http.Request.Path.Value!.EndsWith("messages", StringComparison.Ordinal) ? ToolUse : Completion));
        foreach (var (model, text, input) in ((string, string, long)[])[("claude-sonnet-4-5", "Let me look.", 10), ("gpt-4o-mini", "Blue.", 10)])
        {
            var answer = await Anthropic().Messages.Create(
                new() { Model = model, MaxTokens = 60, System = "Be brief.", Messages = [new UserMessageParam { Content = "Which colour?" }] }, TestContext.Current.CancellationToken);
            answer.Content[0].TryPickText(out var said).Should().BeTrue();
            (said!.Text, answer.Usage.InputTokens, answer.Usage.CacheReadInputTokens ?? 0).Should().Be((text, input, 100L));
        }
        Asked.GetRawText().Should().Be("""{"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Which colour?"}],"max_completion_tokens":60}""");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task Anthropics_stream_of_OpenAIs_model_has_blocks_and_an_end(int size)
    {
        host.Provider.Reset((http, _) => FakeProvider.Stream(http, Encoding.UTF8.GetBytes(
            """
            data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}

            data: {"id":"c","choices":[{"index":0,"delta":{"content":"Grüß 😀"}}]}

            data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"find","arguments":""}}]}}]}

            data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":1}"}}]}}]}

            data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

            data: {"id":"c","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}

            data: [DONE]


            """).Chunk(size)));
        var (_, body, _) = await host.PostAsync("/v1/messages", """{"model":"gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream":true}""");
        var events = GatewayHost.Text(body).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => JsonDocument.Parse(e[(e.IndexOf("data: ", StringComparison.Ordinal) + 6)..]).RootElement).ToList();
        events.Select(e => e.GetProperty("type").GetString()).Should().Equal(
            "message_start", "content_block_start", "content_block_delta", "content_block_stop", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop");
        events[2].GetProperty("delta").GetProperty("text").GetString().Should().Be("Grüß 😀");
        events[5].GetProperty("delta").GetProperty("partial_json").GetString().Should().Be("""{"q":1}""");
        events[7].GetProperty("delta").GetProperty("stop_reason").GetString().Should().Be("tool_use");
        events[7].GetProperty("usage").GetRawText().Should().Be("""{"input_tokens":10,"cache_read_input_tokens":2,"cache_creation_input_tokens":0,"output_tokens":3}""");
    }

    [Theory]
    [InlineData("/v1/chat/completions", "claude-sonnet-4-5", """{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}""", "rate_limit_exceeded", "code")]
    [InlineData("/v1/messages", "gpt-4o-mini", """{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}""", "rate_limit_error", "type")]
    public async Task An_error_is_told_in_the_callers_words(string path, string model, string error, string named, string member)
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 429, error));
        var (status, body, _) = await host.PostAsync(path, $$"""{"model":"{{model}}","max_tokens":5,"messages":[{"role":"user","content":"x"}]}""");
        var told = JsonDocument.Parse(body).RootElement.GetProperty("error");
        (status, told.GetProperty("message").GetString(), told.GetProperty(member).GetString()).Should().Be((429, "Slow down", named));
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}],"n":2}""")]
    [InlineData("/v1/chat/completions", """{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":[{"type":"input_audio"}]}]}""")]
    [InlineData("/v1/chat/completions", """{"model":"claude-sonnet-4-5","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{"}}]}]}""")]
    [InlineData("/v1/chat/completions", """{"model":"claude-sonnet-4-5","messages":"x","temperature":"hot"}""")]
    [InlineData("/v1/messages", """{"model":"gpt-4o","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document"}]}]}""")]
    [InlineData("/v1/responses", """{"model":"claude-sonnet-4-5","input":"x"}""")]
    public async Task What_cannot_be_said_in_the_other_protocol_is_refused_and_not_asked(string path, string question)
    {
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, "{}"));
        (await host.PostAsync(path, question)).Status.Should().Be(400);
        host.Provider.Requests.Should().BeEmpty();
    }

    static string Event(string data) => $"event: x\ndata: {data}\n\n";
}

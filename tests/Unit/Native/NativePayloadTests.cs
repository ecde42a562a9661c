using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.Native;

public sealed class NativePayloadTests
{
    static Reading Read(string type, string payload, bool texts = true) => new NativePayload().Read(type, JsonDocument.Parse(payload).RootElement, texts);

    [Theory]
    [InlineData("user_message", "\"Hi\"")]
    [InlineData("user_message", "[{\"role\":\"user\",\"content\":\"Hi\"}]")]
    [InlineData("user_message", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")]
    [InlineData("span_started", "7")]
    [InlineData("llm_request", "{\"a\": 1}")]
    [InlineData("embedding_request", "\"text\"")]
    [InlineData("tool_call_request", "{\"tool\":\"search\"}")]
    [InlineData("product_event", "{\"plan\":\"pro\"}")]
    public void What_goes_in_is_the_input_as_it_was_sent(string type, string content)
    {
        var reading = Read(type, $$"""{"content":{{content}} }""");
        reading.Input.Should().Be(content);
        reading.Output.Should().BeNull();
    }

    [Theory]
    [InlineData("llm_response")]
    [InlineData("llm_thinking")]
    [InlineData("embedding_response")]
    [InlineData("tool_call_response")]
    [InlineData("tool_result")]
    [InlineData("span_ended")]
    public void What_comes_out_is_the_output(string type)
    {
        var reading = Read(type, """{"content":"done"}""");
        (reading.Input, reading.Output, reading.Status).Should().Be((null, "\"done\"", null));
    }

    [Theory]
    [InlineData("""{"output":{"a":1},"status":"warning"}""", """{"a":1}""", SpanStatus.Warning, null)]
    [InlineData("""{"status":"failed","error":"boom"}""", null, SpanStatus.Error, "boom")]
    [InlineData("""{"error":{"message":"boom","code":5}}""", null, SpanStatus.Error, "boom")]
    [InlineData("""{"status":"ok","rows":5}""", """{"status":"ok","rows":5}""", SpanStatus.Success, null)]
    [InlineData("""{"status":"shipped"}""", null, null, null)]
    [InlineData("[1]", "[1]", null, null)]
    public void The_end_of_a_span_says_what_came_out_and_how_it_went(string content, string? output, SpanStatus? status, string? error)
    {
        var reading = Read("span_ended", $$"""{"content":{{content}} }""");
        (reading.Output, reading.Status, reading.Error).Should().Be((output, status, error));
    }

    [Fact]
    public void What_stands_at_the_top_wins_over_the_content()
    {
        var reading = Read("span_ended", """{"status":"OK","error":"top","content":{"status":"error","error":"inner","output":null}}""");
        (reading.Output, reading.Status, reading.Error).Should().Be(("null", SpanStatus.Success, "top"));
    }

    [Theory]
    [InlineData("""{"content":"boom"}""", "boom", null)]
    [InlineData("""{"content":{"message":"boom","status":500,"stack":"at x"}}""", "boom", """{"message":"boom","status":500,"stack":"at x"}""")]
    [InlineData("""{"error":{"message":"boom"}}""", "boom", null)]
    [InlineData("""{"content":{"code":5}}""", null, """{"code":5}""")]
    [InlineData("{}", null, null)]
    public void An_error_is_a_sentence_and_what_else_is_known(string payload, string? message, string? detail)
    {
        var reading = Read("error", payload);
        (reading.Error, reading.ErrorDetail).Should().Be((message, detail));
    }

    [Theory]
    [InlineData("""{"content":{"value":0.5,"comment":"meh","source":"user"}}""", "0.5", "meh", "user")]
    [InlineData("""{"value":"good","comment":"c"}""", "\"good\"", "c", null)]
    [InlineData("""{"content":{"value":false},"value":1}""", "false", null, null)]
    public void A_score_is_a_value_with_a_comment_and_a_source(string payload, string value, string? comment, string? source)
    {
        var reading = Read("score", payload);
        (reading.Output, reading.Comment, reading.ScoreSource).Should().Be((value, comment, source));
    }

    [Fact]
    public void A_product_event_without_content_is_its_attributes() =>
        Read("product_event", """{"attributes":{"plan":"pro"}}""").Input.Should().Be("""{"plan":"pro"}""");

    [Fact]
    public void At_the_door_only_the_typed_part_is_read()
    {
        var reading = Read("llm_response", """
            {"kind":"llm","provider":"openai","model":"gpt","environment":"prod","user_id":"u","session_id":"s","agent":"a","name":"n",
             "latency_ms":1.5,"ttft_ms":0.25,"usage":{"input":1},"content":"x","attributes":{"k":1}}
            """, texts: false);
        reading.Should().BeEquivalentTo(new Reading
        {
            Kind = "llm", Provider = "openai", Model = "gpt", Environment = "prod", UserId = "u", SessionId = "s", Agent = "a", Name = "n",
            Latency = TimeSpan.FromMicroseconds(1500), TimeToFirstToken = TimeSpan.FromMicroseconds(250), Usage = new() { Input = 1 },
        });
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("""{"usage":7,"latency_ms":"x","name":[],"content":null,"status":5,"error":false}""")]
    public void A_payload_that_is_not_what_we_expect_says_nothing_and_harms_nobody(string payload)
    {
        foreach (var type in FactReader.Types) Read(type, payload).Should().BeEquivalentTo(new Reading());
    }

    [Theory]
    [InlineData("ok", SpanStatus.Success)]
    [InlineData("SUCCESS", SpanStatus.Success)]
    [InlineData("Warning", SpanStatus.Warning)]
    [InlineData("error", SpanStatus.Error)]
    [InlineData("failed", SpanStatus.Error)]
    [InlineData("running", null)]
    public void Every_systems_word_for_a_status_is_known(string word, SpanStatus? status) => NativePayload.StatusOf(word).Should().Be(status);
}

using System.Text.Json;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Application.Traces;

namespace Hindcast.Unit.Trubrics;

public sealed class TrubricsPayloadTests
{
    static Reading Read(string type, string payload, bool texts = true) => new TrubricsPayload().Read(type, JsonDocument.Parse(payload).RootElement, texts);

    [Fact]
    public void One_element_reads_as_a_prompt_and_as_a_generation()
    {
        const string Payload = """
            {"user_id":"u","assistant_id":"gpt","prompt":"p","generation":"g","latency":0.5,"thread_id":"t","prompt_event_name":"Ask","generation_event_name":"Answer",
             "properties":{"$thread_id":"other","n":1}}
            """;
        var attributes = new Dictionary<string, string> { ["$thread_id"] = "\"other\"", ["n"] = "1" };
        Read("user_message", Payload).Should().BeEquivalentTo(
            new Reading { UserId = "u", SessionId = "t", Name = "Ask", Input = "\"p\"", Attributes = attributes });
        Read("llm_response", Payload).Should().BeEquivalentTo(new Reading
        {
            UserId = "u", SessionId = "t", Name = "Answer", Model = "gpt", Latency = TimeSpan.FromSeconds(0.5), Input = "\"p\"", Output = "\"g\"", Attributes = attributes,
        });
    }

    [Fact]
    public void A_product_event_knows_no_thread_but_the_reserved_property()
    {
        var reading = Read("product_event", """{"user_id":"u","event":"Sign up","thread_id":"\u0000","properties":{"$thread_id":17}}""");
        (reading.Name, reading.Kind, reading.SessionId, reading.Input).Should().Be(("Sign up", "event", "17", """{"$thread_id":17}"""));
    }

    [Theory]
    [InlineData("""{"thread_id":"a","properties":{"$thread_id":"b"}}""", "a")]
    [InlineData("""{"thread_id":null,"properties":{"$thread_id":"b"}}""", "b")]
    [InlineData("""{"thread_id":"","properties":{"$thread_id":""}}""", null)]
    [InlineData("""{"properties":{"$thread_id":{"a":1}}}""", null)]
    [InlineData("""{"properties":null}""", null)]
    public void The_explicit_thread_wins(string payload, string? thread) => Read("llm_response", payload).SessionId.Should().Be(thread);

    [Theory]
    [InlineData("""{"latency":null}""", null)]
    [InlineData("{}", null)]
    [InlineData("""{"latency":0}""", 0.0)]
    [InlineData("""{"latency":2}""", 2.0)]
    [InlineData("""{"latency":2.5}""", 2.5)]
    public void Latency_is_in_seconds_and_may_be_untold(string payload, double? seconds) =>
        Read("llm_response", payload).Latency.Should().Be(seconds is { } s ? TimeSpan.FromSeconds(s) : null);

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"user_id":5,"properties":[],"latency":"x","thread_id":{}}""")]
    public void A_payload_that_is_not_what_we_expect_harms_nobody(string payload)
    {
        foreach (var type in (string[])["product_event", "user_message", "llm_response"])
            Read(type, payload).Should().Match<Reading>(r => r.UserId == null && r.SessionId == null && r.Attributes == null);
    }

    [Fact]
    public void At_the_door_no_text_is_read()
    {
        var reading = Read("llm_response", """{"user_id":"u","prompt":"p","generation":"g","properties":{"a":1}}""", texts: false);
        (reading.UserId, reading.Input, reading.Output, reading.Attributes).Should().Be(("u", null, null, null));
    }
}

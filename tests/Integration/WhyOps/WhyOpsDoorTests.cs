using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.WhyOps;

public sealed class WhyOpsDoorTests : IAsyncLifetime
{
    const string Ingest = "/api/events/ingest";
    const string Save = "/api/events";

    // What the SDK sends for the calls of the documentation page (WhyOps contract, 1.4).
    const string UserMessage = """{"eventType":"user_message","traceId":"session-123","agentName":"support-agent","content":{"messages":[{"role":"user","content":"Reset my password."}]},"externalUserId":"user_12345"}""";
    const string ToolRequest = """{"eventType":"tool_call_request","traceId":"session-123","agentName":"support-agent","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}]},"metadata":{"tool":"search_orders","latencyMs":11},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""";
    const string ToolResponse = """{"eventType":"tool_call_response","traceId":"session-123","agentName":"support-agent","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}],"toolResults":{"status":"shipped"}},"metadata":{"tool":"search_orders","latencyMs":88},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""";
    const string LlmResponse = """{"eventType":"llm_response","traceId":"session-123","agentName":"support-agent","content":{"content":"Your order has shipped.","finishReason":"stop"},"metadata":{"model":"openai/gpt-4o-mini","provider":"openai","usage":{"promptTokens":42,"completionTokens":16,"totalTokens":58},"latencyMs":390}}""";

    WhyOpsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await WhyOpsHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    static string Event(string traceId = "t", string agent = "a", string more = "", string type = "user_message") =>
        $$"""{"eventType":"{{type}}","traceId":"{{traceId}}","agentName":"{{agent}}","content":"Hello"{{more}}}""";

    static IEnumerable<string?> Names(JsonElement element) => element.EnumerateObject().Select(p => p.Name);

    [Fact]
    public async Task The_page_s_calls_become_the_trace_they_mean()
    {
        var position = 0;
        foreach (var sent in (string[])[UserMessage, ToolRequest, ToolResponse, LlmResponse])
        {
            var answer = await _host.PostAsync(Ingest, sent);
            (answer.Status, answer.Text).Should().Be((202, """{"success":true,"accepted":true,"queuedCount":1}"""));
            answer.Position.Should().Be($"{++position}");
        }

        var facts = _host.Trace("session-123");
        facts.Select(f => (f.GetType().Name, f.Step)).Should().Equal(
            ("UserMessage", 1), ("ToolCallRequest", 2), ("ToolCallResponse", 3), ("LlmResponse", 4));
        facts[0].UserId.Should().Be("user_12345");
        facts[1].SpanId.Should().Be("c92df7f1-4915-43cd-ac72-f75155c43184").And.Be(facts[2].SpanId);
        ((ToolCallRequest)facts[1]).Input.Should().Be("""{"orderId":"123"}""");
        ((ToolCallResponse)facts[2]).Output.Should().Be("""{"status":"shipped"}""");
        facts[2].Latency.Should().Be(TimeSpan.FromMilliseconds(88));
        facts[3].Usage.Should().Be(new Usage { Input = 42, Output = 16 });
        facts.Should().OnlyContain(f => f.Agent == "support-agent" && f.Environment == "production");
        Encoding.UTF8.GetString(_host.Log.Facts[3].Content.Span).Should().Be(LlmResponse, "the payload is kept as received");
        _host.Log.Facts[0].Header.Subject.Should().NotBeNull().And.NotContain("user_12345");
    }

    [Fact]
    public async Task Saving_answers_with_ids_step_and_span()
    {
        var first = await _host.PostAsync(Save, UserMessage);
        var second = await _host.PostAsync(Save, ToolRequest);

        first.Status.Should().Be(201);
        Names(first.Body).Should().Equal("id", "status", "stepId", "spanId");
        first.Body.GetProperty("status").GetString().Should().Be("saved");
        first.Body.GetProperty("spanId").GetString().Should().MatchRegex("^span_[0-9A-Za-z]{22}$");
        (second.Body.GetProperty("stepId").GetInt32(), second.Body.GetProperty("parentStepId").GetInt32()).Should().Be((2, 1));
        second.Body.GetProperty("spanId").GetString().Should().Be("c92df7f1-4915-43cd-ac72-f75155c43184");
    }

    [Fact]
    public async Task An_array_answers_in_order_and_keeps_it()
    {
        var answer = await _host.PostAsync(Save, $"[{UserMessage},{Event("other")},{ToolRequest}]");

        answer.Status.Should().Be(201);
        answer.Body.EnumerateArray().Select(r => r.GetProperty("stepId").GetInt32()).Should().Equal(1, 1, 2);
        answer.Position.Should().Be("3");
        (await _host.PostAsync(Ingest, $"[{UserMessage},{ToolRequest}]")).Body.GetProperty("queuedCount").GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task An_empty_array_is_nothing_to_do()
    {
        (await _host.PostAsync(Ingest, "[]")).Text.Should().Be("""{"success":true,"accepted":true,"queuedCount":0}""");
        var answer = await _host.PostAsync(Save, "[]");
        (answer.Status, answer.Text, answer.Position).Should().Be((201, "[]", "0"));
    }

    [Fact]
    public async Task A_known_key_is_skipped_with_the_first_event_s_ids()
    {
        const string Keyed = ""","idempotencyKey":"k" """;
        var first = await _host.PostAsync(Save, Event(more: Keyed));
        var again = await _host.PostAsync(Save, Event(more: Keyed, type: "error"));
        var elsewhere = await _host.PostAsync(Save, Event("t2", more: Keyed));
        var twice = await _host.PostAsync(Save, $"[{Event("t3", more: Keyed)},{Event("t3", more: Keyed)}]");

        again.Status.Should().Be(201);
        again.Body.GetProperty("status").GetString().Should().Be("skipped");
        foreach (var member in (string[])["id", "stepId", "spanId"]) again.Body.GetProperty(member).ToString().Should().Be(first.Body.GetProperty(member).ToString());
        again.Position.Should().Be(first.Position);
        elsewhere.Body.GetProperty("status").GetString().Should().Be("saved");
        twice.Body.EnumerateArray().Select(r => r.GetProperty("status").GetString()).Should().Equal("saved", "skipped");
        _host.Log.Facts.Should().HaveCount(3);
    }

    [Fact]
    public async Task Without_a_key_equal_events_are_both_stored()
    {
        await _host.PostAsync(Ingest, Event());
        await _host.PostAsync(Ingest, Event());
        _host.Trace("t").Should().HaveCount(2);
    }

    [Fact]
    public async Task A_tool_s_answer_needs_no_type()
    {
        var answer = await _host.PostAsync("/api/events/tool-result", """{"traceId":"t","agentName":"a","eventType":"x","content":{"toolResults":1},"metadata":{"tool":"s"}}""");
        var without = await _host.PostAsync("/api/events/tool-result", """{"traceId":"t","agentName":"a"}""");

        answer.Status.Should().Be(201);
        _host.Trace("t").Should().ContainSingle().Which.Should().BeOfType<ToolCallResponse>().Which.Name.Should().Be("s");
        without.Body.GetProperty("details")[0].GetProperty("field").GetString().Should().Be("metadata.tool");
    }

    [Fact]
    public async Task A_legacy_tool_call_becomes_request_and_response_in_one_span()
    {
        const string More = ""","metadata":{"tool":"s","latencyMs":40},"timestamp":"2026-04-01T10:00:01Z","idempotencyKey":"k" """;
        var e = Event(type: "tool_call", more: More);
        await _host.PostAsync(Ingest, Event());
        var answer = await _host.PostAsync(Save, e);
        var again = await _host.PostAsync(Save, e);
        var numbered = await _host.PostAsync(Save, Event("n", type: "tool_call", more: ""","stepId":7"""));

        var facts = _host.Trace("t");
        facts.Select(f => (f.GetType().Name, f.Step)).Should().Equal(("UserMessage", 1), ("ToolCallRequest", 2), ("ToolCallResponse", 3));
        facts[1].SpanId.Should().Be(facts[2].SpanId).And.Be(answer.Body.GetProperty("spanId").GetString());
        (facts[2].At - facts[1].At).Should().Be(TimeSpan.FromMilliseconds(40));
        facts[1].Attributes["autoGenerated"].Should().Be("true");
        (answer.Body.GetProperty("stepId").GetInt32(), answer.Body.GetProperty("parentStepId").GetInt32()).Should().Be((2, 1));
        again.Body.GetProperty("status").GetString().Should().Be("skipped");
        again.Body.GetProperty("id").GetString().Should().Be(answer.Body.GetProperty("id").GetString());
        numbered.Body.GetProperty("stepId").GetInt32().Should().Be(7);
        _host.Trace("n").Select(f => f.Step).Should().Equal(7, 8);
        _host.Log.Facts.Where(f => f.Header.TraceId == "n").Select(f => f.Header.ParentStep).Should().Equal(6, 7);
    }

    [Fact]
    public async Task The_header_s_user_stands_in_for_the_body_s()
    {
        await _host.PostAsync(Ingest, $"[{Event()},{Event(more: ",\"externalUserId\":\"own\"")}]", ("X-External-User-Id", "header"));

        _host.Trace("t").Select(f => f.UserId).Should().Equal("header", "own");
        _host.Log.Facts.Select(f => f.Header.Subject).Should().OnlyHaveUniqueItems().And.NotContainNulls();
        Encoding.UTF8.GetString(Content.Split(_host.Log.Facts[0].Content, _host.Log.Facts[0].Header.PayloadBytes).Payload.Span).Should().Be(Event());
        (await _host.PostAsync(Ingest, Event(), ("X-External-User-Id", new string('x', 256)))).Status.Should().Be(400);
    }

    [Fact]
    public async Task Scope_ids_of_a_sender_change_nothing()
    {
        const string Id = "c92df7f1-4915-43cd-ac72-f75155c43184";
        (await _host.PostAsync($"{Ingest}?projectId={Id}&userId={Id}", Event(more: $",\"environmentId\":\"{Id}\""))).Status.Should().Be(202);
        _host.Log.Facts.Should().ContainSingle().Which.Header.Should().Match<Header>(h => h.Project == "main" && h.Environment == "production");
        var wrong = await _host.PostAsync($"{Ingest}?projectId=x", Event());
        (wrong.Status, wrong.Body.GetProperty("details")[0].GetProperty("field").GetString()).Should().Be((400, "projectId"));
    }

    [Fact]
    public async Task One_trace_id_in_two_projects_is_two_traces()
    {
        await _host.PostAsync(Ingest, Event(agent: "one"));
        using var other = new HttpRequestMessage(HttpMethod.Post, Ingest) { Content = new StringContent(Event(agent: "two"), Encoding.UTF8, "application/json") };
        other.Headers.Authorization = new("Bearer", WhyOpsHost.OtherProjectsKey);
        (await _host.SendAsync(other)).Status.Should().Be(202);
        _host.Trace("t", "other").Should().ContainSingle();
    }

    [Fact]
    public async Task Nul_in_content_is_kept()
    {
        var body = """{"eventType":"user_message","traceId":"t","agentName":"a","content":"a\u0000b\ud800"}""";
        (await _host.PostAsync(Ingest, body)).Status.Should().Be(202);
        _host.Trace("t").Should().ContainSingle().Which.Sanitised.Should().BeTrue();
        Encoding.UTF8.GetString(_host.Log.Facts[0].Content.Span).Should().Be(body);
    }

    [Fact]
    public async Task Help_describes_every_type()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/events/help");
        var help = await _host.SendAsync(request);
        help.Status.Should().Be(200);
        Names(help.Body.GetProperty("eventTypes")).Should().BeEquivalentTo(Api.Dialects.WhyOps.WhyOpsEvent.Types);
        foreach (var example in help.Body.GetProperty("examples").EnumerateArray())
            (await _host.PostAsync(Ingest, example.GetRawText())).Status.Should().Be(202);
    }

    [Theory]
    [InlineData("/api//events/ingest", 202)]
    [InlineData("//api/events//ingest", 202)]
    [InlineData("//events/ingest", 404)]
    public async Task A_doubled_slash_is_one(string path, int status)
    {
        // A relative URI may not start with two slashes.
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{_host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)}{path}"))
        {
            Content = new StringContent(Event(), Encoding.UTF8, "application/json"),
        };
        using var response = await _host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        ((int)response.StatusCode).Should().Be(status);
    }
}

using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>What one who swaps WhyOps for this sees: the SDK's recorded traffic goes in, and comes out as a tree with tokens and money.</summary>
public sealed class MainJobTests(LiveServer server) : IClassFixture<LiveServer>
{
    const string Span = "c92df7f1-4915-43cd-ac72-f75155c43184";

    // WhyOps contract, 1.4: as recorded from the Python SDK.
    static readonly string[] Recorded =
    [
        """{"eventType":"user_message","traceId":"session-123","agentName":"support-agent","content":{"messages":[{"role":"user","content":"Reset my password."}]},"externalUserId":"user_12345"}""",
        """{"eventType":"tool_call_request","traceId":"session-123","agentName":"support-agent","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}]},"metadata":{"tool":"search_orders","latencyMs":11},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""",
        """{"eventType":"tool_call_response","traceId":"session-123","agentName":"support-agent","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}],"toolResults":{"status":"shipped"}},"metadata":{"tool":"search_orders","latencyMs":88},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""",
        """{"eventType":"llm_response","traceId":"session-123","agentName":"support-agent","content":{"content":"Your order has shipped.","finishReason":"stop"},"metadata":{"model":"openai/gpt-4o-mini","provider":"openai","usage":{"promptTokens":42,"completionTokens":16,"totalTokens":58},"latencyMs":390}}""",
        """{"eventType":"llm_response","traceId":"session-123","agentName":"support-agent","content":{"content":"Done."},"metadata":{"model":"anthropic/claude-sonnet-4-5","provider":"anthropic","usage":{"promptTokens":1200,"completionTokens":240,"totalTokens":9940,"cacheReadTokens":8200,"cacheCreationTokens":300},"latencyMs":1200}}""",
    ];

    [Theory]
    [InlineData("X-API-Key", HindcastProcess.Key, "by-key")]
    [InlineData("Authorization", $"Bearer {HindcastProcess.Key}", "by-bearer")]
    public async Task The_recorded_traffic_becomes_a_tree_with_tokens_and_money(string header, string value, string trace)
    {
        var trees = new List<string>();
        foreach (var e in Recorded)
        {
            var answer = await server.PostAsync("/api/events/ingest", Of(e, trace), key: null, (header, value));
            answer.Status.Should().Be(202, answer.Text);
            answer.Text.Should().Be("""{"success":true,"accepted":true,"queuedCount":1}""");
            trees.Add((await server.JsonAsync($"/api/v1/traces/{trace}/tree")).GetRawText());
        }

        var tree = JsonDocument.Parse(trees[^1]).RootElement;
        tree.Text("status").Should().Be("success");
        tree.Text("user_id").Should().Be("user_12345");
        tree.GetProperty("event_count").GetInt32().Should().Be(5);
        tree.GetProperty("span_count").GetInt32().Should().Be(4);
        var spans = tree.Spans();

        var tool = spans.Single(s => s.Text("kind") == "tool");
        (tool.Text("span_id"), tool.Text("name")).Should().Be((Span, "search_orders"));
        tool.GetProperty("duration_ms").GetDecimal().Should().Be(88);
        tool.GetProperty("input").GetRawText().Should().Be("""{"orderId":"123"}""");
        tool.GetProperty("output").GetRawText().Should().Be("""{"status":"shipped"}""");
        tool.GetProperty("events").EnumerateArray().Select(e => e.Text("type")).Should().Equal("tool_call_request", "tool_call_response");

        var message = spans.Single(s => s.Text("kind") == "message");
        message.GetProperty("input").GetRawText().Should().Be("""[{"role":"user","content":"Reset my password."}]""");
        spans.Should().OnlyContain(s => s.Text("user_id") == "user_12345", "the trace's user stands for spans that name none");

        var calls = spans.Where(s => s.Text("kind") == "llm").ToDictionary(s => s.Text("model")!);
        var small = calls["openai/gpt-4o-mini"];
        small.GetProperty("cost_usd").GetDecimal().Should().Be(0.0000159m);
        small.GetProperty("output").GetRawText().Should().Be("\"Your order has shipped.\"");
        var cached = calls["anthropic/claude-sonnet-4-5"];
        cached.GetProperty("usage").GetRawText().Should().Be("""{"input":1200,"cache_read":8200,"cache_write":300,"output":240,"reasoning":null,"total":9940}""");
        cached.GetProperty("cost_usd").GetDecimal().Should().Be(0.010785m);
        Cost(cached).Should().Equal(0.0036m, 0.00246m, 0.001125m, 0.0036m, 0.010785m);

        tree.GetProperty("totals").GetProperty("tokens").GetProperty("total").GetInt64().Should().Be(9998);
        tree.GetProperty("totals").GetProperty("cost").GetProperty("total_usd").GetDecimal().Should().Be(0.0108009m);

        // The past is still there: what the tree showed after n events is what the state after n events is.
        var timeline = (await server.JsonAsync($"/api/v1/traces/{trace}/timeline")).GetProperty("items").EnumerateArray().ToList();
        timeline.Select(i => i.GetProperty("data").GetRawText()).Should().Equal(Recorded.Select(e => Of(e, trace)), "payloads are kept as they were sent");
        timeline.Select(i => i.Text("type")).Should().Equal("user_message", "tool_call_request", "tool_call_response", "llm_response", "llm_response");
        timeline.Should().OnlyContain(i => i.Text("dialect") == "whyops" && !i.GetProperty("late").GetBoolean());
        for (var n = 0; n < Recorded.Length; n++)
        {
            var revision = timeline[n].GetProperty("revision").GetInt64();
            var byRevision = await server.JsonAsync($"/api/v1/traces/{trace}/state?as_of_revision={revision}");
            byRevision.GetRawText().Should().Be(trees[n], $"of the state after {n + 1} events, by revision");
            var byTime = await server.JsonAsync($"/api/v1/traces/{trace}/state?as_of={timeline[n].Text("recorded_at")}");
            byTime.GetRawText().Should().Be(trees[n], $"of the state after {n + 1} events, by time");
        }
    }

    [Fact]
    public async Task Metrics_are_told_on_this_machine_in_the_form_of_Prometheus()
    {
        (await server.PostAsync("/api/v1/events", """{"type":"user_message","trace_id":"measured"}""")).Status.Should().Be(202);
        await server.JsonAsync("/api/v1/traces");
        var text = (await server.GetAsync("/metrics", key: null)).Text;
        text.Should().MatchRegex("""(?m)^hindcast_log_head_position [1-9]\d*$""").And.Contain("hindcast_projection_lag_events{projection=\"traces\"} ")
            .And.MatchRegex("""(?m)^http_request_duration_seconds_count\{method="POST",route="/api/v1/events",status="202"\} [1-9]\d*$""").And.Contain("hindcast_gateway_unrecorded_total 0");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) line.Should().MatchRegex("""^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.E+-]+)$""");
    }

    [Fact]
    public async Task A_trace_whose_id_holds_a_slash_is_found()
    {
        (await server.PostAsync("/api/v1/events", """{"type":"user_message","trace_id":"team/a b","span_id":"x"}""")).Status.Should().Be(202);
        var path = $"/api/v1/traces/{Uri.EscapeDataString("team/a b")}";
        foreach (var view in (string[])["/tree", "/state?as_of_revision=0"]) (await server.JsonAsync(path + view)).Text("trace_id").Should().Be("team/a b", view);
        (await server.JsonAsync(path + "/timeline")).GetProperty("items").GetArrayLength().Should().Be(1);
    }

    [Fact]
    public async Task What_no_price_is_known_of_costs_null_and_never_nothing()
    {
        await Ingest("unpriced", "llm_response", """ "content":{"content":"x"},"metadata":{"model":"acme/unheard-of-1","provider":"acme","usage":{"promptTokens":10,"completionTokens":5}} """);
        var tree = await server.JsonAsync("/api/v1/traces/unpriced/tree");
        var span = tree.Spans().Single();
        span.GetProperty("usage").GetProperty("total").GetInt64().Should().Be(15);
        span.GetProperty("cost_usd").ValueKind.Should().Be(JsonValueKind.Null);
        foreach (var cost in (JsonElement[])[span.GetProperty("cost"), tree.GetProperty("totals").GetProperty("cost")])
            cost.EnumerateObject().Should().OnlyContain(part => part.Value.ValueKind == JsonValueKind.Null);
        tree.GetProperty("totals").GetProperty("unpriced_calls").GetInt32().Should().Be(1);
    }

    [Fact]
    public async Task Embeddings_are_spans_with_their_tokens_and_price()
    {
        await Ingest("embedded", "embedding_response", """
             "content":{"object":"list","embeddingCount":2,"firstEmbeddingDimensions":1536,"encodingFormat":"float"},
             "metadata":{"model":"openai/text-embedding-3-small","provider":"openai","usage":{"totalTokens":1000},"latencyMs":40}
            """);
        var span = (await server.JsonAsync("/api/v1/traces/embedded/tree")).Spans().Single();
        span.Text("kind").Should().Be("embedding");
        span.GetProperty("usage").GetProperty("total").GetInt64().Should().Be(1000);
        span.GetProperty("cost_usd").GetDecimal().Should().Be(0.00002m);
    }

    [Fact]
    public async Task An_error_makes_the_trace_one_that_failed()
    {
        await Ingest("failed", "user_message", """ "content":{"messages":[]} """);
        await Ingest("failed", "error", """ "content":{"message":"card declined","status":402,"stack":"at pay()"} """);
        var tree = await server.JsonAsync("/api/v1/traces/failed/tree");
        tree.Text("status").Should().Be("error");
        tree.GetProperty("error_count").GetInt32().Should().Be(1);
        tree.Spans().Single(s => s.Text("kind") == "error").Text("error").Should().Be("card declined");
    }

    [Fact]
    public async Task The_timeline_keeps_the_order_of_arrival_and_says_what_came_late()
    {
        foreach (var second in (int[])[10, 30, 20, 30, 40])
            await Ingest("late", "user_message", $$""" "content":{"s":{{second}}},"timestamp":"2026-11-01T00:00:{{second}}Z" """);
        var whole = (await server.JsonAsync("/api/v1/traces/late/timeline")).GetProperty("items").EnumerateArray().Select(i => i.GetProperty("late").GetBoolean());
        whole.Should().Equal(false, false, true, false, false);

        var paged = new List<bool>();
        for (var after = ""; ;)
        {
            var page = await server.JsonAsync($"/api/v1/traces/late/timeline?limit=2{after}");
            paged.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("late").GetBoolean()));
            after = $"&after_revision={page.GetProperty("next_revision")}";
            if (!page.GetProperty("has_more").GetBoolean()) break;
        }
        paged.Should().Equal([false, false, true, false, false], "what is late does not depend on the page it is on");
        (await server.JsonAsync($"/api/v1/traces/late/timeline?after_revision={long.MaxValue}")).GetProperty("items").GetArrayLength().Should().Be(0);
    }

    [Fact]
    public async Task A_base_url_with_a_slash_at_its_end_is_as_good_as_one_without() =>
        (await server.PostAsync("/api//events/ingest", Of(Recorded[0], "slashes"))).Status.Should().Be(202);

    async Task Ingest(string trace, string type, string rest)
    {
        var answer = await server.PostAsync("/api/events/ingest", $$"""{"eventType":"{{type}}","traceId":"{{trace}}","agentName":"a",{{rest}}}""");
        answer.Status.Should().Be(202, answer.Text);
    }

    static string Of(string e, string trace) => e.Replace("session-123", trace, StringComparison.Ordinal);

    static decimal[] Cost(JsonElement span) => [.. span.GetProperty("cost").EnumerateObject().Select(part => part.Value.GetDecimal())];
}

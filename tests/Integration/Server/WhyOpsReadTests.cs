using System.Text.Json;

namespace Hindcast.Integration.Server;

public sealed class WhyOpsReadsOnSqlite(LiveServer server) : WhyOpsReadTests(server), IClassFixture<LiveServer>;

public sealed class WhyOpsReadsOnPostgres(PostgresServerProcess server) : WhyOpsReadTests(server), IClassFixture<PostgresServerProcess>;

/// <summary>WhyOps' read doors, field by field (contract 2.4 and 4), on what its SDK sends.</summary>
public abstract class WhyOpsReadTests(LiveServer server)
{
    static readonly SemaphoreSlim s_filling = new(1);

    /// <summary>The page's own session, with times and steps as the server gives them, and the cache example of the price table.</summary>
    static readonly string[] s_events =
    [
        """{"eventType":"user_message","traceId":"session-123","agentName":"support-agent","timestamp":"2026-11-01T10:00:00.000Z","content":{"messages":[{"role":"user","content":"Reset my password."}]},"externalUserId":"user_12345"}""",
        """{"eventType":"tool_call_request","traceId":"session-123","agentName":"support-agent","timestamp":"2026-11-01T10:00:01.000Z","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}]},"metadata":{"tool":"search_orders","latencyMs":11},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""",
        """{"eventType":"tool_call_response","traceId":"session-123","agentName":"support-agent","timestamp":"2026-11-01T10:00:02.000Z","content":{"toolCalls":[{"name":"search_orders","arguments":{"orderId":"123"}}],"toolResults":{"status":"shipped"}},"metadata":{"tool":"search_orders","latencyMs":88},"spanId":"c92df7f1-4915-43cd-ac72-f75155c43184"}""",
        """{"eventType":"llm_response","traceId":"session-123","agentName":"support-agent","timestamp":"2026-11-01T10:00:04.000Z","content":{"content":"Your order has shipped.","finishReason":"stop"},"metadata":{"model":"openai/gpt-4o-mini","provider":"openai","usage":{"promptTokens":42,"completionTokens":16,"totalTokens":58},"latencyMs":390}}""",
        """{"eventType":"llm_response","traceId":"cached","agentName":"support-agent","timestamp":"2026-11-02T10:00:00.000Z","content":{"content":"Done."},"metadata":{"model":"claude-sonnet-4-5-20250929","provider":"anthropic","usage":{"promptTokens":1200,"completionTokens":240,"totalTokens":9940,"cacheReadTokens":8200,"cacheCreationTokens":300},"latencyMs":1000},"externalUserId":"user_12345"}""",
        """{"eventType":"error","traceId":"cached","agentName":"support-agent","timestamp":"2026-11-02T10:00:05.000Z","content":{"message":"429"}}""",
        """{"eventType":"user_message","traceId":"other-agent","agentName":"lonely","timestamp":"2026-11-03T10:00:00.000Z","content":{"messages":[{"role":"user","content":"Hi"}]},"externalUserId":"user_2"}""",
    ];

    async Task<JsonElement> JsonAsync(string path)
    {
        await FillAsync();
        return await server.JsonAsync(path);
    }

    async Task FillAsync()
    {
        await s_filling.WaitAsync();
        try
        {
            if (server.Written is not null) return;
            foreach (var prompt in (string[])["You are a helpful support agent.", "You are a brief support agent."])
                (await server.PostAsync("/api/entities/init", JsonSerializer.Serialize(new { agentName = "support-agent", metadata = new { systemPrompt = prompt, tools = (object[])[new { name = "search_orders" }] } })))
                    .Status.Should().Be(201);
            (await server.PostAsync("/api/events", $"[{string.Join(',', s_events)}]")).Status.Should().Be(201);
        }
        finally
        {
            s_filling.Release();
        }
    }

    static void Names(JsonElement o, params string[] names) => o.EnumerateObject().Select(m => m.Name).Should().Contain(names);

    [Fact]
    public async Task Events_are_listed_newest_first_and_say_no_more_than_was_asked()
    {
        var answer = await JsonAsync("/api/events?traceId=session-123&limit=3");
        var events = answer.GetProperty("events").EnumerateArray().ToList();
        events.Select(e => e.Text("eventType")).Should().Equal("llm_response", "tool_call_response", "tool_call_request");
        events[0].EnumerateObject().Select(m => m.Name).Should().Equal(
            "id", "traceId", "spanId", "stepId", "parentStepId", "eventType", "timestamp", "userId", "providerId", "createdAt");
        (events[0].GetProperty("stepId").GetInt32(), events[0].GetProperty("parentStepId").GetInt32()).Should().Be((4, 3));
        var pagination = answer.GetProperty("pagination");
        (pagination.GetProperty("total").GetInt32(), pagination.GetProperty("limit").GetInt32(), pagination.GetProperty("offset").GetInt32(), pagination.GetProperty("hasMore").GetBoolean())
            .Should().Be((4, 3, 0, true));

        var rest = await JsonAsync("/api/events?threadId=session-123&offset=3&include=content,metadata");
        var first = rest.GetProperty("events").EnumerateArray().Should().ContainSingle().Subject;
        first.GetProperty("content").GetProperty("messages")[0].Text("content").Should().Be("Reset my password.");
        first.GetProperty("parentStepId").ValueKind.Should().Be(JsonValueKind.Null);
        rest.GetProperty("pagination").GetProperty("hasMore").GetBoolean().Should().BeFalse();

        var one = await JsonAsync($"/api/events/{events[0].Text("id")}");
        (one.Text("traceId"), one.GetProperty("metadata").Text("provider"), one.GetProperty("content").Text("finishReason")).Should().Be(("session-123", "openai", "stop"));
        (await JsonAsync("/api/events?limit=200")).GetProperty("pagination").GetProperty("total").GetInt32().Should().Be(7);
        (await JsonAsync("/api/events?userId=somebody")).GetProperty("events").GetArrayLength().Should().Be(0);
    }

    [Fact]
    public async Task Threads_are_listed_by_their_last_activity()
    {
        var answer = await JsonAsync("/api/threads?count=2");
        answer.GetProperty("success").GetBoolean().Should().BeTrue();
        var threads = answer.GetProperty("threads").EnumerateArray().ToList();
        threads.Select(t => t.Text("threadId")).Should().Equal("other-agent", "cached");
        Names(threads[0], "threadId", "userId", "externalUserId", "providerId", "agentId", "entityId", "entityName", "model", "lastActivity", "lastEventTimestamp", "eventCount", "duration", "firstEventTimestamp");
        var pagination = answer.GetProperty("pagination");
        pagination.EnumerateObject().Select(m => m.Name).Should().Equal("total", "count", "page", "totalPages", "hasMore");
        (pagination.GetProperty("total").GetInt32(), pagination.GetProperty("totalPages").GetInt32(), pagination.GetProperty("hasMore").GetBoolean()).Should().Be((3, 2, true));

        var session = (await JsonAsync("/api/threads?page=2&count=2&include=systemPrompt,tools")).GetProperty("threads").EnumerateArray().Should().ContainSingle().Subject;
        (session.Text("threadId"), session.Text("externalUserId"), session.Text("entityName"), session.Text("model")).Should().Be(("session-123", "user_12345", "support-agent", "openai/gpt-4o-mini"));
        (session.GetProperty("eventCount").GetInt32(), session.GetProperty("duration").GetDouble()).Should().Be((4, 4000));
        (session.Text("systemPrompt"), session.GetProperty("tools")[0].Text("name")).Should().Be(("You are a helpful support agent.", "search_orders"), "versions that came after its first event are not what it ran under, but for the first");
    }

    [Theory]
    [InlineData("agentName=support-agent", 2)]
    [InlineData("externalUserId=user_12345", 2)]
    [InlineData("externalUserId=user_2", 1)]
    [InlineData("startDate=2026-11-02", 2)]
    [InlineData("endDate=2026-11-01T23:00:00Z", 1)]
    [InlineData("agentName=nobody", 0)]
    [InlineData("agentId=00000000-0000-0000-0000-000000000000", 0)]
    public async Task Threads_are_filtered(string filter, int count) =>
        (await JsonAsync($"/api/threads?{filter}")).GetProperty("threads").GetArrayLength().Should().Be(count);

    [Fact]
    public async Task A_thread_shows_its_events_with_their_typed_fields()
    {
        var thread = await JsonAsync("/api/threads/session-123?include=systemPrompt,tools,metadata,content&eventInclude=metadata,content");
        Names(thread, "success", "sampledOut", "sampledIn", "threadId", "userId", "externalUserId", "providerId", "agentId", "entityId", "entityName", "lastActivity", "model", "systemPrompt", "tools",
            "metadata", "firstEventTimestamp", "lastEventTimestamp", "duration", "eventCount", "totalTokens", "totalLatency", "avgLatency", "errorCount", "events", "hasLateEvents", "eventsPagination",
            "cost", "models", "totalCost");
        (thread.GetProperty("totalTokens").GetInt32(), thread.GetProperty("totalLatency").GetDouble(), thread.GetProperty("avgLatency").GetDouble(), thread.GetProperty("errorCount").GetInt32())
            .Should().Be((58, 489, 122.25, 0));
        thread.GetProperty("totalCost").GetDecimal().Should().Be(0.0000159m, "42 × 0.15 + 16 × 0.60 per million");

        var events = thread.GetProperty("events").EnumerateArray().ToList();
        events.Select(e => e.Text("eventType")).Should().Equal("user_message", "tool_call_request", "tool_call_response", "llm_response");
        Names(events[3], "id", "stepId", "parentStepId", "spanId", "eventType", "timestamp", "content", "metadata", "model", "promptTokens", "completionTokens", "cacheReadTokens", "cacheWriteTokens",
            "latencyMs", "finishReason", "timeSinceStart", "isLateEvent");
        (events[3].GetProperty("promptTokens").GetInt32(), events[3].GetProperty("completionTokens").GetInt32(), events[3].GetProperty("latencyMs").GetDouble(), events[3].Text("finishReason"))
            .Should().Be((42, 16, 390, "stop"));
        (events[1].GetProperty("duration").GetDouble(), events[1].GetProperty("timeSinceStart").GetDouble(), events[1].GetProperty("metadata").Text("tool")).Should().Be((1000, 1000, "search_orders"));
        events[3].TryGetProperty("duration", out _).Should().BeFalse("nothing comes after it");
        events.Select(e => e.GetProperty("stepId").GetInt32()).Should().Equal(1, 2, 3, 4);

        var again = await JsonAsync("/api/threads/session-123?eventLimit=1&eventOffset=2");
        var page = again.GetProperty("eventsPagination");
        (page.GetProperty("total").GetInt32(), page.GetProperty("limit").GetInt32(), page.GetProperty("offset").GetInt32(), page.GetProperty("hasMore").GetBoolean()).Should().Be((4, 1, 2, true));
        var only = again.GetProperty("events").EnumerateArray().Should().ContainSingle().Subject;
        (only.Text("eventType"), only.TryGetProperty("content", out _), only.GetProperty("latencyMs").GetDouble()).Should().Be(("tool_call_response", false, 88), "the second read is as full as the first");
    }

    [Fact]
    public async Task Cached_tokens_are_counted_once_and_paid_once()
    {
        var thread = await JsonAsync("/api/threads/cached");
        var model = thread.GetProperty("models").EnumerateArray().Should().ContainSingle().Subject;
        Names(model, "model", "inputTokens", "outputTokens", "cacheWrite5mTokens", "cacheWrite1hTokens", "cacheCreationTokens", "cacheReadTokens", "totalTokens", "totalCost", "cost", "isLastModel", "contextWindowUsed");
        (model.Text("model"), model.GetProperty("inputTokens").GetInt32(), model.GetProperty("cacheReadTokens").GetInt32(), model.GetProperty("totalTokens").GetInt32())
            .Should().Be(("claude-sonnet-4-5-20250929", 1200, 8200, 9940));
        model.GetProperty("totalCost").GetDecimal().Should().Be(0.010785m);
        thread.GetProperty("totalCost").GetDecimal().Should().Be(0.010785m);
        (thread.GetProperty("totalTokens").GetInt32(), thread.GetProperty("errorCount").GetInt32()).Should().Be((9940, 1));
        var price = model.GetProperty("cost");
        price.EnumerateObject().Select(m => m.Name).Should().Equal("model", "inputTokenPricePerMillionToken", "outputTokenPricePerMillionToken", "cacheReadTokenPricePerMillionToken",
            "cacheWrite5mTokenPricePerMillionToken", "cacheWrite1hTokenPricePerMillionToken", "contextWindow");
        (price.GetProperty("inputTokenPricePerMillionToken").GetDecimal(), price.GetProperty("cacheWrite5mTokenPricePerMillionToken").GetDecimal()).Should().Be((3m, 3.75m));
    }

    [Fact]
    public async Task The_graph_has_a_node_for_each_event_and_an_edge_from_each_parent()
    {
        var answer = await JsonAsync("/api/threads/session-123/graph");
        answer.Text("threadId").Should().Be("session-123");
        var nodes = answer.GetProperty("graph").GetProperty("nodes").EnumerateArray().ToList();
        Names(nodes[3], "id", "stepId", "parentStepId", "type", "model", "timestamp", "latencyMs", "hasError", "timeSinceStart");
        nodes.Select(n => n.Text("type")).Should().Equal("user_message", "tool_call_request", "tool_call_response", "llm_response");
        answer.GetProperty("graph").GetProperty("edges").EnumerateArray().Select(e => (e.Text("from"), e.Text("to")))
            .Should().Equal((nodes[0].Text("id"), nodes[1].Text("id")), (nodes[1].Text("id"), nodes[2].Text("id")), (nodes[2].Text("id"), nodes[3].Text("id")));
    }

    [Fact]
    public async Task Mermaid_draws_the_thread()
    {
        await JsonAsync("/api/threads");
        var answer = await server.ReadAsync("/api/visualize/session-123/mermaid");
        answer.Status.Should().Be(200);
        answer.Text.Split('\n').Should().Contain(["flowchart TD", "    n0([\"user_message\"])", "    n1[[\"tool_call_request: search_orders\"]]", "    n3[\"llm_response: openai/gpt-4o-mini\"]", "    n2 --> n3"]);
    }

    [Fact]
    public async Task A_conversation_finds_its_thread_by_what_was_said_last()
    {
        await JsonAsync("/api/threads");
        var found = await server.PostAsync("/api/threads/match", """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"Your order has shipped."},{"role":"user","content":"Thanks"}],"providerId":null}""");
        (found.Json.GetProperty("found").GetBoolean(), found.Json.Text("traceId")).Should().Be((true, "session-123"), found.Text);
        var none = await server.PostAsync("/api/threads/match", """{"messages":[{"role":"assistant","content":"Never said."}]}""");
        (none.Json.GetProperty("found").GetBoolean(), none.Json.Text("reason")).Should().Be((false, "No matching response"));
    }

    [Fact]
    public async Task Agents_are_listed_registered_or_not_with_their_newest_version()
    {
        var answer = await JsonAsync("/api/entities?include=metadata");
        var agents = answer.GetProperty("agents").EnumerateArray().ToList();
        agents.Select(a => a.Text("name")).Should().BeEquivalentTo("support-agent", "lonely");
        var support = agents.Single(a => a.Text("name") == "support-agent");
        Names(support, "id", "userId", "projectId", "environmentId", "name", "maxTraces", "maxSpans", "traceCount", "successPercentage", "lastActive", "createdAt", "updatedAt", "latestVersion");
        (support.GetProperty("traceCount").GetInt32(), support.GetProperty("successPercentage").GetDouble()).Should().Be((2, 83.33), "one event of six was an error");
        var version = support.GetProperty("latestVersion");
        Names(version, "id", "hash", "metadata", "samplingRate", "createdAt", "updatedAt");
        version.GetProperty("metadata").Text("systemPrompt").Should().Be("You are a brief support agent.");
        agents.Single(a => a.Text("name") == "lonely").GetProperty("latestVersion").ValueKind.Should().Be(JsonValueKind.Null);

        var one = await JsonAsync($"/api/entities/{support.Text("id")}?successRatePeriod=400&traceCountPeriod=30");
        one.GetProperty("versions").GetArrayLength().Should().Be(2);
        one.GetProperty("successPercentage").EnumerateObject().Should().HaveCount(366, "longer ones are a year");
        var counts = one.GetProperty("traceCounts").EnumerateObject().ToList();
        counts.Should().HaveCount(30).And.OnlyContain(d => d.Name.Length == 10);
        counts.Select(d => d.Name).Should().BeInAscendingOrder();

        var ids = (await JsonAsync($"/api/entities/{support.Text("id")}/version-ids")).GetProperty("versions").EnumerateArray().Select(v => v.Text("id")).ToList();
        ids.Should().HaveCount(2).And.StartWith(version.Text("id"));
        var shown = (await JsonAsync($"/api/entities/versions/{ids[1]}")).GetProperty("version");
        shown.EnumerateObject().Select(m => m.Name).Should().Equal("id", "agentId", "name", "hash", "samplingRate", "systemPrompt", "tools", "metadata", "createdAt", "updatedAt");
        (shown.Text("systemPrompt"), shown.Text("agentId")).Should().Be(("You are a helpful support agent.", support.Text("id")));
    }

    [Fact]
    public async Task The_users_of_an_agent_are_counted_with_their_money()
    {
        var id = (await JsonAsync("/api/entities")).GetProperty("agents").EnumerateArray().Single(a => a.Text("name") == "support-agent").Text("id");
        var answer = await JsonAsync($"/api/entities/{id}/user-distribution");
        var user = answer.GetProperty("users").EnumerateArray().Should().ContainSingle().Subject;
        user.EnumerateObject().Select(m => m.Name).Should().Equal("externalUserId", "traceCount", "totalTokens", "totalCost", "errorCount", "lastActiveAt");
        (user.Text("externalUserId"), user.GetProperty("traceCount").GetInt32(), user.GetProperty("totalTokens").GetInt32(), user.GetProperty("totalCost").GetDecimal(), user.GetProperty("errorCount").GetInt32())
            .Should().Be(("user_12345", 2, 9998, 0.0108009m, 1));
        answer.GetProperty("totals").EnumerateObject().Select(m => m.Name).Should().Equal("totalTraces", "totalCost", "totalTokens", "totalErrors", "uniqueUsers");
    }

    [Fact]
    public async Task The_four_analytics_doors_answer_with_every_field()
    {
        var dashboard = await JsonAsync("/api/analytics/dashboard?agentCount=1");
        dashboard.EnumerateObject().Select(m => m.Name).Should().Equal("totalAgents", "activeTraces", "successRate", "avgLatency", "successRateDelta", "avgLatencyDeltaMs", "timeline", "agentsUsage");
        (dashboard.GetProperty("totalAgents").GetInt32(), dashboard.GetProperty("agentsUsage").GetProperty("support-agent").GetInt32()).Should().Be((2, 2));
        dashboard.GetProperty("timeline").EnumerateArray().Select(d => d.Text("day")).Should().HaveCount(7).And.OnlyHaveUniqueItems().And.Contain("SUN");
        dashboard.Text("avgLatency").Should().MatchRegex("^[0-9.]+m?s$");

        var summary = (await JsonAsync("/api/analytics/summary")).GetProperty("summary");
        summary.EnumerateObject().Select(m => (m.Name, m.Value.GetString())).Should().Equal(
            ("totalRequests", "2"), ("totalThreads", "3"), ("totalTokens", "9998"), ("avgLatency", "695"), ("errorCount", "0"));

        var weeks = (await JsonAsync("/api/analytics/timeline?interval=week&startDate=2026-10-26")).GetProperty("timeline").EnumerateArray().ToList();
        weeks.Select(w => (w.Text("timestamp"), w.GetProperty("requestCount").GetInt32())).Should().Equal(("2026-10-26T00:00:00Z", 1), ("2026-11-02T00:00:00Z", 1));
        (await JsonAsync("/api/analytics/timeline?interval=hour&startDate=2026-10-26")).GetProperty("timeline")[0].Text("timestamp").Should().Be("2026-11-01T10:00:00Z");

        var usage = (await JsonAsync("/api/analytics/usage")).GetProperty("stats").EnumerateArray().ToList();
        usage.Select(u => (u.Text("provider"), u.Text("model"), u.GetProperty("requestCount").GetInt32(), u.GetProperty("totalTokens").GetInt32()))
            .Should().BeEquivalentTo([("openai", "openai/gpt-4o-mini", 1, 58), ("anthropic", "claude-sonnet-4-5-20250929", 1, 9940)]);
        (await server.GetAsync("/api/analytics/summary?userId=somebody-else")).Status.Should().Be(403);
    }

    [Fact]
    public async Task Prices_are_told_by_name()
    {
        await FillAsync();
        (await server.PostAsync("/api/llm-costs", """{"models":"openai/gpt-4o-mini"}""")).Json.GetProperty("inputTokenPricePerMillionToken").GetDecimal().Should().Be(0.15m);
        (await server.PostAsync("/api/llm-costs", """{"models":["claude-sonnet-4-5-20250929","nobody-knows"]}""")).Json.GetArrayLength().Should().Be(1);
        (await server.PostAsync("/api/llm-costs", """{"models":"nobody-knows"}""")).Status.Should().Be(404);
        (await server.PostAsync("/api/llm-costs", """{"models":7}""")).Status.Should().Be(400);
    }

    [Fact]
    public async Task A_trace_is_analysed_by_rules_and_always_alike()
    {
        await FillAsync();
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"loops","name":"l","scopes":["ingest","read"]}""")).Json.Text("key")!;
        var loop = string.Join(',', Enumerable.Range(1, 3).Select(i =>
            $$$"""{"eventType":"tool_call_request","traceId":"loop","agentName":"looper","stepId":{{{i}}},"spanId":"s{{{i}}}","timestamp":"2026-11-04T10:00:0{{{i}}}Z","content":{"toolCalls":[{"name":"look","arguments":{"a":1}}]},"metadata":{"tool":"look"}}"""));
        var late = """{"eventType":"tool_call_response","traceId":"loop","agentName":"looper","stepId":2,"parentStepId":9,"spanId":"gone","timestamp":"2026-11-04T10:00:05Z","content":{},"metadata":{"tool":"look"}}""";
        (await server.PostAsync("/api/events", $"[{loop},{late}]", key)).Status.Should().Be(201);

        var made = await server.SendAsync(HttpMethod.Post, "/api/analyses", """{"traceId":"loop"}"""u8.ToArray(), key, ("X-Min-Position", server.Written!));
        made.Status.Should().Be(201, made.Text);
        made.Json.GetProperty("findings").EnumerateArray().Select(f => f.Text("code")).Should().BeEquivalentTo(
            "step_order", "duplicate_step", "missing_parent", "request_without_response", "request_without_response", "request_without_response", "orphan_response", "no_follow_up", "tool_loop");
        var found = made.Json.GetProperty("findings").EnumerateArray().Single(f => f.Text("code") == "tool_loop");
        (found.Text("severity"), found.GetProperty("eventIds").GetArrayLength()).Should().Be(("error", 3));
        foreach (var path in (string[])["/api/analyses/trace/loop", $"/api/analyses/{made.Json.Text("id")}"])
            (await server.GetAsync(path, key)).Json.GetProperty("findings").GetRawText().Should().Be(made.Json.GetProperty("findings").GetRawText());
        (await server.ReadAsync("/api/analyses/trace/session-123")).Json.GetProperty("findings").GetArrayLength().Should().Be(0);
    }

    [Theory]
    [InlineData("/api/threads?startDate=x", 400, "Invalid startDate")]
    [InlineData("/api/threads/none", 404, "Thread not found")]
    [InlineData("/api/threads/none/graph", 404, "Thread not found")]
    [InlineData("/api/events/none", 404, "Event not found")]
    [InlineData("/api/entities/none", 404, "Agent not found")]
    [InlineData("/api/entities/versions/none", 404, "Version not found")]
    [InlineData("/api/analytics/timeline?interval=year", 400, "Invalid interval")]
    public async Task What_is_not_there_or_cannot_be_read_is_said(string path, int status, string error)
    {
        var answer = await server.GetAsync(path);
        (answer.Status, answer.Json.Text("error")).Should().Be((status, error));
        if (path.StartsWith("/api/threads", StringComparison.Ordinal)) answer.Json.GetProperty("success").GetBoolean().Should().BeFalse();
    }

    [Theory]
    [InlineData("/api/events")]
    [InlineData("/api/threads")]
    [InlineData("/api/entities")]
    [InlineData("/api/analytics/dashboard")]
    public async Task Without_a_key_there_is_one_answer(string path) =>
        (await server.GetAsync(path, key: null)).Text.Should().Be("""{"error":"Unauthorized: Authentication required"}""");

    [Theory]
    [InlineData("dashboard")]
    [InlineData("summary")]
    [InlineData("timeline")]
    [InlineData("usage")]
    public async Task Figures_of_another_user_are_refused(string door)
    {
        var answer = await server.GetAsync($"/api/analytics/{door}?userId={Guid.NewGuid()}");
        (answer.Status, answer.Text).Should().Be((403, """{"error":"Forbidden: userId is not yours"}"""));
    }

    [Fact]
    public async Task Ids_of_agents_and_versions_are_found_in_either_case()
    {
        var agent = (await JsonAsync("/api/entities")).GetProperty("agents")[0];
        var (id, version) = (agent.Text("id")!.ToUpperInvariant(), agent.GetProperty("latestVersion").Text("id")!.ToUpperInvariant());
        (await JsonAsync($"/api/entities/{id}")).Text("name").Should().Be(agent.Text("name"));
        (await JsonAsync($"/api/entities/versions/{version}")).GetProperty("version").Text("name").Should().Be(agent.Text("name"));
        (await JsonAsync($"/api/threads?agentId={id}")).GetProperty("pagination").GetProperty("total").GetInt32().Should().Be(agent.GetProperty("traceCount").GetInt32());
    }

    [Fact]
    public async Task Another_projects_data_is_as_good_as_none()
    {
        var id = (await JsonAsync("/api/events?traceId=session-123")).GetProperty("events")[0].Text("id");
        var agent = (await JsonAsync("/api/entities")).GetProperty("agents")[0].Text("id");
        var key = (await server.PostAsync("/api/v1/keys", """{"project_id":"stranger","name":"s","scopes":["read"]}""")).Json.Text("key")!;
        foreach (var path in (string[])[$"/api/events/{id}", "/api/threads/session-123", "/api/threads/session-123/graph", "/api/visualize/session-123/mermaid", $"/api/entities/{agent}", "/api/analyses/trace/session-123", "/api/analyses/session-123"])
            (await server.GetAsync(path, key)).Status.Should().Be(404, path);
        (await server.GetAsync("/api/events?traceId=session-123", key)).Json.GetProperty("events").GetArrayLength().Should().Be(0);
        (await server.GetAsync("/api/threads", key)).Json.GetProperty("threads").GetArrayLength().Should().Be(0);
        (await server.GetAsync("/api/entities", key)).Json.GetProperty("agents").GetArrayLength().Should().Be(0);
        (await server.GetAsync("/api/analytics/summary", key)).Json.GetProperty("summary").Text("totalThreads").Should().Be("0");
    }

    [Fact]
    public async Task Health_is_told_to_anybody()
    {
        foreach (var path in (string[])["/api/health", "/api/health/ready"]) (await server.GetAsync(path, key: null)).Status.Should().Be(200, path);
    }
}

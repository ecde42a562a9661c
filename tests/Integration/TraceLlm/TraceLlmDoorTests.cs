using System.Globalization;
using System.Text.Json;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.TraceLlm;

/// <summary>TraceLLM's doors on the real server, field by field against its contract.</summary>
public sealed class TraceLlmDoorTests(TraceLlmDoorTests.Shop server) : IClassFixture<TraceLlmDoorTests.Shop>
{
    static readonly string[] s_seventeen =
    [
        "trace_id", "prompt", "response", "latency", "token_count", "model_name", "project_id", "project_name", "api_key", "environment", "status", "steps",
        "retry_count", "slow_request", "failure_reason", "created_at", "updated_at",
    ];

    static int s_projects;

    public sealed class Shop : LiveServer
    {
        /// <summary>A project of its own, and a key that reads and writes it.</summary>
        public async Task<string> ProjectAsync(string? environment = null)
        {
            var name = $"Shop {Interlocked.Increment(ref s_projects)} {Guid.NewGuid():n}";
            var made = await PostAsync($"/projects?name={Uri.EscapeDataString(name)}&environment={environment ?? "production"}", "");
            made.Status.Should().Be(201, made.Text);
            return made.Json.GetProperty("api_key").GetProperty("key").GetString()!;
        }
    }

    async Task<JsonElement> SaveAsync(string key, string body, string path = "/traces")
    {
        var saved = await server.PostAsync(path, body, key);
        saved.Status.Should().Be(201, saved.Text);
        return saved.Json;
    }

    async Task<JsonElement> ReadAsync(string key, string path)
    {
        var answer = await server.GetAsync(path, key, ("X-Min-Position", server.Written ?? "0"));
        answer.Status.Should().Be(200, answer.Text);
        return answer.Json;
    }

    [Fact]
    public async Task What_is_saved_is_read_back_with_all_17_members_in_order()
    {
        var key = await server.ProjectAsync();
        const string sent = """
            {"trace_id":"tr_2kf9q3m1","prompt":"What is my order's state? ä😀","response":"On its way","latency":842.123456,"token_count":421,"model_name":"gpt-4o-mini",
             "project_name":"Shop","environment":"staging","status":"Warning","retry_count":3,"slow_request":true,"failure_reason":"was tried again",
             "created_at":"2026-05-31T14:22:10","updated_at":"2026-05-31T14:22:11.000001+02:00",
             "steps":[{"step_id":"s-1","tool_name":"search","input":{"q":[1,2]},"output":{"hits":0},"duration":12.3456789,"success":true,"timestamp":"2026-05-31T14:22:09.5Z"},
                      {"step_id":"s-2","tool_name":"answer","input":{},"output":{"text":"x"},"duration":0,"success":true,"timestamp":"2026-05-31T14:22:08Z"}]}
            """;
        var saved = await SaveAsync(key, sent);
        saved.EnumerateObject().Select(m => m.Name).Should().Equal(s_seventeen);
        var read = await ReadAsync(key, "/traces/tr_2kf9q3m1");
        read.GetRawText().Should().Be(saved.GetRawText());

        var expected = JsonDocument.Parse(sent).RootElement;
        foreach (var member in (string[])["trace_id", "prompt", "response", "latency", "token_count", "model_name", "project_name", "environment", "retry_count", "slow_request", "failure_reason"])
            JsonElement.DeepEquals(read.GetProperty(member), expected.GetProperty(member)).Should().BeTrue($"{member}: {read.GetProperty(member)}");
        read.Text("status").Should().Be("warning");
        read.Text("created_at").Should().Be("2026-05-31T14:22:10.000000+00:00");
        read.Text("updated_at").Should().Be("2026-05-31T12:22:11.000001+00:00");
        read.GetProperty("api_key").ValueKind.Should().Be(JsonValueKind.Null);
        read.GetProperty("steps")[0].GetRawText().Should().Be(
            """{"step_id":"s-1","tool_name":"search","input":{"q":[1,2]},"output":{"hits":0},"duration":12.3456789,"success":true,"timestamp":"2026-05-31T14:22:09.500000+00:00"}""");
        read.GetProperty("steps")[1].Text("step_id").Should().Be("s-2", "steps stand in the order they were sent, whatever their times");

        var listed = (await ReadAsync(key, "/api/traces")).GetProperty("items")[0];
        listed.GetRawText().Should().Be(saved.GetRawText());
    }

    [Fact]
    public async Task What_the_payload_leaves_open_follows_from_the_rules()
    {
        var key = await server.ProjectAsync("production");
        var least = await SaveAsync(key, "{}");
        (await ReadAsync(key, $"/traces/{least.Text("trace_id")}")).GetRawText().Should().Be(least.GetRawText());
        Guid.TryParse(least.Text("trace_id"), out _).Should().BeTrue();
        (least.Text("model_name"), least.Text("environment"), least.Text("status"), least.Text("prompt")).Should().Be(("unknown", "production", "success", ""));
        least.GetProperty("response").ValueKind.Should().Be(JsonValueKind.Null);
        (await ReadAsync(key, "/traces")).GetProperty("items")[0].Text("response").Should().Be("", "lists say so");

        var aliased = await SaveAsync(key, """
            {"id":"a","model":"m","timestamp":"2026-05-31T14:22:10.5","prompt":"p","latency":"1499.99","token_count":"7",
             "steps":[{"step_type":"t","input_data":"x","output_data":[1],"created_at":"2026-05-31T14:22:10"},{"tool_name":"t","success":false,"output":{"message":"no"}},{}]}
            """);
        (aliased.Text("trace_id"), aliased.Text("model_name"), aliased.Text("created_at")).Should().Be(("a", "m", "2026-05-31T14:22:10.500000+00:00"));
        (aliased.GetProperty("latency").GetDouble(), aliased.GetProperty("token_count").GetInt32(), aliased.GetProperty("slow_request").GetBoolean()).Should().Be((1499.99, 7, false));
        (aliased.Text("status"), aliased.Text("failure_reason"), aliased.GetProperty("retry_count").GetInt32()).Should().Be(("failed", "no", 1));
        var steps = aliased.GetProperty("steps");
        (steps[0].GetProperty("input").GetRawText(), steps[0].GetProperty("output").GetRawText()).Should().Be(("""{"value":"x"}""", """{"value":[1]}"""));
        (steps[2].Text("step_id"), steps[2].Text("tool_name"), steps[2].GetProperty("duration").GetDouble(), steps[2].GetProperty("success").GetBoolean())
            .Should().Be(("step_3", "agent", 0, true));
        (await ReadAsync(key, "/traces/a")).GetRawText().Should().Be(aliased.GetRawText());
    }

    [Fact]
    public async Task The_same_trace_again_replaces_all_of_it()
    {
        var key = await server.ProjectAsync();
        await SaveAsync(key, """
            {"trace_id":"t","prompt":"first","response":"one","latency":5000,"token_count":900,"model_name":"m1","environment":"staging","status":"failed","failure_reason":"bad","retry_count":4,
             "created_at":"2026-05-31T14:22:10","steps":[{"tool_name":"a"},{"tool_name":"b","success":false},{"tool_name":"c"}]}
            """);
        var second = await SaveAsync(key, """{"trace_id":"t","prompt":"second","created_at":"2026-05-30T00:00:00","steps":[{"tool_name":"z"}]}""");
        (await ReadAsync(key, "/traces/t")).GetRawText().Should().Be(second.GetRawText());
        var list = await ReadAsync(key, "/traces");
        list.GetProperty("total").GetInt32().Should().Be(1);
        var sums = (await ReadAsync(key, "/analytics")).GetProperty("summary");
        sums.GetRawText().Should().Be("""{"total_traces":1,"success_rate":100,"average_latency":0,"p95_latency":0,"total_token_usage":0,"failed_traces":0,"warning_traces":0,"retries":0,"slow_requests":0}""");

        var twice = await SaveAsync(key, """[{"trace_id":"u","prompt":"one"},{"trace_id":"u","prompt":"two"}]""");
        (await ReadAsync(key, "/traces/u")).GetRawText().Should().Be(twice[1].GetRawText(), "within a batch too the later one stands");
    }

    [Fact]
    public async Task A_secret_goes_in_and_does_not_come_out()
    {
        var key = await server.ProjectAsync();
        var secret = $"sk-very-secret-{Guid.NewGuid():n}";
        await SaveAsync(key, $$"""{"trace_id":"t","api_key":"{{secret}}"}""");
        await SaveAsync(key, $$"""{"trace_id":"u","api_key":"{{key}}"}""");
        (await ReadAsync(key, "/traces/u")).Text("api_key").Should().Be($"tlm_sk_…{key[^4..]}");
        foreach (var path in (string[])["/traces", "/api/v1/traces/t/timeline", "/api/v1/traces/t/tree", "/api/v1/traces/u/timeline"])
            (await ReadAsync(key, path)).GetRawText().Should().NotContain(secret).And.NotContain(key);
    }

    [Fact]
    public async Task Bad_elements_are_named_and_their_neighbours_kept()
    {
        var key = await server.ProjectAsync();
        var answer = await server.PostAsync("/api/traces", """
            [{"trace_id":"good"},{"latency":-1},{"token_count":"x","retry_count":1.5},{"steps":{}},{"steps":[{"duration":-2},7]},{"created_at":"soon"},{"trace_id":"a\u0000"},"no",{"trace_id":"fine"}]
            """, key);
        answer.Status.Should().Be(422);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[0,8]");
        answer.Json.GetProperty("detail").EnumerateArray().Select(d => $"{d.Text("type")} {d.GetProperty("loc").GetRawText()}").Should().Equal(
            """greater_than_equal ["body",1,"latency"]""", """int_parsing ["body",2,"token_count"]""", """int_parsing ["body",2,"retry_count"]""",
            """list_type ["body",3,"steps"]""", """greater_than_equal ["body",4,"steps",0,"duration"]""", """model_attributes_type ["body",4,"steps",1]""",
            """datetime_parsing ["body",5,"created_at"]""", """string_unicode ["body",6,"trace_id"]""", """model_attributes_type ["body",7]""");
        (await ReadAsync(key, "/traces")).GetProperty("items").EnumerateArray().Select(t => t.Text("trace_id")).Should().BeEquivalentTo(["good", "fine"]);

        (await server.PostAsync("/traces", $"[{string.Join(',', Enumerable.Repeat("{}", 101))}]", key)).Status.Should().Be(422);
        (await server.PostAsync("/traces", "nonsense", key)).Status.Should().Be(400);
    }

    [Fact]
    public async Task Filters_are_inclusive_and_total_counts_all_that_match()
    {
        var key = await server.ProjectAsync();
        await SaveAsync(key, "[" + string.Join(',', Enumerable.Range(1, 60).Select(i =>
            $$"""{"trace_id":"t{{i:00}}","prompt":"p","latency":{{i * 100}},"token_count":{{i}},"model_name":"m{{i % 3}}","environment":"{{(i % 2 == 0 ? "staging" : "development")}}","status":"{{(i % 5 == 0 ? "failed" : i % 7 == 0 ? "warning" : "success")}}","created_at":"2026-05-31T14:{{i - 1:00}}:00"}""")) + "]");

        async Task<(int Total, List<string?> Ids)> List(string query)
        {
            var list = await ReadAsync(key, $"/traces?{query}");
            return (list.GetProperty("total").GetInt32(), [.. list.GetProperty("items").EnumerateArray().Select(t => t.Text("trace_id"))]);
        }

        var all = await List("");
        (all.Total, all.Ids.Count).Should().Be((60, 50));
        all.Ids.Should().Equal(Enumerable.Range(11, 50).Reverse().Select(i => $"t{i:00}"), "newest first");
        foreach (var (query, expected) in ((string, int[])[])[
            ("latency_min=5900", [60, 59]), ("latency_max=200&latency_min=", [2, 1]), ("token_min=3&token_max=4", [4, 3]), ("limit=2", [60, 59]),
            ("status=failed&limit=200", [60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5]), ("status=nonsense", []), ("status=&limit=1", [60]), ("model=m1&token_max=4", [4, 1]),
            ("environment=staging&token_max=3", [2]), ("project_id=somebody-elses", []), ("project_id=%00", []), ("model=%00", []), ("latency_min=5999.5", [60])])
        {
            if (query.EndsWith("latency_min=", StringComparison.Ordinal))
            {
                (await server.GetAsync($"/traces?{query}", key)).Status.Should().Be(422, "an empty number is no number");
                continue;
            }
            (await List(query)).Ids.Should().Equal(expected.Select(i => $"t{i:00}"), query);
        }
        (await List("model=m1&limit=1")).Total.Should().Be(20);

        var failures = await ReadAsync(key, "/failures?limit=3");
        (failures.GetProperty("failed_traces").GetArrayLength(), failures.GetProperty("retries").GetArrayLength(), failures.GetProperty("slow_requests").GetArrayLength()).Should().Be((3, 0, 3));
        failures.GetProperty("totals").GetRawText().Should().Be("""{"failed_traces":12,"retries":0,"slow_requests":46}""");
        var analytics = await ReadAsync(key, "/api/analytics");
        var summary = analytics.GetProperty("summary");
        (summary.GetProperty("total_traces").GetInt32(), summary.GetProperty("failed_traces").GetInt32(), summary.GetProperty("warning_traces").GetInt32()).Should().Be((60, 12, 7));
        (summary.GetProperty("success_rate").GetDouble(), summary.GetProperty("average_latency").GetDouble(), summary.GetProperty("p95_latency").GetDouble()).Should().Be((68.33, 3050, 5700));
        (summary.GetProperty("total_token_usage").GetInt32(), summary.GetProperty("slow_requests").GetInt32()).Should().Be((1830, 46));
        analytics.GetProperty("charts").GetArrayLength().Should().Be(0, "they are older than a day");
        analytics.GetProperty("recent_failures").EnumerateArray().Select(t => t.Text("trace_id")).Should().Equal("t60", "t59", "t58", "t57", "t56");
        analytics.GetProperty("status_breakdown").GetRawText().Should().Be("""[{"key":"success","count":41},{"key":"failed","count":12},{"key":"warning","count":7}]""");
        analytics.GetProperty("model_breakdown").GetRawText().Should().Be("""[{"key":"m1","count":20},{"key":"m2","count":20},{"key":"m0","count":20}]""", "equals in the order they were first seen");
    }

    [Fact]
    public async Task Numbers_out_of_range_are_refused_in_FastAPIs_words()
    {
        var answer = await server.GetAsync("/traces?limit=201&latency_min=-1&token_max=x&latency_max=nan");
        answer.Status.Should().Be(422);
        answer.Json.GetProperty("detail").GetRawText().Should().Be(
            """[{"type":"greater_than_equal","loc":["query","latency_min"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0}},"""
            + """{"type":"greater_than_equal","loc":["query","latency_max"],"msg":"Input should be greater than or equal to 0","input":"nan","ctx":{"ge":0}},"""
            + """{"type":"int_parsing","loc":["query","token_max"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"},"""
            + """{"type":"less_than_equal","loc":["query","limit"],"msg":"Input should be less than or equal to 200","input":"201","ctx":{"le":200}}]""");
        (await server.GetAsync("/failures?limit=101")).Status.Should().Be(422);
        (await server.GetAsync("/traces?limit=1&limit=2.0")).Status.Should().Be(200, "the last of a name counts, and 2.0 is whole");
        (await server.PostAsync("/projects", "")).Json.GetProperty("detail").GetRawText().Should().Be(
            """[{"type":"missing","loc":["query","name"],"msg":"Field required","input":null},{"type":"missing","loc":["query","environment"],"msg":"Field required","input":null}]""");
    }

    [Fact]
    public async Task Paths_and_methods_are_answered_as_FastAPI_does()
    {
        (await server.GetAsync("/", key: null)).Text.Should().Be("""{"message":"TraceLLM backend running"}""");
        (await server.GetAsync("/", key: null, ("Accept", "text/html,*/*"))).Text.Should().StartWith("<!doctype html>");
        foreach (var under in (string[])["", "/api"])
        {
            var gone = await server.SendAsync(HttpMethod.Delete, $"{under}/traces", null, null);
            (gone.Status, gone.Text).Should().Be((405, """{"detail":"Method Not Allowed"}"""));
            (await server.SendAsync(HttpMethod.Head, $"{under}/analytics", null, null)).Status.Should().Be(405);
            var moved = await server.GetAsync($"{under}/traces/?limit=1", key: null);
            (moved.Status, moved.Headers["Location"]).Should().Be((307, $"{under}/traces?limit=1"));
            (await server.GetAsync($"{under}/traces/nobody")).Text.Should().Be("""{"detail":"Trace not found"}""");
        }
        (await server.GetAsync($"{server.Http.BaseAddress}/traces/", key: null)).Headers.Should().NotContainKey("Location", "//traces would be a host");
    }

    [Fact]
    public async Task Projects_have_a_name_once_and_keys_are_shown_once()
    {
        // The log has begun before the project that is looked at, whichever test comes first.
        await server.ProjectAsync("development");
        var name = $"Über--X {Guid.NewGuid():n}";
        var made = await server.PostAsync($"/api/projects?name={Uri.EscapeDataString(name)}&environment=production&description=d", "");
        made.Status.Should().Be(201, made.Text);
        var (project, key) = (made.Json.GetProperty("project"), made.Json.GetProperty("api_key"));
        project.EnumerateObject().Select(m => m.Name).Should().Equal("project_id", "name", "description", "created_at");
        key.EnumerateObject().Select(m => m.Name).Should().Equal("key", "project_id", "environment", "created_at");
        (project.Text("name"), project.Text("description"), key.Text("environment"), key.Text("project_id")).Should().Be((name, "d", "production", project.Text("project_id")));
        var secret = key.Text("key")!;
        Domain.Projects.ApiKey.HasValidChecksum(secret).Should().BeTrue();
        secret.Should().MatchRegex("^tlm_sk_[A-Za-z0-9]{38}$");

        var again = await server.PostAsync($"/projects?name={Uri.EscapeDataString(name.ToUpperInvariant())}&environment=x", "");
        (again.Status, again.Text).Should().Be((409, """{"detail":"Project already exists"}"""));

        (await server.GetAsync("/projects")).Json.EnumerateArray().Select(p => p.Text("name")).Should().Contain(["default", name]);
        (await server.GetAsync("/projects", secret)).Json.EnumerateArray().Select(p => p.Text("name")).Should().Equal([name], "others are nobody's business");
        var ours = (await server.GetAsync("/projects")).Json.EnumerateArray().Single(p => p.Text("project_id") == "default");
        ours.GetProperty("created_at").GetDateTimeOffset().Should().BeAfter(TimeProvider.System.GetUtcNow().AddHours(-1)).And.BeOnOrBefore(project.GetProperty("created_at").GetDateTimeOffset(), "it is as old as the log, though it has a key of the settings alone");
        var keys = await server.GetAsync($"/api-keys?project_id={project.Text("project_id")}");
        keys.Json[0].Text("key").Should().Be($"tlm_sk_…{secret[^4..]}");
        keys.Text.Should().NotContain(secret);
        (await server.GetAsync("/api-keys", secret)).Status.Should().Be(403);

        await SaveAsync(secret, """{"trace_id":"mine"}""");
        (await ReadAsync(secret, "/traces/mine")).Text("environment").Should().Be("production", "the key's, where the payload has none");
        (await server.GetAsync("/traces/mine")).Status.Should().Be(404, "another project's trace looks like none");
        (await ReadAsync("an-admin-key-of-24-chars", $"/traces?project_id={project.Text("project_id")}")).GetProperty("total").GetInt32().Should().Be(1, "who administers all may ask for it");
    }

    [Fact]
    public async Task A_trace_of_any_dialect_shows_as_17_members()
    {
        var key = await server.ProjectAsync("development");
        var written = await server.PostAsync("/api/v1/events", """
            [{"type":"user_message","trace_id":"n","span_id":"u","at":"2026-05-31T10:00:00Z","content":"Where is it?"},
             {"type":"tool_call_request","trace_id":"n","span_id":"c1","at":"2026-05-31T10:00:01Z","name":"lookup","content":{"id":1}},
             {"type":"tool_call_response","trace_id":"n","span_id":"c1","at":"2026-05-31T10:00:01.5Z","status":"error","error":"no such order"},
             {"type":"tool_call_request","trace_id":"n","span_id":"c2","at":"2026-05-31T10:00:02Z","name":"lookup","content":{"id":2}},
             {"type":"tool_call_response","trace_id":"n","span_id":"c2","at":"2026-05-31T10:00:02.25Z","content":{"state":"sent"}},
             {"type":"llm_response","trace_id":"n","span_id":"l","at":"2026-05-31T10:00:03Z","model":"gpt-4o","provider":"openai","usage":{"prompt_tokens":30,"completion_tokens":12},"content":"It was sent."}]
            """, key);
        written.Status.Should().Be(202, written.Text);
        var trace = await ReadAsync(key, "/traces/n");
        trace.EnumerateObject().Select(m => m.Name).Should().Equal(s_seventeen);
        (trace.Text("prompt"), trace.Text("response"), trace.Text("model_name"), trace.Text("status")).Should().Be(("Where is it?", "It was sent.", "gpt-4o", "failed"));
        (trace.GetProperty("latency").GetDouble(), trace.GetProperty("retry_count").GetInt32(), trace.GetProperty("slow_request").GetBoolean()).Should().Be((3000, 1, true));
        (trace.Text("created_at"), trace.Text("updated_at")).Should().Be(("2026-05-31T10:00:00.000000+00:00", "2026-05-31T10:00:03.000000+00:00"));
        trace.GetProperty("steps").EnumerateArray().Select(s => $"{s.Text("step_id")} {s.Text("tool_name")} {s.GetProperty("duration").GetDouble().ToString(CultureInfo.InvariantCulture)} {s.GetProperty("success")}")
            .Should().Equal("c1 lookup 500 False", "c2 lookup 250 True");
    }
}

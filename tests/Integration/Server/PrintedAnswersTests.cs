using System.Globalization;
using System.Text.Json;
using Hindcast.Integration.Engines;
using Hindcast.Integration.Gateway;

namespace Hindcast.Integration.Server;

public sealed class PrintedAnswersOnSqlite(PrintedServer server) : PrintedAnswersTests(server), IClassFixture<PrintedServer>;

public sealed class PrintedAnswersOnPostgres(PrintedOnPostgres server) : PrintedAnswersTests(server), IClassFixture<PrintedOnPostgres>;

/// <summary>A server with a provider behind it that answers what the page of TROPS prints.</summary>
public class PrintedServer : LiveServer, IAsyncLifetime
{
    FakeProvider? _provider;

    public const string Chat = """
        {"id":"chatcmpl-xxx","object":"chat.completion","created":1234567890,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"The capital of France is Paris."},"finish_reason":"stop"}],
         "usage":{"prompt_tokens":20,"completion_tokens":8,"total_tokens":28}}
        """;

    protected override async Task<Dictionary<string, string>> SettingsAsync()
    {
        _provider = await FakeProvider.StartAsync();
        _provider.Reset((http, _) => FakeProvider.Json(http, 200, Chat));
        return new()
        {
            ["Hindcast__Upstreams__openai__BaseUrl"] = $"{_provider.Address}/v1", ["Hindcast__Upstreams__openai__ApiKey"] = "sk-printed", ["Hindcast__Upstreams__AllowPrivateNetworks"] = "true",
            ["Hindcast__Jwt__Secret"] = SignedElsewhere.Secret,
        };
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        if (_provider is not null) await _provider.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

public sealed class PrintedOnPostgres : PrintedServer
{
    protected override async Task<Dictionary<string, string>> SettingsAsync() =>
        new(await base.SettingsAsync()) { ["ConnectionStrings__Postgres"] = await PostgresServer.DatabaseAsync() };
}

/// <summary>
/// The answers that the systems' own pages print, field by field, from data that has to give them. <c>…</c> ends a text that goes on, and stands for what differs
/// from one server to the next.
/// </summary>
public abstract class PrintedAnswersTests(PrintedServer server)
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static readonly DateTimeOffset Page = new(2025, 1, 16, 12, 0, 0, TimeSpan.Zero);

    static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    async Task<string> KeyAsync(string project, params string[] scopes) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "k", scopes = (string[])["admin", "ingest", "read", .. scopes], plan = "custom" }))).Json.Text("key")!;

    async Task WriteAsync(string key, string path, IEnumerable<object> elements, int at = 500)
    {
        foreach (var part in elements.Chunk(at))
        {
            var answer = await server.PostAsync(path, JsonSerializer.Serialize(part), key);
            answer.Status.Should().BeOneOf([201, 202], answer.Text);
        }
    }

    async Task<Answer> GetAsync(string path, string key) => await server.GetAsync(path, key, ("X-Min-Position", server.Written ?? "0"));

    static void Same(string answered, string printed) => Same(JsonElement.Parse(answered), JsonElement.Parse(printed), "$");

    /// <summary>Everything that is printed is there, and is the same.</summary>
    static void Same(JsonElement answered, JsonElement printed, string path)
    {
        switch (printed.ValueKind)
        {
            case JsonValueKind.Object:
                answered.EnumerateObject().Select(m => m.Name).Should().Contain(printed.EnumerateObject().Select(m => m.Name), path);
                foreach (var member in printed.EnumerateObject()) Same(answered.GetProperty(member.Name), member.Value, $"{path}.{member.Name}");
                break;
            case JsonValueKind.Array:
                answered.GetArrayLength().Should().BeGreaterThanOrEqualTo(printed.GetArrayLength(), path);
                for (var i = 0; i < printed.GetArrayLength(); i++) Same(answered[i], printed[i], $"{path}[{i}]");
                break;
            case JsonValueKind.Number:
                answered.GetDecimal().Should().Be(printed.GetDecimal(), path);
                break;
            case JsonValueKind.String when printed.GetString()!.EndsWith('…'):
                answered.GetString().Should().StartWith(printed.GetString()![..^1], path);
                break;
            default:
                answered.ToString().Should().Be(printed.ToString(), path);
                answered.ValueKind.Should().Be(printed.ValueKind, path);
                break;
        }
    }

    static void Members(JsonElement answered, params string[] names) => answered.EnumerateObject().Select(m => m.Name).Should().Equal(names);

    [Fact]
    public async Task Trops_chat_completion()
    {
        var key = await KeyAsync("trops-chat", "gateway");
        var answer = await server.PostAsync("/v1/chat/completions", """
            {"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is the capital of France?"}],"temperature":0.7,"max_tokens":150,"stream":false}
            """, null, ("Authorization", $"Bearer {key}"));
        answer.Status.Should().Be(200, answer.Text);
        Same(answer.Text, PrintedServer.Chat);
        answer.Headers.Keys.Should().Contain(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);

        Answer listed;
        while ((listed = await server.GetAsync("/v1/analytics/requests", key)).Json.GetProperty("total").GetInt32() == 0) await Task.Delay(50, Ct);
        Same(listed.Json.GetProperty("items")[0].GetRawText(), """{"id":"req_…","request_id":"chatcmpl-xxx","model":"gpt-4o-mini","status":"ok","prompt_tokens":20,"completion_tokens":8,"total_tokens":28,"created_at":"20…"}""");
    }

    /// <summary>1,250 requests, of which the newest is the one printed. Its price is one at which it costs what is printed.</summary>
    [Fact]
    public async Task Trops_requests()
    {
        var key = await KeyAsync("trops-requests");
        (await server.SendAsync(HttpMethod.Put, "/api/v1/prices", """{"prices":[{"provider":"openai","model":"gpt-4o-mini","valid_from":"2024-01-01T00:00:00Z","input_per_million_usd":0.2,"output_per_million_usd":0.2}]}"""u8.ToArray(), key))
            .Status.Should().Be(200);
        await WriteAsync(key, "/api/v1/events", Enumerable.Range(0, 1_250).Select(i => new
        {
            type = "llm_response", trace_id = $"t{i}", span_id = "s", at = Iso(Page.AddMinutes(-i).AddMilliseconds(234)), latency_ms = 234, provider = "openai", model = "gpt-4o-mini",
            usage = new { input = 20, output = 45 }, attributes = new Dictionary<string, string> { ["gen_ai.response.id"] = "chatcmpl-xxx" }, content = "x",
        }));
        var answer = await GetAsync("/v1/analytics/requests", key);
        Members(answer.Json, "items", "total", "page", "page_size");
        Members(answer.Json.GetProperty("items")[0], "id", "request_id", "model", "status", "latency_ms", "prompt_tokens", "completion_tokens", "total_tokens", "cost_cents", "created_at");
        Same(answer.Text, """
            {"items":[{"id":"req_…","request_id":"chatcmpl-xxx","model":"gpt-4o-mini","status":"ok","latency_ms":234,"prompt_tokens":20,"completion_tokens":45,"total_tokens":65,"cost_cents":0.0013,
             "created_at":"2025-01-16T12:00:00Z"}],"total":1250,"page":1,"page_size":50}
            """);
    }

    /// <summary>145 requests of the present minute; one of them is paid for, so that the prices come out.</summary>
    [Fact]
    public async Task Trops_overview()
    {
        var key = await KeyAsync("trops-overview");
        (await server.SendAsync(HttpMethod.Put, "/api/v1/prices", """{"prices":[{"provider":"openai","model":"m","valid_from":"2024-01-01T00:00:00Z","input_per_million_usd":6.5,"output_per_million_usd":32}]}"""u8.ToArray(), key))
            .Status.Should().Be(200);
        var day = TimeProvider.System.GetUtcNow();
        day = new(day.UtcDateTime.Date.AddDays(-1), TimeSpan.Zero);
        // 2 failed; of 143 that completed the 136th takes 456 ms, and all of them 234 on average.
        await WriteAsync(key, "/api/v1/events", Enumerable.Range(0, 145).Select(i => new
        {
            type = "llm_response", trace_id = $"t{i}", span_id = "s", at = Iso(day.AddHours(12)), provider = "openai", model = "m", status = i >= 143 ? "error" : "ok",
            latency_ms = i < 21 ? 220 : i < 135 ? 221 : i < 143 ? 456 : 9_000, attributes = new { cache_hit = i is > 0 and <= 33 },
            usage = i == 0 ? new { input = 2_000, output = 3_450 } : i == 1 ? new { input = 340, output = 0 } : new { input = 0, output = 0 },
        }));
        var buckets = (await GetAsync("/v1/analytics/overview?window=7d&bucket=day", key)).Json.GetProperty("buckets").EnumerateArray().ToList();
        var bucket = buckets.Single(b => b.GetProperty("request_count").GetInt32() > 0);
        bucket.Text("timestamp").Should().Be($"{day:yyyy-MM-dd}T00:00:00Z", "as 2025-01-16T12:00:00Z is printed");
        // The page prints two decimals of the one fraction and three of the other: 33 of 145 are 0.228.
        Same(bucket.GetRawText(), """
            {"timestamp":"…","request_count":145,"error_count":2,"error_rate":0.014,"avg_latency_ms":234,"p95_latency_ms":456,"total_cost_cents":12.34,"prompt_tokens":2340,"completion_tokens":3450,"cache_hit_rate":0.228}
            """);
    }

    [Fact]
    public async Task Trops_error()
    {
        var answer = await server.GetAsync("/v1/analytics/requests", null, ("Authorization", "Bearer trops_sk_xxx"));
        answer.Status.Should().Be(401);
        answer.Text.Should().Be("""{"error":{"type":"invalid_request_error","message":"Invalid API key provided","code":"invalid_api_key"}}""");
    }

    static object Trace(string id, int latency, int tokens, string status, string model, DateTimeOffset at, int retries = 0) => new
    {
        trace_id = id, prompt = "Explain transformers", response = "They attend.", latency, token_count = tokens, model_name = model, environment = "development", status, retry_count = retries,
        slow_request = latency >= 1_500, created_at = Iso(at), steps = new[] { new { tool_name = "search", success = status != "failed", output = new { error = "timed out" } } },
    };

    [Fact]
    public async Task TraceLlm_health() => Same((await server.GetAsync("/", null)).Text, """{"message":"TraceLLM backend running"}""");

    [Fact]
    public async Task TraceLlm_traces()
    {
        var key = await KeyAsync("tracellm-list");
        await WriteAsync(key, "/traces", [
            Trace("other", 10, 1, "failed", "m", Page), Trace("another", 10, 1, "failed", "m", Page.AddMinutes(1)), Trace("fine", 10, 1, "success", "m", Page.AddMinutes(2)),
            Trace("tr_2kf9q3m1", 3_420, 1_247, "failed", "gpt-4o", Page.AddMinutes(3))], 100);
        var answer = await GetAsync("/traces?status=failed&limit=10&project_id=tracellm-list", key);
        Members(answer.Json, "total", "items");
        Same(answer.Text, """{"total":3,"items":[{"trace_id":"tr_2kf9q3m1","prompt":"Explain transformers","latency":3420.0,"token_count":1247,"status":"failed","steps":[{"tool_name":"search"}]}]}""");
    }

    /// <summary>50 traces of which 5 came in one hour of the last day; the page's project is the one that the first key is of.</summary>
    [Fact]
    public async Task TraceLlm_analytics_and_failures()
    {
        var (now, old) = (TimeProvider.System.GetUtcNow(), Page);
        var hour = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerHour), TimeSpan.Zero).AddHours(-2);
        var traces = Enumerable.Range(0, 50).Select(i => Trace(
            $"t{i:00}", i < 5 ? 1_100 : i < 8 ? 3_420 : i < 13 ? 2_000 : i == 13 ? 985 : 980, i < 5 ? 900 : i == 5 ? 1_247 : i == 6 ? 1_305 : 1_286,
            i is 5 or 6 ? "failed" : i is 7 or 8 ? "warning" : "success", i < 30 ? "gpt-4o" : "gpt-4.1-mini", i < 5 ? hour.AddMinutes(i) : old.AddMinutes(i), i switch { 20 => 2, 21 => 2, 22 => 1, _ => 0 }));
        await WriteAsync(Bench.HindcastProcess.Key, "/traces", traces, 50);

        var answer = await GetAsync("/analytics?project_id=default", Bench.HindcastProcess.Key);
        Members(answer.Json, "summary", "charts", "status_breakdown", "model_breakdown", "project_breakdown", "recent_failures");
        Same(answer.Text, $$"""
            {"summary":{"total_traces":50,"success_rate":92.0,"average_latency":1240.5,"p95_latency":3420.0,"total_token_usage":62350,"failed_traces":2,"warning_traces":2,"retries":5,"slow_requests":8},
             "charts":[{"label":"{{hour:HH}}:00","latency":1100.0,"tokens":4500,"traces":5}],"status_breakdown":[{"key":"success","count":46},{"key":"failed","count":2}],
             "model_breakdown":[{"key":"gpt-4o","count":30},{"key":"gpt-4.1-mini","count":20}],"project_breakdown":[{"key":"default","count":50}],"recent_failures":[]}
            """);
        var failures = await GetAsync("/failures?limit=10&project_id=default", Bench.HindcastProcess.Key);
        Members(failures.Json, "failed_traces", "retries", "slow_requests", "totals");
        Same(failures.Text, """{"failed_traces":[{"trace_id":"t06"},{"trace_id":"t05"}],"retries":[{"trace_id":"t22"}],"slow_requests":[{"trace_id":"t12"}],"totals":{"failed_traces":2,"retries":3,"slow_requests":8}}""");
    }

    [Fact]
    public async Task TraceLlm_project()
    {
        var answer = await server.PostAsync("/projects?name=my-project&environment=production&description=My%20project", "");
        answer.Status.Should().Be(201);
        Members(answer.Json, "project", "api_key");
        Same(answer.Text, """
            {"project":{"project_id":"my-project","name":"my-project","description":"My project","created_at":"20…"},
             "api_key":{"key":"tlm_sk_…","project_id":"my-project","environment":"production","created_at":"20…"}}
            """);
    }

    [Fact]
    public async Task Observatory_errors()
    {
        var key = await KeyAsync("observatory");
        var token = ("Authorization", $"Bearer {SignedElsewhere.Token("billing", ["observatory"], permissions: ["read:costs", "read:usage"])}");
        foreach (var (answer, status, code, message) in ((Answer, int, string, string)[])
        [
            (await server.PostAsync("/api/v1/traces/search", """{"filter":{"field":"invalid_field","operator":"eq","value":"x"}}""", key), 400, "BAD_REQUEST", "Invalid filter: field 'invalid_field' is not allowed"),
            (await server.GetAsync("/api/v1/traces", null), 401, "UNAUTHORIZED", "Invalid or missing JWT token"),
            (await server.GetAsync("/api/v1/traces", null, token), 403, "FORBIDDEN", "Insufficient permissions to read traces"),
            (await server.GetAsync("/api/v1/traces/trace-123", key), 404, "NOT_FOUND", "Trace with ID 'trace-123' not found"),
        ])
        {
            answer.Status.Should().Be(status);
            Same(answer.Text, JsonSerializer.Serialize(new { error = new { code, message }, meta = new { timestamp = "20…" } }));
        }
    }

    /// <summary>The three searches and the parameters that the document prints, as they stand there.</summary>
    [Fact]
    public async Task Observatory_requests()
    {
        var key = await KeyAsync("project-123");
        await WriteAsync(key, "/api/v1/events", [
            .. Call("trace-abc123", "openai", "gpt-4", 1_500, "an authentication error", 2_000), .. Call("cheap", "openai", "gpt-4", 1_500, "authentication errors", 1),
            .. Call("other", "anthropic", "claude-3-opus", 2_000, "Generate codes for authentications", 1)]);
        (await server.SendAsync(HttpMethod.Put, "/api/v1/prices", """{"prices":[{"provider":"openai","model":"gpt-4","valid_from":"2024-01-01T00:00:00Z","input_per_million_usd":100,"output_per_million_usd":100}]}"""u8.ToArray(), key)).Status.Should().Be(200);
        var written = (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(Call("last", "x", "y", 1, "z", 1)), key)).Headers["X-Log-Position"];

        async Task<List<string?>> FindAsync(string? body)
        {
            var answer = body is null
                ? await server.GetAsync("/api/v1/traces?from=2025-11-01T00:00:00Z&to=2025-11-05T23:59:59Z&project_id=project-123&provider=openai&model=gpt-4&status=SUCCESS&min_duration=1000&max_duration=5000&min_cost=0.01&max_cost=1.0&environment=production", key, ("X-Min-Position", written))
                : await server.PostAsync("/api/v1/traces/search", body, key, ("X-Min-Position", written));
            answer.Status.Should().Be(200, answer.Text);
            ContractSchemas.Check(answer, "PaginatedTraceResponse");
            return [.. answer.Json.GetProperty("data").EnumerateArray().Select(t => t.Text("trace_id"))];
        }

        (await FindAsync(null)).Should().Equal("trace-abc123");
        (await FindAsync("""{"filter":{"field":"provider","operator":"eq","value":"openai"},"limit":50}""")).Should().BeEquivalentTo("trace-abc123", "cheap");
        (await FindAsync("""
            {"filter":{"operator":"and","filters":[{"field":"provider","operator":"eq","value":"openai"},{"field":"input_text","operator":"search","value":"authentication error"},
             {"operator":"or","filters":[{"field":"duration_ms","operator":"gte","value":1000},{"field":"total_cost_usd","operator":"gt","value":0.1}]}]},
             "sort_by":"ts","sort_desc":true,"limit":100,"fields":["trace_id","provider","model","duration_ms","total_cost_usd"]}
            """)).Should().BeEquivalentTo("trace-abc123", "cheap");
        (await FindAsync("""{"filter":{"field":"input_text","operator":"search","value":"generate code for authentication"},"sort_by":"ts","sort_desc":true,"limit":50}""")).Should().Equal("other");

        static object[] Call(string trace, string provider, string model, int ms, string input, int tokens) =>
        [
            new { type = "llm_request", trace_id = trace, span_id = "s", at = "2025-11-03T10:00:00Z", provider, model, environment = "production", content = input },
            new { type = "llm_response", trace_id = trace, span_id = "s", at = Iso(new DateTimeOffset(2025, 11, 3, 10, 0, 0, TimeSpan.Zero).AddMilliseconds(ms)), latency_ms = ms, environment = "production", usage = new { input = tokens, output = 0 }, content = "x" },
        ];
    }
}

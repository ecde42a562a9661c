using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Who may pass which door: no key, a wrong key, a key for something else, somebody else's key, and too many requests.</summary>
public sealed partial class WallTests(WallTests.TwoProjects server) : IClassFixture<WallTests.TwoProjects>
{
    public sealed class TwoProjects : LiveServer, IAsyncLifetime
    {
        public string Ingest { get; private set; } = "";
        public string Read { get; private set; } = "";
        public string OtherRead { get; private set; } = "";
        public string Revoked { get; private set; } = "";

        async ValueTask IAsyncLifetime.InitializeAsync()
        {
            await InitializeAsync();
            (Ingest, Read, OtherRead) = (await KeyAsync("shop", "ingest"), await KeyAsync("shop", "read"), await KeyAsync("rival", "read"));
            Revoked = await KeyAsync("shop", "ingest", "read", "admin");
            var id = (await GetAsync("/api/v1/keys", HindcastProcess.Key)).Json.EnumerateArray().First(k => k.GetProperty("scopes").GetArrayLength() == 3).Text("id");
            (await SendAsync(HttpMethod.Delete, $"/api/v1/keys/{id}", null, HindcastProcess.Key)).Status.Should().Be(204);
            (await PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"mine","content":"secret"}]""", Ingest)).Status.Should().Be(202);
        }

        async Task<string> KeyAsync(string project, params string[] scopes)
        {
            var answer = await PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "wall", scopes }));
            answer.Status.Should().Be(201, answer.Text);
            return answer.Json.Text("key")!;
        }
    }

    /// <summary>Every door the server describes, but for those that are open to anybody.</summary>
    async Task<List<(HttpMethod Method, string Path, string Template)>> DoorsAsync()
    {
        var paths = (await server.GetAsync("/openapi/v1.json", key: null)).Json.GetProperty("paths");
        var doors = new List<(HttpMethod, string, string)>();
        foreach (var path in paths.EnumerateObject())
            foreach (var method in path.Value.EnumerateObject().Where(m => m.Name is "get" or "post" or "put" or "delete" or "patch"))
                if (path.Name is not ("/" or "/auth/token") && !path.Name.StartsWith("/health", StringComparison.Ordinal) && !path.Name.StartsWith("/api/health", StringComparison.Ordinal) && !path.Name.StartsWith("/app/", StringComparison.Ordinal))
                    doors.Add((HttpMethod.Parse(method.Name), path.Name.Replace("{traceId}", "mine").Replace("{name}", "traces").Replace("{id}", "x").Replace("{position}", "1").Replace("/stream", "/stream?from=never"), path.Name));
        doors.Should().HaveCountGreaterThan(15);
        return doors;
    }

    Task<Answer> TryAsync((HttpMethod Method, string Path, string Template) door, string? key) =>
        server.SendAsync(door.Method, door.Path, door.Method == HttpMethod.Get ? null : "[]"u8.ToArray(), key);

    /// <summary>B19: status, body and headers alike; nothing tells that there is such a trace in another project.</summary>
    [Theory]
    [InlineData("/api/v1/traces/{0}")]
    [InlineData("/api/v1/traces/{0}/tree")]
    [InlineData("/api/v1/traces/{0}/timeline")]
    [InlineData("/api/v1/traces/{0}/state?as_of_revision=1")]
    [InlineData("/api/v1/traces/{0}/diff?from_revision=1&to_revision=1")]
    [InlineData("/traces/{0}")]
    [InlineData("/api/traces/{0}")]
    [InlineData("/api/threads/{0}")]
    [InlineData("/api/threads/{0}/graph")]
    [InlineData("/api/visualize/{0}/mermaid")]
    [InlineData("/api/analyses/{0}")]
    [InlineData("/api/analyses/trace/{0}")]
    public async Task Anothers_trace_answers_as_one_that_is_not_there(string path)
    {
        (await server.GetAsync(string.Format(CultureInfo.InvariantCulture, path, "mine"), server.Read, ("X-Min-Position", server.Written!))).Status.Should().Be(200, "its own project reads it");
        var (foreign, absent) = (await AskAsync("mine"), await AskAsync("none"));
        foreign.Status.Should().Be(404);
        foreign.Should().Be(absent);

        async Task<(int Status, string Text, string Headers)> AskAsync(string id)
        {
            var answer = await server.GetAsync(string.Format(CultureInfo.InvariantCulture, path, id), server.OtherRead);
            return (answer.Status, Timestamp().Replace(answer.Text, "").Replace(id, "{id}", StringComparison.Ordinal),
                string.Join('\n', answer.Headers.Where(h => h.Key != "Date" && !h.Key.StartsWith("X-RateLimit", StringComparison.Ordinal)).OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}: {h.Value}")));
        }
    }

    [GeneratedRegex("\"timestamp\":\"[^\"]*\"")]
    private static partial Regex Timestamp();

    [Fact]
    public async Task Without_a_key_that_works_no_door_opens()
    {
        foreach (var door in await DoorsAsync())
            foreach (var key in (string?[])[null, "", "garbage", new string('x', 3000), server.Revoked, server.Read[..^1], $"{server.Read}x"])
            {
                var answer = await TryAsync(door, key);
                answer.Status.Should().Be(401, $"{door} with '{key}'");
                ShapeOf(answer, door.Template).Should().Be(door.Template.StartsWith("/api/ingestion", StringComparison.Ordinal) ? "Invalid API key"
                    : IsOtlp(door.Template) ? "Invalid or missing API key" : IsMessages(door.Template) ? "authentication_error" : IsCall(door.Template) ? "invalid_api_key"
                    : IsWhyOps(door.Template) ? "Unauthorized: Authentication required" : IsTraceLlm(door.Template) ? "Invalid or missing API key" : IsTrops(door.Template) ? "invalid_api_key" : "UNAUTHORIZED");
            }
        (await server.GetAsync("/api/v1/traces", key: null, ("Authorization", $"Basic {server.Read}"))).Status.Should().Be(401);
        (await server.GetAsync("/api/v1/traces", server.Read, ("Authorization", "Bearer garbage"))).Status.Should().Be(401, "Bearer is looked at first");
        (await server.GetAsync($"/api/v1/traces?api_key={server.Read}", key: null)).Status.Should().Be(401);
    }

    [Fact]
    public async Task A_key_opens_the_doors_of_its_scope_and_no_other()
    {
        foreach (var door in await DoorsAsync())
        {
            var needs = NeededBy(door.Method, door.Template);
            foreach (var (key, scope) in ((string, string)[])[(server.Ingest, "ingest"), (server.Read, "read")])
            {
                var answer = await TryAsync(door, key);
                if (scope == needs) answer.Status.Should().NotBe(401, $"{door}").And.NotBe(403, $"{door} with {scope}");
                else answer.Status.Should().Be(403, $"{door} with {scope}: {answer.Text}");
                if (scope != needs) ShapeOf(answer, door.Template).Should().Be(IsDialect(door.Template) ? $"This key lacks the scope '{needs}'." : IsMessages(door.Template) ? "permission_error" : IsCall(door.Template) || IsTrops(door.Template) ? "insufficient_permissions" : "FORBIDDEN");
                answer.Headers.Keys.Should().Contain(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]);
            }
        }
    }

    [Fact]
    public async Task Another_projects_trace_is_as_good_as_none()
    {
        foreach (var view in (string[])["tree", "timeline", "state?as_of_revision=0"])
        {
            (await server.GetAsync($"/api/v1/traces/mine/{view}", server.Read, ("X-Min-Position", server.Written!))).Status.Should().Be(200, view);
            var theirs = await server.GetAsync($"/api/v1/traces/mine/{view}", server.OtherRead);
            var absent = await server.GetAsync($"/api/v1/traces/none/{view}", server.OtherRead);
            (theirs.Status, absent.Status).Should().Be((404, 404));
            theirs.Json.GetProperty("error").GetRawText().Should().Be(absent.Json.GetProperty("error").GetRawText().Replace("none", "mine"), "nothing tells the two apart");
        }
        (await server.GetAsync("/api/v1/traces?trace_id=mine", server.OtherRead)).Json.GetProperty("data").GetArrayLength().Should().Be(0);
        (await server.GetAsync("/api/v1/traces?project_id=shop", server.OtherRead)).Status.Should().Be(403);
        (await server.GetAsync("/api/v1/traces?project_id=shop", server.Read)).Json.GetProperty("data").GetArrayLength().Should().Be(1);
        (await server.GetAsync("/api/v1/traces/mine/tree", server.OtherRead)).Text.Should().NotContain("secret");
    }

    [Fact]
    public async Task Too_many_requests_are_429_and_say_when_to_come_back()
    {
        await using var small = new Slow();
        await small.InitializeAsync();
        for (var i = 4; i >= 0; i--)
            (await small.PostAsync("/api/v1/events", "[]")).Headers["X-RateLimit-Remaining"].Should().Be($"{i}");
        foreach (var (door, message) in ((string, string)[])[("/api/v1/events", "RATE_LIMIT_EXCEEDED"), ("/api/events/ingest", "Too many requests. Please slow down."), ("/api/ingestion/publish_events", "Too many requests. Please slow down.")])
        {
            var answer = await small.PostAsync(door, "[]");
            answer.Status.Should().Be(429);
            int.Parse(answer.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture).Should().BeInRange(1, 12);
            answer.Headers["X-RateLimit-Limit"].Should().Be("5");
            ShapeOf(answer, door).Should().Be(message);
        }
        (await small.GetAsync("/api/v1/traces")).Status.Should().Be(200, "queries have a bucket of their own");
    }

    sealed class Slow : LiveServer
    {
        protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Limits__RequestsPerMinute"] = "5" });
    }

    static readonly string[] s_whyOps = ["/api/events", "/api/entities", "/api/threads", "/api/visualize", "/api/analytics", "/api/analyses", "/api/llm-costs", "/v1/agents"];

    static bool IsWhyOps(string path) => !IsTraceLlm(path) && s_whyOps.Any(start => path.StartsWith(start, StringComparison.Ordinal));

    static bool IsTrops(string path) => path.StartsWith("/v1/analytics", StringComparison.Ordinal);

    /// <summary>OTLP refuses with google.rpc.Status.</summary>
    static bool IsOtlp(string path) => path is "/v1/traces" or "/v1/logs" or "/v1/metrics";

    static bool IsDialect(string path) => IsWhyOps(path) || IsOtlp(path) || path.StartsWith("/api/ingestion", StringComparison.Ordinal) || IsTraceLlm(path);

    static bool IsTraceLlm(string path) => path.StartsWith("/api/v1", StringComparison.Ordinal) ? false
        : (path.StartsWith("/api/", StringComparison.Ordinal) ? path[4..] : path) is "/traces" or "/traces/{traceId}" or "/analytics" or "/failures" or "/projects" or "/api-keys" or "/ws";

    static bool IsMessages(string path) => path.EndsWith("/messages", StringComparison.Ordinal) || path.EndsWith("/messages/count_tokens", StringComparison.Ordinal);

    static bool IsCall(string path) => IsMessages(path) || path.Replace("/v1", "") is "/chat/completions" or "/responses" or "/embeddings" or "/models";

    static bool Writes(HttpMethod method, string path) => (method == HttpMethod.Post && path == "/api/v1/events") || path.EndsWith("/scores", StringComparison.Ordinal) || path == "/api/events/help" || path.StartsWith("/api/ingestion", StringComparison.Ordinal)
        || (method == HttpMethod.Post && (path is "/traces" or "/api/traces" || IsOtlp(path) || path.StartsWith("/api/events", StringComparison.Ordinal) || path is "/api/entities/init" or "/v1/agents/init"));

    static string NeededBy(HttpMethod method, string path) => Writes(method, path) ? "ingest"
        : IsCall(path) ? "gateway" : path.Contains("/providers") || path.Contains("/policies") || path.Contains("/budgets") || path.Contains("/redaction") || path.Contains("/retention") || path.Contains("/alerts") ? "admin"
        : IsTraceLlm(path) ? path.EndsWith("/api-keys", StringComparison.Ordinal) || (method == HttpMethod.Post && path.EndsWith("/projects", StringComparison.Ordinal)) ? "admin" : "read"
        : path.Contains("/keys") || path.Contains("/members") || path.Contains("/audit") || (path.StartsWith("/api/v1/views", StringComparison.Ordinal) && method != HttpMethod.Get) || path.Contains("/parked") || path == "/api/v1/scrub" || path.EndsWith("/rebuild", StringComparison.Ordinal) || (method == HttpMethod.Put && path == "/api/v1/prices") || (method == HttpMethod.Delete && (path.StartsWith("/api/v1/traces/", StringComparison.Ordinal) || path.StartsWith("/api/v1/users/", StringComparison.Ordinal))) ? "admin" : "read";

    /// <summary>What the dialect's own error form holds where it says why.</summary>
    static string? ShapeOf(Answer answer, string path) =>
        IsWhyOps(path) ? answer.Json.Text("error") : IsOtlp(path) ? answer.Json.Text("message") : IsDialect(path) ? answer.Json.Text("detail") : IsMessages(path) ? answer.Json.GetProperty("error").Text("type") : answer.Json.GetProperty("error").Text("code");
}

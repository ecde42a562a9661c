using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Sign-in names with a role, by the doors of the real process.</summary>
public sealed class MemberTests : LiveServer, IAsyncLifetime
{
    string Own => $"http://{Http.BaseAddress!.Authority}";

    Task<Answer> DoAsync(string method, string path, object? body = null, string? key = HindcastProcess.Key, params (string Name, string Value)[] headers) =>
        SendAsync(new(method), path, body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body), key, headers);

    async Task<JsonElement> AddAsync(string name, string role, string project = "shop")
    {
        var made = await DoAsync("POST", "/api/v1/members", new { project_id = project, name, role });
        made.Status.Should().Be(201, made.Text);
        return made.Json;
    }

    async Task<(string, string)> TokenAsync(JsonElement member)
    {
        var given = await DoAsync("POST", "/auth/token", new { client_id = member.Text("name"), client_secret = member.Text("secret") }, null);
        given.Status.Should().Be(200, given.Text);
        return ("Authorization", $"Bearer {given.Json.Text("access_token")}");
    }

    async Task<(string, string)> CookieAsync(JsonElement member)
    {
        var signed = await DoAsync("POST", "/app/login", new { name = member.Text("name"), secret = member.Text("secret") }, null);
        signed.Status.Should().Be(200, signed.Text);
        signed.Headers["Set-Cookie"].Should().NotContain(member.Text("secret")).And.Contain("httponly").And.Contain("samesite=strict");
        return ("Cookie", signed.Headers["Set-Cookie"].Split(';')[0]);
    }

    async Task<int> StatusAsync((string, string) shown, string path, string method = "GET", object? body = null) => (await DoAsync(method, path, body, null, shown, ("Origin", Own))).Status;

    [Theory]
    [InlineData("admin", 200, 200, 200, 201), InlineData("developer", 200, 200, 403, 201), InlineData("viewer", 200, 200, 403, 403), InlineData("billing", 403, 200, 403, 403)]
    public async Task A_role_is_what_may_be_done_in_its_project_by_token_and_by_cookie(string role, int traces, int costs, int keys, int scores)
    {
        (await PostAsync("/api/v1/keys", """{"project_id":"shop","name":"in","scopes":["ingest"]}""")).Json.Text("key").Should().NotBeNull();
        var ingest = (await PostAsync("/api/v1/keys", """{"project_id":"shop","scopes":["ingest"]}""")).Json.Text("key");
        (await PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"theirs","content":"hi"}]""", ingest)).Status.Should().Be(202);
        (await PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"ours","content":"hi"}]""")).Status.Should().Be(202);
        await JsonAsync("/api/v1/traces/ours/tree");
        var member = await AddAsync("ada", role);
        foreach (var shown in new[] { await TokenAsync(member), await CookieAsync(member) })
        {
            (await StatusAsync(shown, "/api/v1/traces")).Should().Be(traces);
            (await StatusAsync(shown, "/api/v1/costs/summary?start_time=now-1h")).Should().Be(costs);
            (await StatusAsync(shown, "/api/v1/keys")).Should().Be(keys);
            (await StatusAsync(shown, "/api/v1/traces/theirs/scores", "POST", new { name = "thumbs", value = 1 })).Should().Be(scores is 201 ? await StatusAsync(("X-API-Key", ingest!), "/api/v1/traces/theirs/scores", "POST", new { name = "thumbs", value = 1 }) : scores);
            if (traces != 200) continue;
            (await StatusAsync(shown, "/api/v1/traces/theirs/tree")).Should().Be(200);
            (await StatusAsync(shown, "/api/v1/traces/ours/tree")).Should().Be(404, "another project's");
            (await StatusAsync(shown, "/api/v1/traces?project_id=default")).Should().Be(403);
        }
        var session = (await DoAsync("GET", "/app/session", null, null, await CookieAsync(member))).Json;
        (session.Text("role"), session.Text("project_id"), session.Text("key_id")).Should().Be((role, "shop", member.Text("id")));
        (await StatusAsync(("X-API-Key", member.Text("secret")!), "/api/v1/costs/summary?start_time=now-1h")).Should().Be(401, "a secret signs in, and opens nothing itself");
    }

    [Fact]
    public async Task A_change_of_role_a_new_secret_and_a_removal_hold_at_once_and_for_good()
    {
        var ada = await AddAsync("ada", "admin");
        var path = $"/api/v1/members/{ada.Text("id")}";
        await AddAsync("grace", "admin");
        var (token, cookie) = (await TokenAsync(ada), await CookieAsync(ada));
        (await StatusAsync(token, "/api/v1/keys"), await StatusAsync(cookie, "/api/v1/keys")).Should().Be((200, 200));

        (await DoAsync("PUT", path, new { role = "viewer" })).Json.TryGetProperty("secret", out _).Should().BeFalse();
        (await StatusAsync(token, "/api/v1/keys"), await StatusAsync(cookie, "/api/v1/keys"), await StatusAsync(cookie, "/api/v1/traces")).Should().Be((403, 403, 200));
        (await DoAsync("PUT", path, new { role = "admin" })).Status.Should().Be(200);
        (await StatusAsync(token, "/api/v1/keys")).Should().Be(200);

        var renewed = (await DoAsync("PUT", path, new { renew_secret = true })).Json;
        (await StatusAsync(token, "/api/v1/traces"), await StatusAsync(cookie, "/api/v1/traces")).Should().Be((401, 401), "they were given for the old secret");
        (await DoAsync("POST", "/app/login", new { name = "ada", secret = ada.Text("secret") }, null)).Status.Should().Be(401);
        cookie = await CookieAsync(renewed);

        await Process.KillAsync();
        await StartAgainAsync();
        (await StatusAsync(cookie, "/api/v1/keys")).Should().Be(200, "a restart signs nobody out");
        (await DoAsync("DELETE", path)).Status.Should().Be(204);
        (await StatusAsync(cookie, "/api/v1/traces")).Should().Be(401);
        (await DoAsync("POST", "/auth/token", new { client_id = "ada", client_secret = renewed.Text("secret") }, null)).Status.Should().Be(401);
        await Process.KillAsync();
        await StartAgainAsync();
        (await StatusAsync(cookie, "/api/v1/traces")).Should().Be(401);

        foreach (var file in Directory.GetFiles(Folder, "*.db*", SearchOption.AllDirectories))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            bytes.ToArray().AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(renewed.Text("secret")!)).Should().Be(-1, $"{file} holds no secret");
        }
    }

    [Fact]
    public async Task One_admin_stays_whatever_happens_at_once()
    {
        var two = new[] { await AddAsync("ada", "admin"), await AddAsync("grace", "admin") };
        await AddAsync("rival", "admin", "rival");
        var tried = await Task.WhenAll(
            DoAsync("DELETE", $"/api/v1/members/{two[0].Text("id")}"), DoAsync("PUT", $"/api/v1/members/{two[1].Text("id")}", new { role = "viewer" }));
        tried.Count(a => a.Status == 409).Should().Be(1);
        var left = (await DoAsync("GET", "/api/v1/members?project_id=shop")).Json.GetProperty("data").EnumerateArray().Single(m => m.Text("role") == "admin");
        (await DoAsync("DELETE", $"/api/v1/members/{left.Text("id")}")).Status.Should().Be(409);
        (await DoAsync("PUT", $"/api/v1/members/{left.Text("id")}", new { role = "billing" })).Status.Should().Be(409);
        (await DoAsync("PUT", $"/api/v1/members/{left.Text("id")}", new { name = "renamed" })).Status.Should().Be(200);
    }

    [Fact]
    public async Task Nonsense_is_refused_by_name_strangers_find_nothing_and_guessing_ends()
    {
        foreach (var (body, field) in new (object, string)[]
        {
            (new { }, "name"), (new { name = "x" }, "role"), (new { name = "x", role = "owner" }, "role"), (new { name = "", role = "viewer" }, "name"), (new { name = "a\u0007", role = "viewer" }, "name"),
            (new { name = "x", role = 1 }, "role"), (new { name = "x", role = "viewer", project_id = "No Id" }, "project_id"),
        })
        {
            var refused = await DoAsync("POST", "/api/v1/members", body);
            (refused.Status, refused.Json.GetProperty("error").Text("details")).Should().Be((400, field), refused.Text);
        }
        var ada = await AddAsync("ada", "viewer");
        (await DoAsync("POST", "/api/v1/members", new { project_id = "shop", name = "ada", role = "viewer" })).Status.Should().Be(409);
        var namesake = await AddAsync("ada", "admin", "rival");
        var rival = await TokenAsync(namesake);
        (await StatusAsync(rival, $"/api/v1/members/{ada.Text("id")}", "PUT", new { role = "admin" })).Should().Be(404);
        (await StatusAsync(rival, $"/api/v1/members/{ada.Text("id")}", "DELETE")).Should().Be(404);
        (await StatusAsync(rival, "/api/v1/members", "POST", new { project_id = "shop", name = "spy", role = "admin" })).Should().Be(404);
        (await StatusAsync(rival, "/api/v1/members?project_id=shop")).Should().Be(404);
        (await DoAsync("GET", "/api/v1/members", null, null, rival)).Json.GetProperty("data").GetArrayLength().Should().Be(1);
        (await DoAsync("GET", "/api/v1/members")).Text.Should().NotContain(ada.Text("secret")).And.NotContain("hash");

        for (var i = 0; i < 5; i++) (await DoAsync("POST", "/auth/token", new { client_id = "ada", client_secret = "guess" }, null)).Status.Should().Be(401);
        (await DoAsync("POST", "/auth/token", new { client_id = "ada", client_secret = ada.Text("secret") }, null)).Status.Should().Be(429);
        var lines = (await DoAsync("GET", "/api/v1/audit")).Json.GetProperty("data").EnumerateArray().ToList();
        lines.Count(l => l.Text("action") == "token.refuse").Should().Be(5);
        lines.Count(l => l.Text("action") == "member.create").Should().Be(2);
    }
}

using System.Text;
using System.Text.Json;
using Hindcast.Bench;
using Microsoft.Data.Sqlite;

namespace Hindcast.Integration.Server;

/// <summary>Who did what: written by the real process when it answers, and never changed.</summary>
public sealed class AuditTests : LiveServer, IAsyncLifetime
{
    const string Price = """[{"provider":"openai","model":"own","valid_from":"2026-01-01","input_per_million_usd":1,"output_per_million_usd":1}]""";

    Task<Answer> DoAsync(string method, string path, object? body = null, string? key = HindcastProcess.Key) =>
        SendAsync(new(method), path, body is null ? null : body as byte[] ?? JsonSerializer.SerializeToUtf8Bytes(body), key);

    async Task<JsonElement> DoneAsync(string method, string path, object? body = null, string? key = HindcastProcess.Key)
    {
        var answer = await DoAsync(method, path, body, key);
        answer.Status.Should().BeInRange(200, 299, $"{method} {path}: {answer.Text}");
        return answer.Json;
    }

    async Task<List<JsonElement>> ListAsync(string query = "", string? key = HindcastProcess.Key) =>
        [.. (await DoneAsync("GET", $"/api/v1/audit?limit=1000&{query}", key: key)).GetProperty("data").EnumerateArray()];

    static string? Said(JsonElement row, string name) => row.TryGetProperty(name, out var text) ? text.GetString() : null;

    static (string?, string?, string?, string?) Line(JsonElement row) => (Said(row, "action"), Said(row, "target"), Said(row, "project_id"), Said(row, "outcome"));

    [Fact]
    public async Task Every_change_leaves_its_line_and_no_secret()
    {
        (await PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"t1","span_id":"a","user_id":"ada@example.com","content":"hi"},{"type":"user_message","trace_id":"t2","span_id":"b","content":"x"}]""")).Status.Should().Be(202);
        await JsonAsync("/api/v1/traces/t2/tree");

        var key = await DoneAsync("POST", "/api/v1/keys", new { project_id = "shop", name = "shop admin", scopes = new[] { "admin" } });
        var rotated = await DoneAsync("POST", $"/api/v1/keys/{key.Text("id")}/rotate", new { });
        await DoneAsync("DELETE", $"/api/v1/keys/{rotated.Text("id")}");
        await DoneAsync("POST", "/projects?name=Made&environment=production");
        const string providerKey = "sk-a-secret-of-a-provider";
        var provider = await DoneAsync("POST", "/api/v1/providers", new { slug = "openai", base_url = "https://example.com/v1", api_key = providerKey });
        await DoneAsync("PUT", $"/api/v1/providers/{provider.Text("id")}", new { models = new[] { "own" } });
        await DoneAsync("DELETE", $"/api/v1/providers/{provider.Text("id")}");
        await DoneAsync("PUT", "/api/v1/policies/gateway", new { attempts = 2 });
        await DoneAsync("PUT", "/api/v1/budgets/monthly", new { project_id = "shop", usd = 5 });
        await DoneAsync("DELETE", "/api/v1/budgets/monthly?project_id=shop");
        await DoneAsync("PUT", "/api/v1/retention", new { days = 3_000 });
        await DoneAsync("PUT", "/api/v1/redaction", new { });
        await DoneAsync("PUT", "/api/v1/prices", Encoding.UTF8.GetBytes(Price));
        await DoneAsync("POST", "/api/v1/projections/texts/rebuild");
        await DoneAsync("POST", "/api/v1/projections/texts/parked/replay");
        var export = await DoneAsync("POST", "/api/v1/export/traces", new { format = "jsonl" });
        await DoneAsync("DELETE", "/api/v1/traces/t2");
        await DoneAsync("DELETE", "/api/v1/users/ada@example.com");
        await DoneAsync("POST", "/api/v1/scrub");
        await DoneAsync("POST", "/app/login", new { key = HindcastProcess.Key }, key: null);
        (await DoAsync("POST", "/app/login", new { key = "a-guess" }, key: null)).Status.Should().Be(401);
        var token = await DoneAsync("POST", "/auth/token", new { client_id = key.Text("id"), client_secret = key.Text("key") }, key: null);
        (await DoAsync("POST", "/auth/token", new { client_id = "shop admin", client_secret = "a-guess" }, key: null)).Status.Should().Be(401);

        var lines = await ListAsync();
        lines.AsEnumerable().Reverse().Select(Line).Should().Equal(
            ("key.create", key.Text("id"), "shop", "done"), ("key.rotate", key.Text("id"), "shop", "done"), ("key.revoke", rotated.Text("id"), "shop", "done"),
            ("key.create", lines.Find(l => l.Text("project_id") == "made" && l.Text("action") == "key.create").Text("target"), "made", "done"), ("project.create", "made", "made", "done"),
            ("provider.create", provider.Text("id"), "default", "done"), ("provider.change", provider.Text("id"), "default", "done"), ("provider.delete", provider.Text("id"), "default", "done"),
            ("policy.set", "gateway", "default", "done"), ("budget.set", "monthly", "shop", "done"), ("budget.delete", "monthly", "shop", "done"),
            ("retention.set", "3000 days", "default", "done"), ("redaction.set", null, "default", "done"), ("prices.set", "openai/own", "default", "done"), ("projection.rebuild", "texts", "default", "done"), ("projection.replay", "texts", "default", "done"),
            ("export.create", export.Text("job_id"), "default", "done"), ("trace.erase", "t2", "default", "done"),
            ("user.erase", lines.Find(l => l.Text("action") == "user.erase").Text("target"), "default", "done"), ("files.scrub", null, "default", "done"),
            ("login.accept", null, "default", "done"), ("login.refuse", null, "default", "done"),
            ("token.issue", null, "shop", "done"), ("token.refuse", key.Text("id"), "shop", "done"));
        lines.Where(l => l.Text("action") is not ("login.refuse" or "token.refuse" or "token.issue")).Select(l => l.Text("actor")).Should().AllBe("key_settings");
        lines.Find(l => l.Text("action") == "token.issue").Text("actor_name").Should().Be("shop admin");
        lines.Where(l => Said(l, "address") is not null).Should().HaveCount(4, "sign-ins say where they came from");
        lines.Find(l => l.Text("action") == "user.erase").Text("target").Should().NotBeNullOrEmpty().And.NotContain("ada");

        var said = JsonSerializer.Serialize(lines);
        foreach (var secret in (string?[])[key.Text("key"), rotated.Text("key"), providerKey, token.Text("access_token"), HindcastProcess.Key, "a-guess", "ada@example.com"])
            said.Should().NotContain(secret);
    }

    [Fact]
    public async Task What_was_refused_changed_nothing_and_leaves_none()
    {
        (await DoAsync("POST", "/api/v1/keys", new { scopes = Array.Empty<string>() })).Status.Should().Be(400);
        (await DoAsync("DELETE", "/api/v1/keys/absent")).Status.Should().Be(404);
        (await DoAsync("PUT", "/api/v1/budgets/b", new { })).Status.Should().Be(400);
        (await DoAsync("DELETE", "/api/v1/traces/absent")).Status.Should().Be(404);
        (await ListAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task It_is_read_page_by_page_by_filter_and_by_project()
    {
        var shop = (await DoneAsync("POST", "/api/v1/keys", new { project_id = "shop", name = "shop", scopes = new[] { "admin" } })).Text("key");
        for (var i = 0; i < 7; i++) await DoneAsync("PUT", $"/api/v1/budgets/b{i}", new { usd = 1 }, shop);
        await DoneAsync("PUT", "/api/v1/budgets/ours", new { usd = 1 });

        var (seen, cursor) = (new List<string?>(), "");
        do
        {
            var page = await DoneAsync("GET", $"/api/v1/audit?limit=3&action=budget.set&project_id=shop{cursor}");
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(l => l.Text("target")));
            cursor = Said(page.GetProperty("pagination"), "cursor") is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : null;
            if (cursor is not null) (await DoAsync("GET", $"/api/v1/audit?limit=3&project_id=shop{cursor}")).Status.Should().Be(400, "a cursor is for its query");
        }
        while (cursor is not null);
        seen.Should().Equal("b6", "b5", "b4", "b3", "b2", "b1", "b0");

        var all = await ListAsync();
        all.Should().HaveCount(9);
        (await ListAsync("actor=key_settings")).Should().HaveCount(2);
        var middle = Uri.EscapeDataString(all[4].Text("at")!);
        (await ListAsync($"from={middle}")).Should().HaveCount(5);
        (await ListAsync($"to={middle}")).Should().HaveCount(4);
        (await ListAsync(key: shop)).Select(l => l.Text("project_id")).Distinct().Should().Equal("shop");
        (await DoAsync("GET", "/api/v1/audit?project_id=default", key: shop)).Status.Should().Be(404);
        foreach (var wrong in (string[])["limit=0", "limit=1001", "from=yesterday", "cursor=x"]) (await DoAsync("GET", $"/api/v1/audit?{wrong}")).Status.Should().Be(400, wrong);
    }

    [Fact]
    public async Task What_was_answered_is_there_after_a_kill_and_nothing_takes_it_back()
    {
        await DoneAsync("PUT", "/api/v1/budgets/kept", new { usd = 1 });
        await Process.KillAsync();
        await StartAgainAsync();
        (await ListAsync()).Select(l => l.Text("target")).Should().Equal("kept");

        foreach (var method in (string[])["DELETE", "PUT", "POST", "PATCH"]) (await DoAsync(method, "/api/v1/audit", new { })).Status.Should().Be(405);
        Hindcast.Infrastructure.Sqlite.SqliteRuntime.Use();
        using var file = new SqliteConnection($"Data Source={Path.Combine(Folder, "vault.db")};Pooling=False");
        file.Open();
        foreach (var change in (string[])["DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"])
        {
            using var command = file.CreateCommand();
            command.CommandText = change;
            command.Invoking(c => c.ExecuteNonQuery()).Should().Throw<SqliteException>().WithMessage("*only grows*");
        }
        (await ListAsync()).Should().ContainSingle().Which.Text("actor").Should().Be("key_settings");
    }
}

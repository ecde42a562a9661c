using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Saved views, by the doors of the real process.</summary>
public sealed class ViewTests : LiveServer, IAsyncLifetime
{
    static readonly object Slow = new { @operator = "AND", filters = new object[] { new { field = "duration_ms", @operator = "gt", value = 2000 }, new { field = "ts", @operator = "gte", value = "now-1h" } } };

    Task<Answer> DoAsync(string method, string path, object? body = null, string? key = HindcastProcess.Key) =>
        SendAsync(new(method), path, body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body), key);

    async Task<List<JsonElement>> ListAsync(string? key = HindcastProcess.Key) => [.. (await DoAsync("GET", "/api/v1/views", key: key)).Json.GetProperty("data").EnumerateArray()];

    [Fact]
    public async Task A_view_is_kept_changed_and_forgotten_and_its_filter_searches()
    {
        var made = await DoAsync("POST", "/api/v1/views", new { name = "Slow", rows = "spans", filter = Slow, query = "duration_ms > 2000", columns = new[] { "name", "model" }, sort_by = "duration_ms", sort_desc = false });
        made.Status.Should().Be(201, made.Text);
        var id = made.Json.Text("id");
        await Process.KillAsync();
        await StartAgainAsync();

        var kept = (await ListAsync()).Should().ContainSingle().Subject;
        kept.GetRawText().Should().Be(made.Text);
        (kept.Text("name"), kept.Text("rows"), kept.Text("query"), kept.Text("sort_by"), kept.GetProperty("sort_desc").GetBoolean(), kept.Text("project_id"), kept.Text("created_by"))
            .Should().Be(("Slow", "spans", "duration_ms > 2000", "duration_ms", false, "default", "key_settings"));
        kept.GetProperty("columns").EnumerateArray().Select(c => c.GetString()).Should().Equal("name", "model");
        kept.GetProperty("filter").GetRawText().Should().Be(JsonSerializer.Serialize(Slow), "relative times stay relative");
        (await DoAsync("POST", "/api/v1/traces/search", new { filter = kept.GetProperty("filter"), sort_by = kept.Text("sort_by") })).Status.Should().Be(200);

        (await DoAsync("PUT", $"/api/v1/views/{id}", new { name = "All" })).Json.TryGetProperty("filter", out _).Should().BeFalse("what is not named has its default");
        (await ListAsync()).Should().ContainSingle().Which.Text("name").Should().Be("All");
        (await DoAsync("DELETE", $"/api/v1/views/{id}")).Status.Should().Be(204);
        (await DoAsync("DELETE", $"/api/v1/views/{id}")).Status.Should().Be(404);
        (await ListAsync()).Should().BeEmpty();
        (await DoAsync("GET", "/api/v1/audit")).Json.GetProperty("data").EnumerateArray().Select(l => (l.Text("action"), l.Text("target")))
            .Should().Equal(("view.delete", id), ("view.change", id), ("view.create", id));
    }

    [Fact]
    public async Task What_has_no_meaning_is_refused_by_name()
    {
        object Leaf(string field, string op, object? value) => new { name = "x", filter = new { field, @operator = op, value } };
        foreach (var (body, field) in new (object, string)[]
        {
            (new { }, "name"), (new { name = "" }, "name"), (new { name = "a\nb" }, "name"), (new { name = 7 }, "name"), (new { name = "x", rows = "rows" }, "rows"),
            (Leaf("nothing", "eq", 1), "nothing"), (Leaf("model", "like", "x"), "filter.operator"), (Leaf("duration_ms", "gt", "x"), "duration_ms"), (Leaf("tags", "eq", "of spans alone"), "tags"),
            (new { name = "x", filter = "model = x" }, "filter"), (new { name = "x", filter = new { @operator = "AND", filters = new object[] { new { field = "model" } } } }, "filter.filters[0].operator"),
            (new { name = "x", sort_by = "nothing" }, "sort_by"), (new { name = "x", sort_desc = 1 }, "sort_desc"), (new { name = "x", columns = new[] { "a", "a" } }, "columns"),
            (new { name = "x", query = new string('x', 4_001) }, "query"),
        })
        {
            var refused = await DoAsync("POST", "/api/v1/views", body);
            (refused.Status, refused.Json.GetProperty("error").Text("details")).Should().Be((400, field), refused.Text);
        }
        (await ListAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Names_are_unique_in_a_project_and_projects_do_not_meet()
    {
        async Task<string> KeyAsync(string project, string scope) => (await DoAsync("POST", "/api/v1/keys", new { project_id = project, name = scope, scopes = new[] { scope } })).Json.Text("key")!;
        var (shop, rival, reader) = (await KeyAsync("shop", "admin"), await KeyAsync("rival", "admin"), await KeyAsync("shop", "read"));
        var one = (await DoAsync("POST", "/api/v1/views", new { name = "Mine" }, shop)).Json.Text("id");
        var two = (await DoAsync("POST", "/api/v1/views", new { name = "Other" }, shop)).Json.Text("id");

        (await DoAsync("POST", "/api/v1/views", new { name = "Mine" }, shop)).Status.Should().Be(409);
        (await DoAsync("PUT", $"/api/v1/views/{two}", new { name = "Mine" }, shop)).Status.Should().Be(409);
        (await DoAsync("PUT", $"/api/v1/views/{one}", new { name = "Mine", sort_desc = false }, shop)).Status.Should().Be(200);
        var many = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => DoAsync("POST", "/api/v1/views", new { name = "At once" }, shop)));
        many.Select(a => a.Status).Should().ContainSingle(s => s == 201).And.OnlyContain(s => s == 201 || s == 409);

        (await DoAsync("POST", "/api/v1/views", new { name = "Mine" }, rival)).Status.Should().Be(201, "another project's name is free");
        (await DoAsync("PUT", $"/api/v1/views/{one}", new { name = "Taken" }, rival)).Status.Should().Be(404);
        (await DoAsync("DELETE", $"/api/v1/views/{one}", key: rival)).Status.Should().Be(404);
        (await ListAsync(rival)).Should().ContainSingle();
        (await ListAsync(reader)).Select(v => v.Text("name")).Should().Equal("At once", "Mine", "Other");
        (await DoAsync("DELETE", $"/api/v1/views/{one}", key: reader)).Status.Should().Be(403);
    }
}

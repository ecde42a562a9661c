using System.Globalization;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Integration.Engines;

namespace Hindcast.Integration.Server;

/// <summary>The Observatory's reading doors on the running server, on one engine.</summary>
public abstract class ObservatoryContract(ObservatoryContract.Filled server)
{
    public abstract class Filled : LiveServer, IAsyncLifetime
    {
        public string Shop { get; private set; } = "";
        public string ShopId { get; private set; } = "";
        public string Rival { get; private set; } = "";

        protected override Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string> { ["Hindcast__Jwt__Secret"] = SignedElsewhere.Secret });

        async ValueTask IAsyncLifetime.InitializeAsync()
        {
            await InitializeAsync();
            foreach (var project in (string[])["shop", "rival"])
            {
                var issued = await PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = $"{project} key", scopes = new[] { "ingest", "read" } }));
                if (project == "shop") (Shop, ShopId) = (issued.Json.Text("key")!, issued.Json.Text("id")!);
                else Rival = issued.Json.Text("key")!;
                var events = Enumerable.Range(0, 60).Select(i => new
                {
                    type = "llm_response", trace_id = $"{project}-{i / 3}", span_id = $"s{i:00}", at = Start.AddSeconds(i / 2).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), latency_ms = i % 4 == 0 ? (int?)null : i * 10,
                    user_id = $"u{i % 3}", model = i % 5 == 0 ? null : i % 2 == 0 ? "gpt-4o" : "claude", provider = i % 7 == 0 ? null : "openai", usage = i % 6 == 0 ? null : new { input = 100, output = i }, status = i % 10 == 0 ? "error" : "ok",
                    content = i % 9 == 0 ? "An authentication error" : $"answer {i}", attributes = new { tags = new[] { $"tag{i % 2}" }, tier = i % 4 },
                });
                (await PostAsync("/api/v1/events", JsonSerializer.Serialize(events), project == "shop" ? Shop : Rival)).Status.Should().Be(202);
            }
        }

        static readonly DateTimeOffset Start = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    }

    Task<Answer> SearchAsync(string body, string? key = null, string path = "/api/v1/traces/search") => server.PostAsync(path, body, key ?? server.Shop, ("X-Min-Position", server.Written!));

    Task<Answer> ListAsync(string query, string? key = null) => server.GetAsync($"/api/v1/traces?{query}", key ?? server.Shop, ("X-Min-Position", server.Written!));

    Task<Answer> BearerAsync(string path, string token) => server.GetAsync(path, null, ("Authorization", $"Bearer {token}"));

    [Theory]
    [InlineData("""{"field":"provider","operator":"eq","value":"openai"}""", 51)]
    [InlineData("""{"field":"provider","operator":"ne","value":"openai"}""", 0)]
    [InlineData("""{"field":"provider","operator":"eq","value":null}""", 9)]
    [InlineData("""{"operator":"not","filters":[{"field":"model","operator":"eq","value":"claude"}]}""", 24)]
    [InlineData("""{"operator":"AND","filters":[{"field":"user_id","operator":"in","value":["u0","u1"]},{"operator":"Or","filters":[{"field":"duration_ms","operator":"gte","value":500},{"field":"status_code","operator":"eq","value":"ERROR"}]}]}""", 9)]
    [InlineData("""{"field":"output_text","operator":"search","value":"the authentications error"}""", 7)]
    [InlineData("""{"field":"output_text","operator":"regex","value":"^answer [0-9]$"}""", 8)]
    [InlineData("""{"field":"model","operator":"notcontains","value":"GPT"}""", 24)]
    [InlineData("""{"field":"tags","operator":"eq","value":"tag1"}""", 30)]
    [InlineData("""{"field":"attributes.tier","operator":"gte","value":2}""", 30)]
    [InlineData("""{"field":"total_tokens","operator":"gt","value":"150"}""", 8)]
    [InlineData("""{"field":"ts","operator":"lt","value":"2026-11-01T00:00:05Z"}""", 12)]
    public async Task A_search_finds_what_it_says(string filter, int count)
    {
        var answer = await SearchAsync($$"""{"filter":{{filter}},"limit":1000}""");
        answer.Status.Should().Be(200, answer.Text);
        answer.Json.GetProperty("data").GetArrayLength().Should().Be(count);
        ContractSchemas.Check(answer, "PaginatedTraceResponse");
    }

    [Theory]
    [InlineData("""{"limit":7.0,"cursor":""}""")]
    [InlineData("""{"limit":0.7e1}""")]
    [InlineData("""{"limit":7,"cursor":"","sort_by":""}""")]
    [InlineData("""{"limit":7,"cursor":null,"sort_by":null,"filter":null,"fields":null,"sort_desc":null}""")]
    public async Task What_is_empty_is_not_there(string body)
    {
        var answer = await SearchAsync(body);
        answer.Status.Should().Be(200, answer.Text);
        answer.Json.GetProperty("data").EnumerateArray().Select(t => t.GetProperty("ts").GetDateTime()).Should().HaveCount(7).And.BeInAscendingOrder();
    }

    [Theory]
    [InlineData("""{"filter":{"field":"x","operator":"eq","value":1}}""", "Invalid filter: field 'x' is not allowed")]
    [InlineData("""{"sort_by":"input_text"}""", "Invalid sort field: input_text")]
    [InlineData("""{"limit":50.5}""", "limit must be a whole number")]
    [InlineData("""{"limit":1e400}""", "limit must be a whole number")]
    [InlineData("""{"limit":"50"}""", "limit must be a whole number")]
    [InlineData("""{"limit":1e18}""", "Limit cannot exceed 1000")]
    [InlineData("""{"limit":0}""", "Limit must be at least 1")]
    [InlineData("""{"limit":1001}""", "Limit cannot exceed 1000")]
    [InlineData("""{"filter":{"operator":"AND","filters":[]}}""", "at least one")]
    [InlineData("""{"filter":{"operator":"NOT","filters":[{"field":"model","operator":"eq","value":"a"},{"field":"model","operator":"eq","value":"a"}]}}""", "exactly one")]
    [InlineData("""{"filter":{"operator":"XOR","filters":[{"field":"model","operator":"eq","value":"a"}]}}""", "XOR")]
    [InlineData("""{"filter":{"field":"model","operator":"like","value":"a"}}""", "'like'")]
    [InlineData("""{"filter":{"field":"model","operator":"eq"}}""", "value is required")]
    [InlineData("""{"filter":{"field":"model","operator":"in","value":[]}}""", "array of 1")]
    [InlineData("""{"filter":{"field":"model","operator":"gt","value":"a"}}""", "is a text")]
    [InlineData("""{"filter":{"field":"duration_ms","operator":"contains","value":"1"}}""", "no text")]
    [InlineData("""{"filter":{"field":"duration_ms","operator":"eq","value":"soon"}}""", "number")]
    [InlineData("""{"filter":{"field":"model","operator":"regex","value":"(a"}}""", "bad regex")]
    [InlineData("""{"filter":{"field":"model","operator":"regex","value":"(?=a)"}}""", "regex_too_complex")]
    [InlineData("""{"filter":{"field":"model","operator":"eq","value":"\u0000"}}""", "NUL")]
    [InlineData("""{"filter":{"field":"model","operator":"eq","value":"\ud800"}}""", "well-formed")]
    [InlineData("""{"filter":7}""", "must be an object")]
    [InlineData("""{"cursor":"x"}""", "Invalid cursor")]
    [InlineData("""{"sort_desc":"yes"}""", "sort_desc")]
    [InlineData("""{"limit":1,"limit":2}""", "twice")]
    [InlineData("[]", "JSON object")]
    [InlineData("{", "JSON object")]
    public async Task What_has_no_meaning_is_400_and_says_why(string body, string why)
    {
        var answer = await SearchAsync(body);
        (answer.Status, answer.Json.GetProperty("error").Text("code")).Should().Be((400, "BAD_REQUEST"), answer.Text);
        answer.Json.GetProperty("error").Text("message").Should().Contain(why);
        ContractSchemas.Check(answer, "ErrorResponse");
    }

    [Fact]
    public async Task A_filter_is_at_most_32_deep_and_1000_wide()
    {
        const string leaf = """{"field":"model","operator":"ne","value":"x"}""";
        string Deep(int levels) => string.Concat(Enumerable.Repeat("""{"operator":"NOT","filters":[""", levels - 1)) + leaf + string.Concat(Enumerable.Repeat("]}", levels - 1));
        string Wide(int nodes) => $$"""{"operator":"OR","filters":[{{string.Join(',', Enumerable.Repeat(leaf, nodes - 1))}}]}""";
        foreach (var (filter, status) in new[] { (Deep(31), 200), (Deep(32), 200), (Deep(33), 400), (Deep(60), 400), (Deep(5_000), 400), (Wide(999), 200), (Wide(1_000), 200), (Wide(1_001), 400) })
            (await SearchAsync($$"""{"filter":{{filter}}}""")).Status.Should().Be(status, filter[..50]);
        foreach (var (length, status) in new[] { (256, 200), (257, 400) })
            (await SearchAsync(JsonSerializer.Serialize(new { filter = new { field = "model", @operator = "regex", value = new string('a', length) } }))).Status.Should().Be(status);
    }

    [Theory]
    [InlineData("ts")]
    [InlineData("model")]
    [InlineData("duration_ms")]
    [InlineData("total_cost_usd")]
    [InlineData("status_code")]
    public async Task A_cursor_leads_through_every_order_and_opens_for_its_query_alone(string sort)
    {
        foreach (var descending in (bool[])[true, false])
        {
            var seen = new List<string>();
            string? cursor = null;
            do
            {
                var answer = await SearchAsync(JsonSerializer.Serialize(new { sort_by = sort, sort_desc = descending, limit = 11, cursor }));
                answer.Status.Should().Be(200, answer.Text);
                seen.AddRange(answer.Json.GetProperty("data").EnumerateArray().Select(s => s.Text("span_id")!));
                cursor = answer.Json.GetProperty("pagination").TryGetProperty("cursor", out var next) ? next.GetString() : null;
                if (cursor is null) break;
                using var members = JsonDocument.Parse(Convert.FromBase64String(cursor));
                members.RootElement.EnumerateObject().Take(3).Select(m => m.Name).Should().Equal("timestamp", "trace_id", "span_id");
                foreach (var other in (object[])[new { sort_by = sort, sort_desc = !descending, cursor }, new { sort_by = sort == "ts" ? "model" : "ts", sort_desc = descending, cursor },
                    new { sort_by = sort, sort_desc = descending, cursor, filter = new { field = "model", @operator = "eq", value = "claude" } }])
                    (await SearchAsync(JsonSerializer.Serialize(other))).Status.Should().Be(400, "it was made for another query");
                (await SearchAsync(JsonSerializer.Serialize(new { sort_by = sort, sort_desc = descending, cursor }), server.Rival)).Status.Should().Be(400, "it was made for another caller");
                (await ListAsync($"sort_by={sort}&sort_order={(descending ? "desc" : "asc")}&cursor={Uri.EscapeDataString(cursor)}")).Status.Should().Be(400, "and for another door");
            }
            while (seen.Count < 100);
            seen.Should().HaveCount(60).And.OnlyHaveUniqueItems();
        }
    }

    [Fact]
    public async Task Fields_are_chosen_and_what_is_unknown_is_dropped()
    {
        (await ListAsync("fields=model,nonsense&limit=1&user_id=u1")).Json.GetProperty("data")[0].EnumerateObject().Select(m => m.Name).Should().BeSubsetOf(["ts", "trace_id", "span_id", "model"]).And.HaveCountGreaterThan(2);
        (await ListAsync("fields=nonsense&limit=1")).Json.GetProperty("data")[0].TryGetProperty("attributes", out _).Should().BeTrue();
        var trace = (await ListAsync("tags=tag0&limit=1")).Json.GetProperty("data")[0];
        trace.GetProperty("tags").EnumerateArray().Select(t => t.GetString()).Should().Equal("tag0");
    }

    [Fact]
    public async Task One_trace_is_its_newest_span_and_anothers_is_absent()
    {
        var answer = await server.GetAsync("/api/v1/traces/shop-2", server.Shop, ("X-Min-Position", server.Written!));
        ContractSchemas.Check(answer, "SingleTraceResponse");
        answer.Json.GetProperty("data").Text("span_id").Should().Be("s08");
        var (theirs, absent) = (await server.GetAsync("/api/v1/traces/shop-2", server.Rival), await server.GetAsync("/api/v1/traces/none", server.Rival));
        theirs.Json.GetProperty("error").GetRawText().Should().Be("""{"code":"NOT_FOUND","message":"Trace with ID 'shop-2' not found"}""");
        absent.Json.GetProperty("error").GetRawText().Should().Be("""{"code":"NOT_FOUND","message":"Trace with ID 'none' not found"}""");
        ContractSchemas.Check(absent, "ErrorResponse");
    }

    [Fact]
    public async Task Runs_are_listed_and_searched_alike()
    {
        var runs = (await server.GetAsync("/api/v1/runs?limit=5&sort_order=asc", server.Shop, ("X-Min-Position", server.Written!))).Json;
        runs.GetProperty("data").GetArrayLength().Should().Be(5);
        var next = (await server.GetAsync($"/api/v1/runs?limit=50&sort_order=asc&cursor={Uri.EscapeDataString(runs.GetProperty("pagination").Text("cursor")!)}", server.Shop)).Json;
        next.GetProperty("data").GetArrayLength().Should().Be(15);
        var found = await SearchAsync("""{"filter":{"field":"output_text","operator":"search","value":"authentication"}}""", path: "/api/v1/runs/search");
        found.Json.GetProperty("data").GetArrayLength().Should().Be(7, found.Text);
        found.Json.GetProperty("data")[0].GetProperty("span_count").GetInt32().Should().Be(3);
    }

    [Fact]
    public async Task A_repeated_question_is_answered_from_the_cache_and_never_behind_what_is_asked_for()
    {
        var first = await ListAsync("user_id=u2&limit=7");
        first.Json.GetProperty("meta").GetProperty("cached").GetBoolean().Should().BeFalse();
        var again = await ListAsync("limit=7&user_id=u2");
        again.Json.GetProperty("meta").GetProperty("cached").GetBoolean().Should().BeTrue("the order of parameters says nothing");
        again.Json.GetProperty("data").GetRawText().Should().Be(first.Json.GetProperty("data").GetRawText());
        (await ListAsync("user_id=u2&limit=8")).Json.GetProperty("meta").GetProperty("cached").GetBoolean().Should().BeFalse();
        (await ListAsync("user_id=u2&limit=7", server.Rival)).Json.GetProperty("meta").GetProperty("cached").GetBoolean().Should().BeFalse();
        (await BearerAsync("/api/v1/traces?user_id=u2&limit=7", SignedElsewhere.Token("viewer", ["shop"]))).Json.GetProperty("meta").GetProperty("cached").GetBoolean().Should().BeFalse();

        var written = await server.PostAsync("/api/v1/events", """[{"type":"user_message","trace_id":"fresh","span_id":"fresh","user_id":"u2","content":"x"}]""", server.Rival);
        var fresh = await server.GetAsync("/api/v1/traces?user_id=u2&limit=7", server.Rival, ("X-Min-Position", written.Headers["X-Log-Position"]));
        fresh.Json.GetProperty("data")[0].Text("span_id").Should().Be("fresh", "no answer is older than the position that is asked for");
        long.Parse(fresh.Headers["X-Log-Position"], CultureInfo.InvariantCulture).Should().BeGreaterThanOrEqualTo(long.Parse(written.Headers["X-Log-Position"], CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_token_is_given_for_a_key_and_looks_where_the_key_looks()
    {
        foreach (var client in (string[])[server.ShopId, "shop key"])
        {
            var given = await server.PostAsync("/auth/token", JsonSerializer.Serialize(new { client_id = client, client_secret = server.Shop }), key: null);
            (given.Status, given.Json.Text("token_type"), given.Json.GetProperty("expires_in").GetInt32()).Should().Be((200, "Bearer", 900));
            var seen = await BearerAsync("/api/v1/traces?limit=1000", given.Json.Text("access_token")!);
            seen.Json.GetProperty("data").EnumerateArray().Select(s => s.GetProperty("attributes").Text("project_id")).Distinct().Should().Equal("shop");
            seen.Headers["X-RateLimit-Limit"].Should().Be("10000");
            (await BearerAsync("/api/v1/traces?project_id=rival", given.Json.Text("access_token")!)).Status.Should().Be(403);
            (await BearerAsync("/api/v1/traces/rival-1", given.Json.Text("access_token")!)).Status.Should().Be(404);
        }
        foreach (var (id, secret) in new[] { ("other", server.Shop), (server.ShopId, server.Rival), (server.ShopId, ""), ("", ""), (server.ShopId, server.Shop + "x") })
            (await server.PostAsync("/auth/token", JsonSerializer.Serialize(new { client_id = id, client_secret = secret }), key: null)).Status.Should().Be(401);
    }

    [Fact]
    public async Task Tokens_signed_elsewhere_see_what_they_claim()
    {
        async Task<(int, string)> Sees(string token, string query = "")
        {
            var answer = await BearerAsync($"/api/v1/traces?limit=1000{query}", token);
            answer.Headers.Should().ContainKey("X-RateLimit-Remaining");
            return (answer.Status, answer.Status == 200
                ? string.Join(',', answer.Json.GetProperty("data").EnumerateArray().Select(s => s.GetProperty("attributes").Text("project_id")!).Where(p => p is "shop" or "rival").Distinct().Order())
                : $"{answer.Json.GetProperty("error").Text("message")} {answer.Json.GetProperty("error").Text("details")}");
        }
        (await Sees(SignedElsewhere.Token("viewer", ["shop"]))).Should().Be((200, "shop"));
        (await Sees(SignedElsewhere.Token("developer", ["shop", "rival"]))).Should().Be((200, "rival,shop"));
        (await Sees(SignedElsewhere.Token("developer", ["shop", "rival"]), "&project_id=rival")).Should().Be((200, "rival"));
        (await Sees(SignedElsewhere.Token("admin", []))).Should().Be((200, "rival,shop"));
        (await Sees(SignedElsewhere.Token("admin", []), "&project_id=shop")).Should().Be((200, "shop"));
        (await Sees(SignedElsewhere.Token("viewer", ["shop"]), "&project_id=rival")).Should().Be((403, "Project access denied PROJECT_ACCESS_DENIED"));
        (await Sees(SignedElsewhere.Token("viewer", []))).Should().Be((403, "Project ID is required PROJECT_REQUIRED"));
        (await Sees(SignedElsewhere.Token("admin", [], org: "other"))).Should().Be((403, "Project ID is required PROJECT_REQUIRED"));
        (await Sees(SignedElsewhere.Token("billing", ["shop"]))).Should().Be((403, "Insufficient permissions to read traces INSUFFICIENT_PERMISSIONS"));
        (await Sees(SignedElsewhere.Token("viewer", ["shop"], permissions: []))).Item1.Should().Be(403);
        (await BearerAsync("/api/v1/traces", SignedElsewhere.Token("viewer", ["shop"], lives: -1))).Status.Should().Be(401);
        (await BearerAsync("/api/v1/traces/shop-2", SignedElsewhere.Token("admin", ["shop"], org: "other"))).Status.Should().Be(404);
        (await server.GetAsync("/api/v1/traces", SignedElsewhere.Token("viewer", ["shop"]))).Status.Should().Be(401, "a token is no API key");
        foreach (var (role, limit) in new[] { ("admin", "100000"), ("developer", "10000"), ("viewer", "1000"), ("billing", "1000") })
            (await BearerAsync("/api/v1/traces?limit=1", SignedElsewhere.Token(role, ["shop"], sub: $"who-{role}"))).Headers["X-RateLimit-Limit"].Should().Be(limit);
    }

    [Fact]
    public async Task Too_many_of_a_role_are_429()
    {
        var token = SignedElsewhere.Token("viewer", ["shop"], sub: "busy");
        Answer? last = null;
        for (var i = 0; i < 4_000 && last?.Status != 429; i++) last = await BearerAsync("/api/v1/traces/none", token);
        last!.Status.Should().Be(429);
        ContractSchemas.Check(last, "ErrorResponse");
        last.Json.GetProperty("error").GetRawText().Should().Be("""{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests. Please slow down."}""");
        (last.Headers["X-RateLimit-Remaining"], last.Headers.ContainsKey("Retry-After"), last.Headers.ContainsKey("X-RateLimit-Reset")).Should().Be(("0", true, true));
    }
}

public sealed class ObservatoryOnSqlite(ObservatoryOnSqlite.Server server) : ObservatoryContract(server), IClassFixture<ObservatoryOnSqlite.Server>
{
    public sealed class Server : Filled;
}

public sealed class ObservatoryOnPostgres(ObservatoryOnPostgres.Server server) : ObservatoryContract(server), IClassFixture<ObservatoryOnPostgres.Server>
{
    public sealed class Server : Filled
    {
        protected override async Task<Dictionary<string, string>> SettingsAsync()
        {
            var settings = await base.SettingsAsync();
            settings["ConnectionStrings__Postgres"] = await PostgresServer.DatabaseAsync();
            return settings;
        }
    }
}

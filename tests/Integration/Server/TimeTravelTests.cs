using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Application.Retention;
using Hindcast.Application.TimeTravel;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

public sealed class TimeTravelOnSqlite(AgingHost host) : TimeTravelTests(host), IClassFixture<AgingHost>;

public sealed class TimeTravelInClear(ClearAging host) : TimeTravelTests(host), IClassFixture<ClearAging>;

public sealed class TimeTravelOnPostgres(PostgresAging host) : TimeTravelTests(host), IClassFixture<PostgresAging>;

public sealed class TimeTravelOnEventStoreDb(EventStoreAging host) : TimeTravelTests(host), IClassFixture<EventStoreAging>;

/// <summary>Lists and figures as of a time are what the doors answered then, whatever came after.</summary>
public abstract class TimeTravelTests(AgingHost host)
{
    static readonly JsonSerializerOptions s_sparse = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };
    /// <summary>What an answer says of itself, and not of what it shows.</summary>
    static readonly string[] s_own = ["meta", "cursor", "generated_at"];

    static readonly string s_search = JsonSerializer.Serialize(new { filter = new { field = "input_text", @operator = "search", value = "marmot" }, limit = 1_000 });

    static readonly string s_scored = JsonSerializer.Serialize(new { filter = new { field = "score.stars", @operator = "lt", value = 1 }, limit = 1_000 });

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    DateTimeOffset Now => host.Services.GetRequiredService<TimeProvider>().GetUtcNow();

    Pasts Pasts => host.Services.GetRequiredService<Pasts>();

    static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    async Task<string> KeyAsync(string project) => (await host.SendAsync(
        HttpMethod.Post, "/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest", "read", "admin"] }))).Json.Text("key")!;

    async Task WriteAsync(string key, params object[] events)
    {
        var answer = await host.SendAsync(HttpMethod.Post, "/api/v1/events", JsonSerializer.Serialize(events, s_sparse), key);
        answer.Status.Should().Be(202, answer.Text);
    }

    async Task PriceAsync(string key, double usd) => (await host.SendAsync(HttpMethod.Put, "/api/v1/prices", JsonSerializer.Serialize(new
    {
        prices = (object[])[new { provider = "openai", model = "gpt-4o", valid_from = "2026-01-01T00:00:00Z", input_per_million_usd = usd, output_per_million_usd = usd * 2 }],
    }), key)).Status.Should().Be(200);

    /// <summary>Every door that travels, each with a window that does not depend on when it is asked.</summary>
    string[] Doors()
    {
        var day = Now.UtcDateTime.Date;
        var window = $"start_time={day.AddDays(-2):yyyy-MM-dd}&end_time={day.AddDays(2):yyyy-MM-dd}";
        return
        [
            "/api/v1/traces?limit=5", "/api/v1/traces?limit=1000&sort_by=total_cost_usd", "/api/v1/traces?limit=1000&search=marmot", "/api/v1/runs?limit=1000", "/api/v1/runs?status=ERROR", "/api/v1/events",
            "/api/v1/sessions?limit=3", "/api/v1/users", "/api/v1/failures/groups", "/api/v1/costs?group_by=model,day", $"POST /api/v1/traces/search {s_search}", $"POST /api/v1/traces/search {s_scored}", $"POST /api/v1/runs/search {s_search}",
            $$"""POST /api/v1/metrics/query {"metrics":[{"metric":"total_cost","aggregation":"sum"}],"interval":"1day","group_by":["user_id"],"start_time":"{{day.AddDays(-2):yyyy-MM-dd}}","end_time":"{{day.AddDays(2):yyyy-MM-dd}}"}""",
            $"/api/v1/metrics?metrics=request_count,total_cost,duration&group_by=model,user_id&{window}", $"/api/v1/metrics/summary?{window}", $"/api/v1/costs/summary?{window}",
            $"/api/v1/costs/attribution?dimension=user&{window}", "/api/v1/costs/forecast", $"/api/v1/analytics/performance?{window}", $"/api/v1/analytics/quality?{window}",
            $"/api/v1/analytics/models/compare?models=gpt-4o,gpt-4o-mini&{window}", $"/api/v1/analytics/optimization?{window}",
        ];
    }

    Task<Answer> AskAsync(string key, string door, string? asOf)
    {
        // A path, or POST, a path and a body.
        var (path, body) = door.Split(' ', 3) is [_, var posted, var sent] ? (posted, sent) : (door, null);
        if (asOf is not null) path += $"{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}as_of={Uri.EscapeDataString(asOf)}";
        return host.SendAsync(body is null ? HttpMethod.Get : HttpMethod.Post, path, body, key, ("Cache-Control", "no-cache"));
    }

    /// <summary>What the doors show, as text; what each says of itself is left out.</summary>
    async Task<Dictionary<string, string>> ShownAsync(string key, string[] doors, string? asOf = null)
    {
        if (asOf is null) await SettledAsync();
        var shown = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var door in doors)
        {
            var answer = await AskAsync(key, door, asOf);
            answer.Status.Should().Be(200, $"{door}: {answer.Text}");
            var json = JsonNode.Parse(answer.Text)!;
            Bare(json);
            shown[door] = json.ToJsonString();
        }
        return shown;

        static void Bare(JsonNode? node)
        {
            if (node is JsonArray all)
                foreach (var one in all) Bare(one);
            if (node is not JsonObject members) return;
            foreach (var name in s_own) members.Remove(name);
            foreach (var (_, member) in members) Bare(member);
        }
    }

    async Task SettledAsync()
    {
        while ((await host.SendAsync(HttpMethod.Get, "/api/v1/projections")).Json.EnumerateArray().Any(p => p.GetProperty("lag_events").GetInt64() != 0)) await Task.Delay(20, Ct);
    }

    /// <summary>Remembers a moment: nothing is recorded in it, nor near it.</summary>
    string Cut()
    {
        host.PutForward(TimeSpan.FromSeconds(30));
        var cut = Iso(Now);
        host.PutForward(TimeSpan.FromSeconds(30));
        return cut;
    }

    static object[] Random(Random random, int turn, DateTimeOffset now)
    {
        string[] types = ["user_message", "llm_request", "llm_response", "llm_response", "tool_call_request", "tool_call_response", "error", "product_event", "score"];
        return [.. Enumerable.Range(0, random.Next(1, 12)).Select(object (i) =>
        {
            var type = types[random.Next(types.Length)];
            return new
            {
                type, trace_id = $"t{random.Next(12)}", span_id = $"s{random.Next(4)}", user_id = random.Next(3) == 0 ? $"u{random.Next(4)}" : null, session_id = random.Next(3) == 0 ? $"c{random.Next(5)}" : null,
                at = Iso(now.AddSeconds(-random.Next(3_000))), provider = "openai", model = random.Next(2) == 0 ? "gpt-4o" : "gpt-4o-mini",
                usage = type == "llm_response" ? new { input = random.Next(1_000), output = random.Next(1_000) } : null, latency_ms = type == "llm_response" ? random.Next(5_000) : (int?)null,
                name = type == "product_event" ? "clicked" : type == "score" ? random.Next(2) == 0 ? "resolved" : "stars" : null, status = type == "llm_response" && random.Next(4) == 0 ? "error" : null,
                content = type == "error" ? (object)new { message = $"broken {random.Next(3)}" } : type == "product_event" ? new { turn } : type == "score" ? new { value = random.Next(2) } : $"{(random.Next(2) == 0 ? "marmot" : "otter")} {turn}.{i}",
            };
        })];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_answer_of_a_random_history_can_be_had_again(int seed)
    {
        var (random, doors) = (new Random(seed), Doors());
        var (key, other) = (await KeyAsync($"history{seed}"), await KeyAsync($"elsewhere{seed}"));
        var cuts = new List<(string[] AsOf, Dictionary<string, string> Shown)> { ([Cut()], await ShownAsync(key, doors)) };
        for (var turn = 0; turn < 6; turn++)
        {
            if (random.Next(2) == 0) await PriceAsync(key, random.Next(1, 50));
            await WriteAsync(key, Random(random, turn, Now));
            await WriteAsync(other, Random(random, turn, Now));
            await WriteAsync(key, new { type = "user_message", trace_id = "last", span_id = $"s{turn}", user_id = "u0", at = Iso(Now), content = $"marmot {turn}" });
            var shown = await ShownAsync(key, doors);
            // Up to the very moment of the last fact, and up to one of which nothing is known.
            var last = (await host.SendAsync(HttpMethod.Get, "/api/v1/traces/last/timeline?limit=1000", null, key)).Json.GetProperty("items").EnumerateArray().Last().Text("recorded_at")!;
            cuts.Add(([last, Cut()], shown));
        }
        cuts.Select(c => c.Shown["/api/v1/runs?limit=1000"]).Should().OnlyHaveUniqueItems("each turn changes something");
        foreach (var (times, then) in cuts)
            foreach (var asOf in times)
                foreach (var (door, shown) in await ShownAsync(key, doors, asOf)) shown.Should().Be(then[door], $"{door} as of {asOf}, seed {seed}");
    }

    [Fact]
    public async Task A_past_that_is_kept_ends_where_the_next_fact_was_recorded()
    {
        var key = await KeyAsync("edges");
        async Task<DateTimeOffset> RecordedAsync(string trace)
        {
            await WriteAsync(key, new { type = "user_message", trace_id = trace, span_id = "s", content = "marmot" });
            host.PutForward(TimeSpan.FromSeconds(30));
            return (await host.SendAsync(HttpMethod.Get, $"/api/v1/traces/{trace}/timeline", null, key)).Json.GetProperty("items")[0].GetProperty("recorded_at").GetDateTimeOffset();
        }
        async Task<int> CountAsync(DateTimeOffset asOf) => (await AskAsync(key, "/api/v1/runs", Iso(asOf))).Json.GetProperty("data").GetArrayLength();

        var (first, second) = (await RecordedAsync("one"), await RecordedAsync("two"));
        var tick = TimeSpan.FromMicroseconds(1);
        (await CountAsync(first - tick), await CountAsync(first), await CountAsync(first + tick)).Should().Be((0, 1, 1));
        var begun = Pasts.Begun;
        (await CountAsync(second - tick), Pasts.Begun).Should().Be((1, begun), "nothing was recorded in between");
        (await CountAsync(second), await CountAsync(second + tick), await CountAsync(second - tick), await CountAsync(first - tick)).Should().Be((2, 2, 1, 0));
    }

    [Fact]
    public async Task What_was_erased_or_has_expired_since_is_so_at_all_times()
    {
        var (key, doors) = (await KeyAsync("mortal"), Doors());
        await WriteAsync(key, [.. new[] { "erased", "expired", "alive" }.SelectMany(trace => new object[]
        {
            new { type = "user_message", trace_id = trace, user_id = $"user-{trace}", session_id = $"session-{trace}", span_id = "ask", content = $"marmot Word{trace}" },
            new { type = "llm_response", trace_id = trace, span_id = "answer", provider = "openai", model = "gpt-4o", usage = new { input = 10, output = 5 }, content = $"Word{trace}" },
            new { type = "error", trace_id = trace, span_id = "failed", content = new { message = $"Word{trace}" } },
        })]);
        await WriteAsync(key, new { type = "user_message", trace_id = "alive", user_id = "user-erased", span_id = "guest", content = "Worderased here too" });
        var before = await ShownAsync(key, doors);
        before.Values.Should().Contain(text => text.Contains("Worderased", StringComparison.Ordinal)).And.Contain(text => text.Contains("Wordexpired", StringComparison.Ordinal));
        var cut = Cut();
        (await ShownAsync(key, doors, cut)).Should().Equal(before, "nothing has happened yet");
        Scratch().Should().NotBeEmpty();

        (await host.SendAsync(HttpMethod.Delete, "/api/v1/users/user-erased", null, key)).Status.Should().Be(200);
        Scratch().Should().BeEmpty("what was built holds what is erased");
        host.PutForward(TimeSpan.FromDays(10));
        await WriteAsync(key, new { type = "user_message", trace_id = "alive", span_id = "later", content = "still here" });
        host.PutForward(TimeSpan.FromDays(25));
        (await host.SendAsync(HttpMethod.Put, "/api/v1/retention", """{"days":30,"confirm":true}""", key)).Status.Should().Be(200);
        await WriteAsync(key, new { type = "user_message", trace_id = "young", span_id = "s", content = "young" });
        await host.Services.GetRequiredService<RetentionSweep>().SweepAsync(Ct);
        await SettledAsync();

        var then = await ShownAsync(key, doors, cut);
        foreach (var (door, shown) in then)
        {
            shown.Should().NotContain("Worderased", door).And.NotContain("Wordexpired", door).And.NotContain("\"expired\"", door).And.NotContain("user-e", door).And.NotContain("session-e", door).And.NotContain("still here", door);
            if (door.StartsWith("/api/v1/runs?limit", StringComparison.Ordinal)) shown.Should().Contain("\"alive\"").And.NotContain("young");
        }
        then["/api/v1/traces?limit=1000&search=marmot"].Should().Contain("Wordalive");
        // Money was spent whoever it was for: sums of what has expired stay, as they do now.
        var (old, now) = (JsonNode.Parse(before["/api/v1/costs?group_by=model,day"])!, JsonNode.Parse(then["/api/v1/costs?group_by=model,day"])!);
        now["total_usd"]!.ToJsonString().Should().Be(old["total_usd"]!.ToJsonString());
        (await host.SendAsync(HttpMethod.Put, "/api/v1/retention", """{"days":null}""", key)).Status.Should().Be(200);
    }

    /// <summary>The files that pasts stand in.</summary>
    string[] Scratch() => [.. Directory.GetFiles(Path.Combine(host.Folder, "past")).Select(f => Path.GetFileName(f)!).Where(f => !f.StartsWith("catalog", StringComparison.Ordinal))];

    [Fact]
    public async Task Cursors_go_on_in_their_own_time_only_and_a_past_is_built_once_for_all()
    {
        var key = await KeyAsync("walked");
        await WriteAsync(key, [.. Enumerable.Range(0, 25).Select(i => new { type = "error", trace_id = $"t{i}", span_id = "s", session_id = $"c{i}", content = new { message = $"{(char)('a' + i)} fails" } })]);
        await SettledAsync();
        var cut = Cut();
        await WriteAsync(key, [.. Enumerable.Range(25, 25).Select(i => new { type = "error", trace_id = $"t{i}", span_id = "s", session_id = $"c{i}", content = new { message = "marmot fails" } })]);
        var begun = Pasts.Begun;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AskAsync(key, "/api/v1/traces?limit=7", cut)));
        Pasts.Begun.Should().Be(begun + 1, "they asked for the same");

        foreach (var (door, id) in ((string, string)[])[("/api/v1/traces?limit=7", "trace_id"), ("/api/v1/runs?limit=7", "trace_id"), ("/api/v1/sessions?limit=7", "session_id"), ("/api/v1/failures/groups?limit=7", "id")])
        {
            var seen = new List<string>();
            for (var cursor = ""; cursor is not null;)
            {
                var page = (await AskAsync(key, $"{door}{cursor}", cut)).Json;
                seen.AddRange(page.GetProperty("data").EnumerateArray().Select(row => row.Text(id)!));
                seen.Should().HaveCountLessThanOrEqualTo(25);
                cursor = page.GetProperty("pagination").TryGetProperty("cursor", out var next) && next.ValueKind == JsonValueKind.String ? $"&cursor={Uri.EscapeDataString(next.GetString()!)}" : null;
                if (cursor is null || seen.Count > 7) continue;
                (await AskAsync(key, $"{door}{cursor}", null)).Status.Should().Be(400, $"{door}: now is another list");
                (await AskAsync(key, $"{door}{cursor}", Iso(DateTimeOffset.Parse(cut, CultureInfo.InvariantCulture).AddSeconds(1)))).Status.Should().Be(400, $"{door}: a second later is, too");
            }
            seen.Should().HaveCount(25).And.OnlyHaveUniqueItems(door);
        }
        Pasts.Begun.Should().Be(begun + 2, "texts are made for runs, and nothing was recorded within that second");
        var many = (await AskAsync(key, "/api/v1/traces", cut)).Headers["X-Log-Position"];
        long.Parse(many, CultureInfo.InvariantCulture).Should().BeLessThan(long.Parse(host.Written!, CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Who_asks_sees_their_own_and_a_wrong_time_is_refused_by_name()
    {
        var (key, other) = (await KeyAsync("mine"), await KeyAsync("theirs"));
        await WriteAsync(key, new { type = "error", trace_id = "secret", span_id = "s", user_id = "somebody", content = new { message = "marmot" } });
        await SettledAsync();
        var cut = Cut();
        foreach (var (door, shown) in await ShownAsync(other, Doors(), cut)) shown.Should().NotContain("secret", door).And.NotContain("somebody", door);
        (await AskAsync(other, "/api/v1/traces?project_id=mine", cut)).Status.Should().Be(403);

        foreach (var door in Doors())
        {
            foreach (var bad in (string[])["yesterday", "now+1h", Iso(Now.AddHours(1)), "2026-13-01T00:00:00Z", $"{cut},{cut}"])
            {
                var refused = await AskAsync(key, door, bad);
                (refused.Status, refused.Json.GetProperty("error").Text("details")).Should().Be((422, "as_of"), $"{door} as of {bad}: {refused.Text}");
            }
            (await AskAsync(key, door, "1999-12-31")).Status.Should().Be(200, $"{door}: there was nothing then");
        }
        (await AskAsync(key, $"/api/v1/traces?as_of={cut}", cut)).Status.Should().Be(422, "one time, not two");
        (await AskAsync(key, "/api/v1/traces", "1999-12-31")).Json.GetProperty("data").GetArrayLength().Should().Be(0);
        foreach (var now in (string[])["/api/v1/prices", "/api/v1/traces/secret/tree", "/api/v1/traces/secret/timeline", "/api/v1/projections", "/api/v1/completeness", "/limits", "/traces", "/api/threads"])
            (await AskAsync(key, now, cut)).Status.Should().Be(422, $"{now} answers for now only");
        (await AskAsync(key, "/api/v1/traces/secret/state", cut)).Status.Should().Be(200);
    }

    [Fact]
    public async Task Every_door_that_takes_it_says_so_and_is_tested_here()
    {
        var paths = (await host.SendAsync(HttpMethod.Get, "/openapi/v1.json")).Json.GetProperty("paths").EnumerateObject();
        var taking = paths.SelectMany(p => p.Value.EnumerateObject().Where(m => m.Value.TryGetProperty("parameters", out var all) && all.EnumerateArray().Any(x => x.Text("name") == "as_of"))
            .Select(m => m.Name == "post" ? $"POST {p.Name}" : p.Name));
        taking.Should().BeEquivalentTo(Doors().Select(d => d.Split(' ', 3) is [_, var path, _] ? $"POST {path}" : d.Split('?')[0]).Append("/api/v1/traces/{traceId}").Append("/v1/analytics/overview").Distinct());
    }

    [Fact]
    public async Task The_overview_of_requests_is_what_it_was_in_a_window_that_ends_then()
    {
        var key = await KeyAsync("overview");
        await WriteAsync(key, Asked("a", 100), Asked("b", 1_000));
        await SettledAsync();
        var cut = Cut();
        var then = await FilledAsync(null);
        then.Should().NotBeEmpty();
        await WriteAsync(key, Asked("b", 2_000), Asked("c", 2_000));
        await SettledAsync();
        (await FilledAsync(cut)).Should().Equal(then);
        (await FilledAsync(null)).Should().NotEqual(then);
        (await FilledAsync("1999-12-31")).Should().BeEmpty();
        var refused = await AskAsync(key, "/v1/analytics/overview", "yesterday");
        (refused.Status, refused.Json.GetProperty("error").Text("message")).Should().Be((422, "as_of must be one ISO 8601 time, or one like now-1h"));

        object Asked(string trace, int ago) => new { type = "llm_response", trace_id = trace, span_id = $"{trace}{ago}", provider = "openai", model = "gpt-4o", at = Iso(Now.AddSeconds(-ago)), latency_ms = ago, usage = new { input = 10, output = ago } };

        // Where the window begins depends on when it is asked; the buckets that hold something do not.
        async Task<string[]> FilledAsync(string? asOf) =>
            [.. (await AskAsync(key, "/v1/analytics/overview?window=7d&bucket=minute", asOf)).Json.GetProperty("buckets").EnumerateArray().Where(b => b.GetProperty("request_count").GetInt64() > 0).Select(b => b.GetRawText())];
    }

    [Fact]
    public async Task Who_no_longer_waits_leaves_nothing_behind()
    {
        var key = await KeyAsync("left");
        await WriteAsync(key, new { type = "user_message", trace_id = "t", span_id = "s", content = "marmot" });
        await SettledAsync();
        var cut = DateTimeOffset.Parse(Cut(), CultureInfo.InvariantCulture);
        await Pasts.ForgetAsync();
        using (var stop = new CancellationTokenSource())
        {
            var visit = Pasts.VisitAsync(["left"], cut, stop.Token);
            await stop.CancelAsync();
            await FluentActions.Awaiting(() => visit).Should().ThrowAsync<OperationCanceledException>();
        }
        while (Scratch().Length > 0) await Task.Delay(20, Ct);
        // One of two who wait goes; the other gets its answer.
        using var one = new CancellationTokenSource();
        var (left, stays) = (Pasts.VisitAsync(["left"], cut, one.Token), Pasts.VisitAsync(["left"], cut, Ct));
        await one.CancelAsync();
        using var past = await stays;
        past.Position.Value.Should().BePositive();
        await Task.WhenAny(left);
        if (left.IsCompletedSuccessfully) (await left).Dispose();
    }
}

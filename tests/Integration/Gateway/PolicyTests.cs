using System.Text;
using System.Text.Json;
using Hindcast.Application.Gateway;
using Hindcast.Domain.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Gateway;

/// <summary>Retries, fallbacks, the cache, and limits that hold when everybody comes at once.</summary>
public sealed class PolicyTests(PolicyTests.BusyHost host) : IClassFixture<PolicyTests.BusyHost>
{
    const int AtOnce = 200;

    public sealed class BusyHost : GatewayHost
    {
        protected override IEnumerable<string> Settings => [$"--Hindcast:Gateway:CallsAtOnce={AtOnce}"];
    }

    const string Question = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"max_tokens":100}""";
    const string Reply = """{"id":"c","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""";

    static string Name() => $"p{Guid.NewGuid():n}"[..20];

    async Task<(string Project, (string, string) Key)> ProjectAsync(string policy, string more = "")
    {
        var project = Name();
        await host.SetAsync(HttpMethod.Put, "/api/v1/policies/gateway", $$"""{"project_id":"{{project}}",{{policy}} }""");
        return (project, ("Authorization", $"Bearer {await host.KeyAsync(project, more: more)}"));
    }

    [Fact]
    public async Task Every_attempt_is_a_span_and_the_last_one_counts()
    {
        var (project, key) = await ProjectAsync("\"attempts\":3,\"backoff_ms\":1");
        host.Provider.Reset((http, n) => n < 3 ? FakeProvider.Json(http, n == 1 ? 429 : 503, """{"error":{"message":"busy"}}""") : FakeProvider.Json(http, 200, Reply));
        var (status, body, _) = await host.PostAsync("/v1/chat/completions", Question, key, ("X-Trace-ID", "retried"), ("X-Span-ID", "the-call"));
        (status, GatewayHost.Text(body)).Should().Be((200, Reply));

        var facts = await host.FactsAsync("retried", 6, project);
        var attempts = facts.OfType<LlmResponse>().ToList();
        attempts.Select(a => a.SpanId).Should().Equal("the-call.1", "the-call.2", "the-call");
        attempts.Select(a => a.Status).Should().Equal(SpanStatus.Error, SpanStatus.Error, SpanStatus.Success);
        attempts.Select(a => a.Attributes.GetValueOrDefault("superseded")).Should().Equal("true", "true", null);
    }

    [Fact]
    public async Task Only_what_may_help_is_tried_again()
    {
        var (_, key) = await ProjectAsync("\"attempts\":3,\"backoff_ms\":1,\"longest_backoff_ms\":2000");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 400, """{"error":{"message":"no"}}"""));
        (await host.PostAsync("/v1/chat/completions", Question, key)).Status.Should().Be(400);
        host.Provider.Requests.Should().HaveCount(1);

        host.Provider.Reset((http, _) =>
        {
            http.Response.Headers.RetryAfter = "60";
            return FakeProvider.Json(http, 429, """{"error":{"message":"wait"}}""");
        });
        (await host.PostAsync("/v1/chat/completions", Question, key)).Status.Should().Be(429);
        host.Provider.Requests.Should().HaveCount(1, "the provider asks for more patience than the policy has");
    }

    [Fact]
    public async Task The_next_model_answers_when_the_first_one_cannot()
    {
        var (project, key) = await ProjectAsync("\"fallbacks\":[\"gpt-4.1-mini\"]");
        host.Provider.Reset((http, n) =>
        {
            if (n == 1) http.Abort();
            return n == 1 ? Task.CompletedTask : FakeProvider.Json(http, 200, Reply);
        });
        (await host.PostAsync("/v1/chat/completions", Question, key, ("X-Trace-ID", "fell-back"))).Status.Should().Be(200);
        JsonDocument.Parse(host.Provider.Requests.Last().Body).RootElement.GetProperty("model").GetString().Should().Be("gpt-4.1-mini");
        (await host.FactsAsync("fell-back", 4, project)).OfType<LlmResponse>().Select(a => a.Model).Should().Equal("gpt-4o-mini", "gpt-4.1-mini");
    }

    [Fact]
    public async Task The_same_question_is_answered_once_and_costs_once()
    {
        var (project, key) = await ProjectAsync("\"cache\":true");
        var (_, other) = await ProjectAsync("\"cache\":true");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        const string turned = """{ "max_tokens":100, "messages":[{"content":"hi","role":"user"}],"model":"gpt-4o-mini"}""";
        (await host.PostAsync("/v1/chat/completions", Question, key)).Headers["X-Trops-Cache"].Should().Be("MISS");
        var (_, body, headers) = await host.PostAsync("/v1/chat/completions", turned, key, ("X-Trace-ID", "hit"));
        (headers["X-Trops-Cache"], GatewayHost.Text(body)).Should().Be(("HIT", Reply));
        (await host.PostAsync("/v1/chat/completions", Question, key, ("Cache-Control", "no-cache"))).Headers["X-Trops-Cache"].Should().Be("MISS");
        (await host.PostAsync("/v1/chat/completions", Question, other)).Headers["X-Trops-Cache"].Should().Be("MISS", "another project's answer is nobody else's");
        (await host.PostAsync("/v1/chat/completions", Question)).Headers.Should().NotContainKey("X-Trops-Cache", "this project has none");
        host.Provider.Requests.Should().HaveCount(4);

        var said = (LlmResponse)(await host.FactsAsync("hit", 2, project))[1];
        (said.Attributes["cache_hit"], said.Output).Should().Be(("true", "\"ok\""));
        Domain.Pricing.BuiltInPrices.Book.CostOf(said.Usage, said.Model, said.At).Total.Should().Be(0);
    }

    [Fact]
    public async Task A_stream_is_replayed_as_a_stream_and_an_error_or_half_an_answer_is_not_kept()
    {
        var (_, key) = await ProjectAsync("\"cache\":true");
        const string question = """{"model":"gpt-4o-mini","messages":[],"stream":true}""";
        const string chunk = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
        const string end = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        host.Provider.Reset((http, n) => n switch
        {
            1 => FakeProvider.Json(http, 200, """{"error":{"message":"no"}}"""),
            2 => FakeProvider.Stream(http, [Encoding.UTF8.GetBytes(chunk)]),
            _ => FakeProvider.Stream(http, [Encoding.UTF8.GetBytes(chunk + end)]),
        });
        foreach (var wanted in (string[])["MISS", "MISS", "MISS", "HIT"])
        {
            var (_, body, headers) = await host.PostAsync("/v1/chat/completions", question, key);
            headers["X-Trops-Cache"].Should().Be(wanted);
            if (wanted == "HIT") (GatewayHost.Text(body), headers["Content-Type"]).Should().Be((chunk + end, "text/event-stream"));
        }
    }

    [Theory]
    [InlineData("\"requests\":20", 20)]
    [InlineData("\"tokens\":1000", 7)]
    [InlineData("\"usd\":0.0005", 7)]
    public async Task A_budget_holds_when_two_hundred_come_at_once(string budget, int most)
    {
        var (project, key) = await ProjectAsync("\"attempts\":1");
        await host.SetAsync(HttpMethod.Put, "/api/v1/budgets/b1", $$"""{"project_id":"{{project}}","subject":"project","period":"month",{{budget}} }""");
        var release = new TaskCompletionSource();
        host.Provider.Reset(async (http, _) =>
        {
            await release.Task;
            await FakeProvider.Json(http, 200, Reply);
        });
        var calls = Enumerable.Range(0, AtOnce).Select(_ => host.PostAsync("/v1/chat/completions", Question, key)).ToList();
        while (calls.Count(c => c.IsCompleted) + host.Provider.Requests.Count < AtOnce) await Task.Delay(5, TestContext.Current.CancellationToken);
        release.SetResult();
        var answers = await Task.WhenAll(calls);
        answers.Count(a => a.Status == 200).Should().BeInRange(1, most);
        var refused = answers.First(a => a.Status != 200);
        (refused.Status, refused.Headers["x-should-retry"]).Should().Be((429, "false"));
        JsonDocument.Parse(refused.Body).RootElement.GetProperty("error").GetProperty("code").GetString().Should().Be("quota_exceeded");

        // What was reserved too much comes back when the truth is known.
        var made = answers.Count(a => a.Status == 200);
        for (var attempt = 0; ; attempt++)
        {
            var used = (await host.SetAsync(HttpMethod.Get, $"/api/v1/budgets?project_id={project}", ""))[0].GetProperty("used")[0];
            if (used.GetProperty("tokens").GetInt64() == made * 15 && used.GetProperty("requests").GetInt64() == made) break;
            attempt.Should().BeLessThan(500, used.GetRawText());
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_users_budget_is_that_users_alone()
    {
        var (project, key) = await ProjectAsync("\"attempts\":1");
        await host.SetAsync(HttpMethod.Put, "/api/v1/budgets/each", $$"""{"project_id":"{{project}}","subject":"user","period":"day","requests":1}""");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        (await host.PostAsync("/v1/chat/completions", Question, key, ("X-External-User-Id", "ann"))).Status.Should().Be(200);
        (await host.PostAsync("/v1/chat/completions", Question, key, ("X-External-User-Id", "ann"))).Status.Should().Be(429);
        (await host.PostAsync("/v1/chat/completions", Question, key, ("X-External-User-Id", "bob"))).Status.Should().Be(200);
    }

    [Fact]
    public async Task A_keys_monthly_quota_is_an_end()
    {
        var (_, key) = await ProjectAsync("\"attempts\":1", more: ",\"monthly_quota\":1");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        (await host.PostAsync("/v1/chat/completions", Question, key)).Status.Should().Be(200);
        var (status, body, _) = await host.PostAsync("/v1/chat/completions", Question, key);
        (status, JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("type").GetString()).Should().Be((429, "insufficient_quota"));
    }

    [Fact]
    public async Task What_is_redacted_passes_and_is_neither_recorded_nor_cached()
    {
        const string mail = "zoe@quokka.example";
        var told = Reply.Replace("\"ok\"", $"\"ask {mail}\"", StringComparison.Ordinal);
        var (project, key) = await ProjectAsync("\"cache\":true");
        await host.SetAsync(HttpMethod.Put, "/api/v1/redaction", $$"""{"project_id":"{{project}}","emails":"replace"}""");
        host.Provider.Reset((http, n) => FakeProvider.Json(http, 200, n <= 2 ? told : Reply));
        for (var i = 0; i < 2; i++)
        {
            var (_, body, headers) = await host.PostAsync("/v1/chat/completions", Question.Replace("hi", $"who is {mail}?", StringComparison.Ordinal), key, ("X-Trace-ID", $"redacted-{i}"));
            (GatewayHost.Text(body), headers["X-Trops-Cache"]).Should().Be((told, "MISS"), "the caller hears what was said, from the model itself each time");
        }
        var facts = await host.FactsAsync("redacted-1", 2, project);
        ((UserMessage)facts[0]).Input.Should().Contain("who is [redacted:email]?");
        ((LlmResponse)facts[1]).Output.Should().Be("\"ask [redacted:email]\"");
        Encoding.UTF8.GetString([.. host.Log.All.Where(r => r.Stream == Application.EventSourcing.StreamName.Trace(project, "redacted-1")).SelectMany(r => r.Content.ToArray())]).Should().NotContain(mail);

        (await host.PostAsync("/v1/chat/completions", Question, key)).Headers["X-Trops-Cache"].Should().Be("MISS");
        (await host.PostAsync("/v1/chat/completions", Question, key)).Headers["X-Trops-Cache"].Should().Be("HIT", "an answer with nothing in it is kept");
    }

    [Fact]
    public async Task What_was_used_is_known_after_a_restart()
    {
        var (project, key) = await ProjectAsync("\"attempts\":1");
        await host.SetAsync(HttpMethod.Put, "/api/v1/budgets/b1", $$"""{"project_id":"{{project}}","requests":10}""");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        (await host.PostAsync("/v1/chat/completions", Question, key)).Status.Should().Be(200);
        await host.Services.GetRequiredService<Ledger>().SaveAsync(TestContext.Current.CancellationToken);
        new Ledger(host.Services.GetRequiredService<IGatewayStore>(), TimeProvider.System).Of(project, "b1").Single().Used.Requests.Should().Be(1);
    }

    [Fact]
    public async Task A_free_keys_sixty_calls_a_minute_are_sixty()
    {
        var key = (await host.SetAsync(HttpMethod.Post, "/api/v1/keys", $$"""{"project_id":"{{Name()}}","scopes":["gateway"],"plan":"free"}""", 201)).GetProperty("key").GetString();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, Reply));
        var statuses = new List<int>();
        for (var i = 0; i < 62; i++)
        {
            var (status, _, headers) = await host.PostAsync("/v1/chat/completions", Question, ("Authorization", $"Bearer {key}"));
            headers["X-RateLimit-Limit"].Should().Be("60");
            if (status == 429) headers.Should().ContainKey("Retry-After");
            statuses.Add(status);
        }
        statuses.Take(60).Should().OnlyContain(s => s == 200);
        statuses.Should().Contain(429);
    }
}

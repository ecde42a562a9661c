using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Integration.Engines;
using Hindcast.Integration.Gateway;
using Hindcast.Integration.Server;
using Microsoft.AspNetCore.Http;

namespace Hindcast.Integration.Alerts;

/// <summary>Rules through the real doors, over real read models, to a real receiver. The clock stands, and is moved.</summary>
public abstract class AlertContract : IAsyncLifetime
{
    static readonly TimeSpan s_settle = TimeSpan.FromSeconds(30);

    FakeProvider _receiver = null!;
    AlertHost _server = null!;

    protected abstract Task<string?> PostgresAsync();

    public async ValueTask InitializeAsync()
    {
        _server = new(await PostgresAsync());
        _receiver = await FakeProvider.StartAsync();
        await _server.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _receiver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    async Task<JsonElement> AlertAsync(object rule, int status = 201)
    {
        var answer = await _server.SendAsync(HttpMethod.Post, "/api/v1/alerts", rule);
        answer.Status.Should().Be(status, answer.Text);
        return answer.Json;
    }

    async Task<JsonElement> JsonAsync(string path, HttpMethod? method = null)
    {
        var answer = await _server.SendAsync(method ?? HttpMethod.Get, path);
        answer.Status.Should().Be(200, answer.Text);
        return answer.Json;
    }

    object Failing(string name = "errors") => new
    {
        name, metric = "error_rate", comparison = "gt", threshold = 0.5, window_minutes = 5, webhook_url = $"{_receiver.Address}/hook?token=1",
    };

    /// <summary>Moves the clock, and waits until every minute that finished by that has been looked at.</summary>
    async Task PassAsync(int minutes)
    {
        var now = _server.Clock.Now += TimeSpan.FromMinutes(minutes);
        var finished = now - s_settle;
        finished -= TimeSpan.FromTicks(finished.Ticks % TimeSpan.TicksPerMinute);
        await UntilAsync(async () => (await JsonAsync("/api/v1/alerts")).EnumerateArray().All(a => !a.GetProperty("enabled").GetBoolean() || a.GetProperty("evaluated_at").GetDateTimeOffset() >= finished), "all rules are looked at");
    }

    /// <summary>Moves the clock to the next attempt.</summary>
    async Task AttemptedAsync(int times, TimeSpan after)
    {
        _server.Clock.Now += after;
        await UntilAsync(() => Task.FromResult(_receiver.Requests.Count >= times), $"attempt {times} is made");
    }

    async Task<List<JsonElement>> DeliveriesAsync(string id) => [.. (await JsonAsync($"/api/v1/alerts/{id}/deliveries")).GetProperty("items").EnumerateArray()];

    Task SettledAsync(string id, int count) => UntilAsync(async () => await DeliveriesAsync(id) is var all && all.Count == count && all.TrueForAll(d => d.Text("state") != "pending"), $"{count} deliveries are settled");

    static async Task UntilAsync(Func<Task<bool>> done, string what)
    {
        for (var attempt = 0; !await done(); attempt++)
        {
            if (attempt == 600) throw new InvalidOperationException($"It never came about that {what}.");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task It_fires_once_and_resolves_once_signed_and_the_past_says_the_same()
    {
        var begun = _server.Clock.Now;
        var rule = await AlertAsync(Failing());
        var (id, secret) = (rule.Text("id")!, rule.Text("secret")!);
        await _server.CallsAsync(("error", 100, "gpt-4o"), ("error", 100, "gpt-4o"), ("error", 100, "gpt-4o"), ("ok", 100, "gpt-4o"));
        await PassAsync(2);
        await SettledAsync(id, 1);
        // It goes on for some minutes, and nobody is told again; then nothing is known any more, which resolves nothing.
        await PassAsync(2);
        await PassAsync(6);
        (await JsonAsync($"/api/v1/alerts/{id}")).GetProperty("firing").GetBoolean().Should().BeTrue();
        await _server.CallsAsync(("ok", 100, "gpt-4o"));
        await PassAsync(2);
        await SettledAsync(id, 2);

        var told = _receiver.Requests.ToList();
        told.Select(r => JsonDocument.Parse(r.Body).RootElement.Text("type")).Should().Equal("alert.firing", "alert.resolved");
        foreach (var request in told)
        {
            request.Path.Should().Be("/hook");
            var signature = request.Headers["X-Hindcast-Signature"].Split(',').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
            signature["v1"].Should().Be(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{signature["t"]}.{request.Body}"))));
            JsonDocument.Parse(request.Body).RootElement.Text("id").Should().Be(request.Headers["X-Hindcast-Delivery"]);
        }
        var firing = JsonDocument.Parse(told[0].Body).RootElement;
        firing.GetProperty("value").GetDouble().Should().Be(0.75);
        firing.GetProperty("alert").Text("metric").Should().Be("error_rate");
        (await DeliveriesAsync(id)).Select(d => (d.Text("type"), d.Text("state"), d.GetProperty("attempts").GetInt32(), d.GetProperty("status").GetInt32()))
            .Should().Equal(("resolved", "delivered", 1, 200), ("firing", "delivered", 1, 200));

        var tried = await JsonAsync($"/api/v1/alerts/{id}/try?from={begun.AddMinutes(-3):yyyy-MM-dd'T'HH:mm:ss'Z'}&to={_server.Clock.Now:yyyy-MM-dd'T'HH:mm:ss'Z'}", HttpMethod.Post);
        tried.GetProperty("fired").GetInt32().Should().Be(1);
        tried.GetProperty("turns").EnumerateArray().Select(t => (t.GetProperty("window").GetRawText(), t.GetProperty("value").GetDouble()))
            .Should().Equal(told.Select(r => JsonDocument.Parse(r.Body).RootElement).Select(b => (b.GetProperty("window").GetRawText(), b.GetProperty("value").GetDouble())));
        _receiver.Requests.Should().HaveCount(2, "trying sends nothing");
    }

    [Fact]
    public async Task Whatever_happens_to_the_receiver_and_to_us_it_is_told_of_one_firing()
    {
        _receiver.Reset((http, n) =>
        {
            if (n == 1) return FakeProvider.Json(http, 500, "no");
            if (n == 2)
            {
                http.Response.Headers.Location = $"{_receiver.Address}/trap";
                return FakeProvider.Json(http, 307, "");
            }
            if (n == 3) http.Abort();
            return n == 4 ? Task.Delay(Timeout.Infinite, http.RequestAborted) : FakeProvider.Json(http, 200, "");
        });
        var id = (await AlertAsync(Failing())).Text("id")!;
        await _server.CallsAsync(("error", 100, "gpt-4o"));
        await PassAsync(2);
        await AttemptedAsync(1, default);
        await UntilAsync(async () => (await DeliveriesAsync(id))[0].GetProperty("attempts").GetInt32() == 1, "the first is written down");
        // Down altogether, and the process ends; what is told goes where the rule says when it is told.
        var down = new TcpListener(IPAddress.Loopback, 0);
        down.Start();
        var port = ((IPEndPoint)down.LocalEndpoint).Port;
        down.Stop();
        (await _server.SendAsync(HttpMethod.Put, $"/api/v1/alerts/{id}", new { webhook_url = $"http://127.0.0.1:{port}/" })).Status.Should().Be(200);
        _server.Clock.Now += TimeSpan.FromMinutes(1);
        await UntilAsync(async () => (await DeliveriesAsync(id))[0].GetProperty("attempts").GetInt32() == 2, "nobody was there");
        (await DeliveriesAsync(id))[0].Text("error").Should().Contain("could not be reached");
        await _server.StartAgainAsync();
        (await _server.SendAsync(HttpMethod.Put, $"/api/v1/alerts/{id}", new { webhook_url = $"{_receiver.Address}/hook" })).Status.Should().Be(200);
        await AttemptedAsync(2, TimeSpan.FromMinutes(1));
        await UntilAsync(async () => (await DeliveriesAsync(id))[0].GetProperty("attempts").GetInt32() == 3, "the redirect is written down");
        await AttemptedAsync(3, TimeSpan.FromMinutes(1));
        await UntilAsync(async () => (await DeliveriesAsync(id))[0].GetProperty("attempts").GetInt32() == 4, "the broken connection is written down");
        // The receiver has it, and we end before it says so.
        await AttemptedAsync(4, TimeSpan.FromMinutes(2));
        await _server.StartAgainAsync();
        await SettledAsync(id, 1);
        await PassAsync(1);

        var all = await DeliveriesAsync(id);
        all.Should().ContainSingle().Which.Text("state").Should().Be("delivered");
        _receiver.Requests.Should().HaveCount(5);
        _receiver.Requests.Select(r => (r.Path, r.Body, r.Headers["X-Hindcast-Delivery"])).Distinct().Should().ContainSingle("no redirect is followed, and it is one message").Which.Item3.Should().Be(all[0].Text("id"));
    }

    [Fact]
    public async Task Attempts_end()
    {
        _receiver.Reset((http, _) => FakeProvider.Json(http, 503, ""));
        var id = (await AlertAsync(Failing())).Text("id")!;
        await _server.CallsAsync(("error", 100, "gpt-4o"));
        await PassAsync(2);
        for (var n = 1; n <= 12; n++)
        {
            await AttemptedAsync(n, n == 1 ? default : TimeSpan.FromMinutes(31));
            await UntilAsync(async () => (await DeliveriesAsync(id))[0].GetProperty("attempts").GetInt32() == n, $"attempt {n} is written down");
        }
        (await DeliveriesAsync(id)).Should().ContainSingle().Which.Text("state").Should().Be("failed");
        await PassAsync(60);
        _receiver.Requests.Should().HaveCount(12);
    }

    [Fact]
    public async Task What_was_missed_while_the_server_was_down_is_looked_at_when_it_is_back()
    {
        var id = (await AlertAsync(Failing())).Text("id")!;
        await _server.CallsAsync(("error", 100, "gpt-4o"));
        await _server.StopAsync();
        _server.Clock.Now += TimeSpan.FromMinutes(20);
        await _server.StartAsync();
        await PassAsync(1);
        await SettledAsync(id, 1);
        _receiver.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task Each_metric_is_that_of_the_requests_that_the_filter_takes()
    {
        await _server.CallsAsync(("ok", 100, "gpt-4o"), ("ok", 200, "gpt-4o"), ("ok", 300, "gpt-4o"), ("error", 1000, "nobody-knows"));
        var known = new { field = "model", @operator = "eq", value = "gpt-4o" };
        var unknown = new { field = "model", @operator = "eq", value = "nobody-knows" };
        var inProcess = new { @operator = "AND", filters = new object[] { known, new { field = "span_name", @operator = "regex", value = ".*" }, new { field = "attributes.team", @operator = "eq", value = "red" } } };
        var cost = (await JsonAsync("/api/v1/costs")).GetProperty("total_usd").GetDouble();
        cost.Should().BePositive();

        foreach (var (metric, filter, expected) in ((string, object?, double?)[])
        [
            ("requests", null, 4), ("requests", known, 3), ("requests", inProcess, 3), ("requests", unknown, 1), ("error_rate", null, 0.25), ("error_rate", known, 0), ("error_rate", unknown, 1),
            ("cost_usd", null, cost), ("cost_usd", known, cost), ("cost_usd", unknown, null), ("p95_ms", null, 1000), ("p95_ms", known, 300), ("absence", known, 3),
            ("requests", new { field = "model", @operator = "eq", value = "none" }, 0), ("cost_usd", new { field = "model", @operator = "eq", value = "none" }, 0), ("error_rate", new { field = "model", @operator = "eq", value = "none" }, null),
        ])
        {
            var rule = await AlertAsync(new { name = metric, metric, filter, threshold = 0, window_minutes = 3, enabled = false, webhook_url = _receiver.Address });
            var now = _server.Clock.Now.AddMinutes(2);
            _server.Clock.Now = now;
            var tried = await JsonAsync($"/api/v1/alerts/{rule.Text("id")}/try?from={now.AddMinutes(-1):yyyy-MM-dd'T'HH:mm:ss'Z'}&to={now:yyyy-MM-dd'T'HH:mm:ss'Z'}", HttpMethod.Post);
            _server.Clock.Now = now.AddMinutes(-2);
            double? value = tried.TryGetProperty("last_value", out var last) ? last.GetDouble() : null;
            if (expected is { } number) value.Should().BeApproximately(number, number * 0.01, $"{metric} of {JsonSerializer.Serialize(filter)}");
            else value.Should().BeNull($"{metric} of {JsonSerializer.Serialize(filter)} is unknown");
        }
    }

    [Fact]
    public async Task Private_networks_are_out_of_reach()
    {
        await _server.StopAsync();
        await _server.StartAsync(allowPrivate: false);
        await AlertAsync(Failing(), 400);
        using var inside = new TcpListener(IPAddress.Loopback, 0);
        inside.Start();
        var id = (await AlertAsync(new { name = "in", metric = "absence", window_minutes = 1, webhook_url = $"https://localhost:{((IPEndPoint)inside.LocalEndpoint).Port}/" })).Text("id")!;
        await PassAsync(2);
        await UntilAsync(async () => await DeliveriesAsync(id) is [var one] && one.GetProperty("attempts").GetInt32() > 0, "it is tried");
        (await DeliveriesAsync(id))[0].Text("error").Should().Contain("public address");
        inside.Pending().Should().BeFalse();
    }

    [Fact]
    public async Task A_secret_is_shown_once_and_a_rule_is_its_projects()
    {
        var rule = await AlertAsync(Failing());
        var (id, secret) = (rule.Text("id")!, rule.Text("secret")!);
        foreach (var path in (string[])["/api/v1/alerts", $"/api/v1/alerts/{id}"]) (await _server.SendAsync(HttpMethod.Get, path)).Text.Should().Contain(id).And.NotContain(secret);
        (await _server.SendAsync(HttpMethod.Put, $"/api/v1/alerts/{id}", new { threshold = 0.9, secret = "another-secret-of-ours" })).Text.Should().NotContain("another-secret").And.Contain("0.9");

        var rival = (await _server.SendAsync(HttpMethod.Post, "/api/v1/keys", new { project_id = "rival", scopes = (string[])["admin"] })).Json.Text("key")!;
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, ""), (HttpMethod.Put, ""), (HttpMethod.Delete, ""), (HttpMethod.Post, "/try"), (HttpMethod.Get, "/deliveries")])
            (await _server.SendAsync(method, $"/api/v1/alerts/{id}{path}", method == HttpMethod.Put ? new { name = "mine" } : null, rival)).Status.Should().Be(404, $"{method} {path}");
        (await _server.SendAsync(HttpMethod.Get, "/api/v1/alerts", null, rival)).Text.Should().Be("[]");
        (await _server.SendAsync(HttpMethod.Delete, $"/api/v1/alerts/{id}")).Status.Should().Be(204);
        (await _server.SendAsync(HttpMethod.Get, $"/api/v1/alerts/{id}")).Status.Should().Be(404);
        var deeds = await _server.SendAsync(HttpMethod.Get, "/api/v1/audit");
        deeds.Text.Should().ContainAll("alert.create", "alert.change", "alert.delete", id).And.NotContain(secret);
    }

    [Theory]
    [InlineData("name", "\"\"")]
    [InlineData("metric", "\"latency\"")]
    [InlineData("metric", "null")]
    [InlineData("threshold", "null")]
    [InlineData("threshold", "1e999")]
    [InlineData("comparison", "\">\"")]
    [InlineData("window_minutes", "0")]
    [InlineData("window_minutes", "9223372036854775807")]
    [InlineData("cooldown_minutes", "-1")]
    [InlineData("enabled", "1")]
    [InlineData("secret", "\"short\"")]
    [InlineData("webhook_url", "null")]
    [InlineData("webhook_url", "\"ftp://example.com/\"")]
    [InlineData("webhook_url", "\"https://user@example.com/\"")]
    [InlineData("filter", "[]")]
    [InlineData("filter", "\"model\"")]
    [InlineData("filter", "{\"field\":\"nothing\",\"operator\":\"eq\",\"value\":1}")]
    [InlineData("filter", "{\"field\":\"span_name\",\"operator\":\"regex\",\"value\":\"(\"}")]
    public async Task What_has_no_meaning_is_refused(string member, string value)
    {
        var good = new Dictionary<string, string> { ["name"] = "\"n\"", ["metric"] = "\"requests\"", ["threshold"] = "1", ["webhook_url"] = "\"https://example.com/\"" };
        good[member] = value;
        var answer = await _server.SendTextAsync(HttpMethod.Post, "/api/v1/alerts", $"{{{string.Join(',', good.Select(m => $"\"{m.Key}\":{m.Value}"))}}}");
        answer.Status.Should().Be(400, answer.Text);
    }

    [Theory]
    [InlineData("from=x", 400)]
    [InlineData("to=0001-01-01T00:00:00Z", 400)]
    [InlineData("from=2999-01-01T00:00:00Z", 400)]
    [InlineData("from=0001-01-01T00:00:00Z", 422)]
    [InlineData("to=9999-12-31T23:59:59Z", 200)]
    public async Task A_try_is_bounded(string query, int status)
    {
        var id = (await AlertAsync(Failing())).Text("id")!;
        var answer = await _server.SendAsync(HttpMethod.Post, $"/api/v1/alerts/{id}/try?{query}");
        answer.Status.Should().Be(status, answer.Text);
    }
}

public sealed class AlertsOverSqlite : AlertContract
{
    protected override Task<string?> PostgresAsync() => Task.FromResult<string?>(null);
}

public sealed class AlertsOverPostgres : AlertContract
{
    protected override async Task<string?> PostgresAsync() => await PostgresServer.DatabaseAsync();
}

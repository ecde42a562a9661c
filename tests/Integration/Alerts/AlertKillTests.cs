using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Integration.Gateway;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.Alerts;

/// <summary>The process is killed while rules are looked at and webhooks are sent, by a receiver that does not take them at first and under a load of events.</summary>
public sealed class AlertKillTests
{
    const int Rules = 6;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whenever_it_is_killed_each_alert_is_told_under_one_id_and_none_is_lost()
    {
        await using var receiver = await FakeProvider.StartAsync();
        // Ten minutes ago there were rules, and calls; none of the minutes since has been looked at.
        await using var before = new AlertHost(null);
        before.Clock.Now = TimeProvider.System.GetUtcNow().AddMinutes(-10);
        await before.StartAsync();
        var secrets = new Dictionary<string, string>();
        for (var i = 0; i < Rules; i++)
        {
            var rule = (await before.SendAsync(HttpMethod.Post, "/api/v1/alerts", new { name = $"r{i}", metric = "requests", comparison = "gt", threshold = i, window_minutes = 1, webhook_url = $"{receiver.Address}/hook" })).Json;
            secrets[rule.Text("id")!] = rule.Text("secret")!;
        }
        await before.CallsAsync([.. Enumerable.Repeat(("error", 100, "gpt-4o"), Rules)]);
        await before.StopAsync();

        var taken = new ConcurrentQueue<string>();
        async Task TakeAsync(Microsoft.AspNetCore.Http.HttpContext http)
        {
            taken.Enqueue(http.Request.Headers["X-Hindcast-Delivery"].ToString());
            await FakeProvider.Json(http, 200, "");
        }
        var seen = new List<FakeProvider.Seen>();
        var load = new CrashLoad();
        await using (var server = await HindcastProcess.StartAsync(before.Folder, new Dictionary<string, string> { ["Hindcast__Upstreams__AllowPrivateNetworks"] = "true", ["Hindcast__Alerts__Settle"] = "00:00:05" }))
        {
            // It says nothing; then it takes every other; then it takes all. Each time the process dies before it can have written down everything.
            foreach (var (script, most) in ((Func<Microsoft.AspNetCore.Http.HttpContext, int, Task>, int)[])[
                ((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted), 2), ((http, n) => n % 2 == 0 ? TakeAsync(http) : FakeProvider.Json(http, 500, "no"), 3), ((http, _) => TakeAsync(http), 1)])
            {
                receiver.Reset(script);
                using var stop = new CancellationTokenSource();
                var writing = load.WriteAsync(server, stop.Token);
                while (receiver.Requests.Count < most) await Task.Delay(5, Ct);
                await server.KillAsync();
                await stop.CancelAsync();
                await writing;
                seen.AddRange(receiver.Requests);
                await server.StartAsync();
            }
            await SettledAsync(server, secrets.Keys);
            await load.ShouldBeKeptAsync(server);

            seen.AddRange(receiver.Requests);
            using var http = server.Client();
            foreach (var (id, secret) in secrets)
            {
                // What it says now it also says when it is looked at again: no minute is told twice.
                var told = (await DeliveriesAsync(http, id)).OrderBy(d => d.GetProperty("position").GetInt64()).ToList();
                told.Select(d => (d.Text("type"), d.Text("state"))).Should().Equal(("firing", "delivered"), ("resolved", "delivered"));
                foreach (var delivery in told.Select(d => d.Text("id")!))
                {
                    var requests = seen.FindAll(r => r.Headers["X-Hindcast-Delivery"] == delivery);
                    taken.Should().Contain(delivery);
                    requests.Select(r => r.Body).Distinct().Should().ContainSingle("it is one message, however often it comes");
                    requests.Should().OnlyContain(r => IsSigned(r, secret, id));
                }
                seen.FindLastIndex(r => r.Headers["X-Hindcast-Delivery"] == told[0].Text("id")).Should().BeLessThan(seen.FindIndex(r => r.Headers["X-Hindcast-Delivery"] == told[1].Text("id")), "nothing is resolved before it is known to fire");
            }
            seen.Select(r => r.Headers["X-Hindcast-Delivery"]).Distinct().Should().HaveCount(Rules * 2, "one for each that fires and one for each that ends");
        }
    }

    static async Task SettledAsync(HindcastProcess server, IEnumerable<string> rules)
    {
        using var http = server.Client();
        foreach (var id in rules)
            while (await DeliveriesAsync(http, id) is var all && (all.Count < 2 || all.Exists(d => d.Text("state") == "pending"))) await Task.Delay(50, Ct);
    }

    static async Task<List<JsonElement>> DeliveriesAsync(HttpClient http, string id) =>
        [.. JsonDocument.Parse(await http.GetStringAsync($"/api/v1/alerts/{id}/deliveries", Ct)).RootElement.GetProperty("items").EnumerateArray()];

    static bool IsSigned(FakeProvider.Seen request, string secret, string rule)
    {
        var signature = request.Headers["X-Hindcast-Signature"].Split(',').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
        var body = JsonDocument.Parse(request.Body).RootElement;
        return body.Text("id") == request.Headers["X-Hindcast-Delivery"] && body.GetProperty("alert").Text("id") == rule
            && signature["v1"] == Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{signature["t"]}.{request.Body}")));
    }
}

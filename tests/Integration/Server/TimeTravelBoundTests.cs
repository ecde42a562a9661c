using System.Text.Json;
using Hindcast.Application.TimeTravel;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

/// <summary>How much one question may fold.</summary>
public sealed class TimeTravelBoundTests(TimeTravelBoundTests.Bounded host) : IClassFixture<TimeTravelBoundTests.Bounded>
{
    public sealed class Bounded : AgingHost
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["--Hindcast:TimeTravel:Facts=20", $"--Hindcast:Jwt:Secret={SignedElsewhere.Secret}"]);
    }

    DateTimeOffset Now => host.Services.GetRequiredService<TimeProvider>().GetUtcNow();

    [Fact]
    public async Task More_facts_than_may_be_folded_are_refused_with_the_reason()
    {
        var at = new List<string>();
        for (var n = 0; n < 3; n++)
        {
            var events = Enumerable.Range(0, 10).Select(i => new { type = "user_message", trace_id = $"t{n}.{i}", span_id = "s", content = "x" });
            (await host.SendAsync(HttpMethod.Post, "/api/v1/events", JsonSerializer.Serialize(events))).Status.Should().Be(202);
            (await host.SendAsync(HttpMethod.Get, "/api/v1/traces?limit=1")).Status.Should().Be(200);
            host.PutForward(TimeSpan.FromSeconds(20));
            at.Add(Now.UtcDateTime.ToString("O"));
            host.PutForward(TimeSpan.FromSeconds(20));
        }
        foreach (var (time, fits) in at.Zip((bool[])[true, true, false]))
        {
            var answer = await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?limit=1000&project_id=default&as_of={time}");
            answer.Status.Should().Be(fits ? 200 : 422, answer.Text);
            if (!fits) (answer.Json.GetProperty("error").Text("code"), answer.Json.GetProperty("error").Text("message")!.Contains("at most 20 facts", StringComparison.Ordinal)).Should().Be(("AS_OF_LIMIT", true));
        }
        // An hour on, the sums say so before a fact is read.
        host.PutForward(TimeSpan.FromHours(1));
        (await host.SendAsync(HttpMethod.Get, "/api/v1/costs?as_of=now")).Text.Should().Contain("there are 30");
        (await host.SendAsync(HttpMethod.Get, "/limits")).Json.GetProperty("time_travel_facts").GetInt32().Should().Be(20);
    }

    [Fact]
    public async Task A_token_for_several_projects_sees_them_all_and_no_other_and_all_count()
    {
        async Task WriteAsync(string project)
        {
            var key = (await host.SendAsync(HttpMethod.Post, "/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest"] }))).Json.Text("key")!;
            var events = Enumerable.Range(0, 8).Select(i => new { type = "user_message", trace_id = $"{project}{i}", span_id = $"{Guid.NewGuid():n}", content = "x" });
            (await host.SendAsync(HttpMethod.Post, "/api/v1/events", JsonSerializer.Serialize(events), key)).Status.Should().Be(202);
            (await host.SendAsync(HttpMethod.Get, "/api/v1/traces?limit=1")).Status.Should().Be(200);
            host.PutForward(TimeSpan.FromSeconds(20));
        }

        foreach (var project in (string[])["first", "second", "foreign"]) await WriteAsync(project);
        var cut = Now.UtcDateTime.ToString("O");
        var token = SignedElsewhere.Token("viewer", ["first", "second"], lives: 86_000);
        var rows = (await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?limit=1000&as_of={cut}", null, token)).Json.GetProperty("data").EnumerateArray().Select(r => r.Text("trace_id")![..^1]).ToList();
        rows.CountBy(id => id).Should().BeEquivalentTo([KeyValuePair.Create("first", 8), KeyValuePair.Create("second", 8)]);

        // Who may see all projects there are.
        var everybody = (await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?limit=1000&as_of={cut}", null, SignedElsewhere.Token("admin", [], lives: 86_000)));
        everybody.Status.Should().Be(422, "there are 24 and more");
        (await host.SendAsync(HttpMethod.Get, "/api/v1/runs?as_of=1999-12-31", null, SignedElsewhere.Token("admin", [], lives: 86_000))).Status.Should().Be(200);

        await WriteAsync("first");
        cut = Now.UtcDateTime.ToString("O");
        (await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?as_of={cut}", null, token)).Status.Should().Be(422, "there are 24");
        (await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?project_id=first&as_of={cut}", null, token)).Status.Should().Be(200, "of which 16 are this one's");
        (await host.SendAsync(HttpMethod.Get, $"/api/v1/metrics?metrics=request_count&as_of={cut}", null, token)).Status.Should().Be(200, "figures are of one project");
    }
}

/// <summary>What the installation keeps no longer.</summary>
public sealed class TimeTravelThinnedTests(TimeTravelThinnedTests.Thinned host) : IClassFixture<TimeTravelThinnedTests.Thinned>
{
    public sealed class Thinned : AgingHost
    {
        protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["--Hindcast:Retention:Days=30"]);
    }

    [Fact]
    public async Task Its_past_is_no_way_around_the_days_of_the_installation()
    {
        (await host.SendAsync(HttpMethod.Post, "/api/v1/events", """[{"type":"user_message","trace_id":"t","span_id":"s","content":"x"}]""")).Status.Should().Be(202);
        (await host.SendAsync(HttpMethod.Get, "/api/v1/traces")).Status.Should().Be(200);
        host.PutForward(TimeSpan.FromMinutes(1));
        var cut = host.Services.GetRequiredService<TimeProvider>().GetUtcNow().UtcDateTime.ToString("O");
        foreach (var (days, rows) in ((int, int)[])[(20, 1), (12, 0)])
        {
            host.PutForward(TimeSpan.FromDays(days));
            await host.Services.GetRequiredService<Pasts>().ForgetAsync();
            (await host.SendAsync(HttpMethod.Get, $"/api/v1/runs?as_of={cut}")).Json.GetProperty("data").GetArrayLength().Should().Be(rows, $"{days} days on");
        }
    }
}

using System.Text.Json;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>What <c>hindcast demo</c> leaves behind: enough for every page to show something, and the same however often it is loaded.</summary>
public sealed class SampleTests(SampleTests.Sample browser) : IClassFixture<SampleTests.Sample>
{
    public sealed class Sample : Browser
    {
        protected override Task LoadAsync() => DemoAsync();

        public Task AgainAsync() => DemoAsync();
    }

    async Task<JsonElement[]> AllAsync(string path) =>
        [.. JsonDocument.Parse(await browser.Http.GetStringAsync(path, TestContext.Current.CancellationToken)).RootElement.GetProperty("data").EnumerateArray()];

    [Fact]
    public async Task Product_events_belong_to_users_and_threads_that_have_traces_and_loading_again_adds_nothing()
    {
        var before = await StateAsync();
        var events = await AllAsync("/api/v1/events?limit=1000");
        var threads = events.Where(e => e.TryGetProperty("session_id", out _)).Select(e => (Thread: e.GetProperty("session_id").GetString()!, User: e.GetProperty("user_id").GetString()!)).ToHashSet();
        threads.Should().NotBeEmpty();
        foreach (var (thread, user) in threads)
        {
            var run = (await AllAsync($"/api/v1/runs?trace_id={thread}")).Should().ContainSingle().Subject;
            run.GetProperty("user_id").GetString().Should().Be(user);
            run.GetProperty("model").GetString().Should().NotBeNullOrEmpty("somebody asked a model there");
        }
        (await AllAsync("/api/v1/users?limit=100")).Where(u => u.GetProperty("feedback_count").GetInt32() > 0).Select(u => u.GetProperty("user_id").GetString()).Should().Contain(["demo-ada", "demo-grace"]);

        await browser.AgainAsync();
        (await StateAsync()).Should().Be(before);

        async Task<(int Runs, int Spans, int Events, string Users)> StateAsync() => ((await AllAsync("/api/v1/runs?limit=1000")).Length, (await AllAsync("/api/v1/traces?limit=1000")).Length,
            (await AllAsync("/api/v1/events?limit=1000")).Length, JsonSerializer.Serialize(await AllAsync("/api/v1/users?limit=100")));
    }

    [Fact]
    public async Task Its_product_events_make_a_funnel()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/events?steps=shop_visited,help_opened,chat_started,problem_solved");
        var steps = window.Page.GetByRole(Microsoft.Playwright.AriaRole.Region, new() { Name = "Funnel" }).GetByRole(Microsoft.Playwright.AriaRole.Listitem);
        foreach (var (step, (users, share)) in new[] { ("12 users", "100 %"), ("9 users", "75.0 %"), ("5 users", "41.7 %"), ("3 users", "25.0 %") }.Index())
            await Expect(steps.Nth(step)).ToContainTextAsync($"{users}, {share}");
        window.Troubles.Should().BeEmpty();
    }
}

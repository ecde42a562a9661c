using System.Globalization;
using Hindcast.Bench;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>Pages that stand at a time gone by: it is in the address, it is said, and one click leads back to now.</summary>
public sealed class AsOfTests(AsOfTests.Sample browser) : IClassFixture<AsOfTests.Sample>
{
    public sealed class Sample : Browser
    {
        /// <summary>Between the sample and what came after it.</summary>
        public DateTimeOffset Then { get; private set; }

        protected override async Task LoadAsync()
        {
            await DemoAsync();
            while ((await Http.GetStringAsync("/api/v1/projections")).Contains("\"catching_up\"", StringComparison.Ordinal)) await Task.Delay(20);
            await Task.Delay(50);
            Then = TimeProvider.System.GetUtcNow();
            await Task.Delay(50);
            await PostAsync(
                new { type = "error", trace_id = "came-later", span_id = "s", name = "came later", user_id = "later-user", session_id = "later-session", content = new { message = "broke later" } },
                new { type = "llm_response", trace_id = "came-later", span_id = "l", name = "asked later", kind = "llm", provider = "openai", model = "later-model", usage = new { input = 7, output = 7 }, user_id = "later-user" },
                new { type = "product_event", trace_id = "later-events", name = "later_event", user_id = "later-user", session_id = "later-session" },
                new { type = "score", trace_id = "demo-refund", name = "later-score", content = new { value = 1 } });
            while (!(await Http.GetStringAsync("/api/v1/runs?limit=1")).Contains("later", StringComparison.Ordinal)) await Task.Delay(20);
        }
    }

    /// <summary>More was recorded than one question may fold.</summary>
    public sealed class Short : Browser
    {
        protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string> { ["Hindcast__TimeTravel__Facts"] = "2" };

        protected override Task LoadAsync() => PostAsync([.. Enumerable.Range(0, 3).Select(i => new { type = "user_message", trace_id = $"t{i}", content = "hi" })]);
    }

    static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    static ILocator Button(Window window, string name) => window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public static TheoryData<string, string> Pages => new()
    {
        { "/app/?by=model", "later-model" }, { "/app/traces", "came-later" }, { "/app/traces?rows=spans", "came later" }, { "/app/runs", "came-later" }, { "/app/sessions", "later-session" }, { "/app/users", "later-user" },
        { "/app/failures", "broke later" }, { "/app/events", "later_event" }, { "/app/traces/demo-refund", "later-score" },
    };

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_shows_what_there_was_and_leads_back_to_now(string path, string later)
    {
        await Task.WhenAll(new[] { (Browser.Wide, false), (Browser.Narrow, true) }.Select(async screen =>
        {
            await using var window = await browser.SignedInAsync(screen.Item1, screen.Item2);
            await window.GoAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}as_of={Iso(browser.Then)}");
            var said = window.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "As of" });
            await Expect(said).ToContainTextAsync("what was recorded later is not counted");
            (await said.Locator("time").GetAttributeAsync("title")).Should().EndWith("UTC");
            var main = window.Page.GetByRole(AriaRole.Main);
            (await main.InnerTextAsync()).Should().NotContain(later, path).And.NotContain("could not be loaded", path);
            (await Button(window, "Live").CountAsync()).Should().Be(0, "nothing comes into the past");
            (await window.OverflowAsync()).Should().BeLessThanOrEqualTo(0, path);
            (await window.ViolationsAsync()).Should().BeEmpty(path);
            await Button(window, "Back to now").ClickAsync();
            await Expect(main).ToContainTextAsync(later);
            await Expect(said).ToHaveCountAsync(0);
            window.Page.Url.Should().NotContain("as_of");
            window.Troubles.Should().BeEmpty(path);
        }));
    }

    [Fact]
    public async Task A_time_is_chosen_and_goes_with_whoever_moves_on()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?q=user_id+%3D+demo-ada");
        await Button(window, "As of …").ClickAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        await Button(window, "1 day ago").ClickAsync();
        await Expect(window.Page.GetByText("Nothing matches")).ToBeVisibleAsync();
        window.Page.Url.Should().Contain("as_of=").And.Contain("q=user_id");
        await Button(window, "As of …").ClickAsync();
        await window.Page.GetByLabel("Time, local").FillAsync(TimeProvider.System.GetLocalNow().AddDays(-2).ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture));
        await Button(window, "Show").ClickAsync();
        var before = window.Page.Url;
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Users" }).ClickAsync();
        await window.Page.WaitForURLAsync("**/app/users?as_of=**");
        window.Page.Url[(window.Page.Url.IndexOf("as_of=", StringComparison.Ordinal))..].Should().Be(before[before.IndexOf("as_of=", StringComparison.Ordinal)..]);
        await Expect(window.Page.GetByText("No users then")).ToBeVisibleAsync();
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Agents" }).ClickAsync();
        await window.Page.WaitForURLAsync("**/app/agents");
        await window.GoAsync($"/app/traces?as_of={Iso(browser.Then)}&q=trace_id+%3D+demo-refund");
        await window.Page.GetByTestId("rows").GetByRole(AriaRole.Link).First.ClickAsync();
        await window.Page.WaitForURLAsync("**/app/traces/demo-refund?as_of=**");
        await Expect(window.Page.GetByText("Nobody scored this yet.")).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2099-01-01T00:00:00Z")]
    public async Task What_the_server_says_of_a_time_it_cannot_show_is_said(string time)
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync($"/app/runs?as_of={time}");
        await Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("as_of");
        await Button(window, "Back to now").ClickAsync();
        await Expect(window.Page.GetByTestId("rows")).ToBeVisibleAsync();
    }

    public sealed class TooMuch(Short browser) : IClassFixture<Short>
    {
        [Fact]
        public async Task More_history_than_may_be_folded_is_said_with_its_number()
        {
            await using var window = await browser.SignedInAsync();
            foreach (var page in (string[])["", "traces", "users", "failures"])
            {
                await window.GoAsync($"/app/{page}?as_of={Iso(TimeProvider.System.GetUtcNow())}");
                await Expect(window.Page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("at most 2 facts");
            }
            (await window.ViolationsAsync()).Should().BeEmpty();
            await Button(window, "Back to now").ClickAsync();
            await Expect(window.Page.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);
            window.Troubles.Should().OnlyContain(t => t.Contains("422", StringComparison.Ordinal));
        }
    }
}

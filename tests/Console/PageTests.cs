using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>Every page on the sample: no error, nothing from outside, nothing beyond the edge, nothing that axe-core finds serious.</summary>
public sealed class PageTests(PageTests.Sample browser) : IClassFixture<PageTests.Sample>
{
    public sealed class Sample : Browser
    {
        protected override async Task LoadAsync()
        {
            await DemoAsync();
            await KeyAsync("read", "ingest");
        }
    }

    public static TheoryData<string> Pages =>
    [
        "/app/", "/app/?window=7d&by=user", "/app/traces", "/app/traces?rows=spans&q=refund", "/app/traces?q=status_code+%3D+ERROR", "/app/traces?q=model+%3D", "/app/traces?q=model+%3D+nobody", "/app/runs",
        "/app/traces/demo-refund", "/app/traces/demo-refund?view=graph", "/app/traces/demo-refund?view=facts", "/app/traces/demo-refund?rev=5", "/app/traces/demo-incident?tab=data", "/app/traces/demo-incident?tab=usage",
        "/app/traces/demo-incident?tab=facts", "/app/sessions", "/app/users", "/app/failures", "/app/agents", "/app/events", "/app/projections", "/app/receipts", "/app/first-run",
        "/app/settings", "/app/settings/projects", "/app/settings/providers", "/app/settings/gateway", "/app/settings/prices", "/app/settings/budgets", "/app/settings/limits", "/app/settings/retention",
        "/app/settings/redaction", "/app/settings/alerts", "/app/settings/views", "/app/settings/members", "/app/settings/audit", "/app/nowhere",
    ];

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_is_sound_on_both_screens_and_in_both_colours(string path)
    {
        await Task.WhenAll(new[] { (Browser.Wide, false), (Browser.Narrow, true) }.Select(async screen =>
        {
            var (size, dark) = screen;
            await using var window = await browser.SignedInAsync(size, dark);
            await window.GoAsync(path);
            (await window.OverflowAsync()).Should().BeLessThanOrEqualTo(0, $"{path} at {size}");
            (await window.ViolationsAsync()).Should().BeEmpty($"{path} at {size}, dark: {dark}");
            window.Troubles.Should().BeEmpty($"{path} at {size}");
            (await window.Page.Locator("[role=alert]").AllInnerTextsAsync()).Where(t => t.Length > 0).Should().BeEmpty($"{path} at {size}");
        }));
    }

    [Fact]
    public async Task The_agent_of_the_sample_has_a_page()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/agents");
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "support-agent" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Name = "support-agent" })).ToBeVisibleAsync();
        await window.SettledAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Region, new() { Name = "Versions" })).ToContainTextAsync("Be brief, be kind");
        (await window.ViolationsAsync()).Should().BeEmpty();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Windows_that_open_are_sound_too()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Columns" }).ClickAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        await window.Page.Keyboard.PressAsync("Escape");
        await window.Page.GetByRole(AriaRole.Combobox, new() { Name = "Filter" }).FillAsync("mod");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Option, new() { Name = "model" }).First).ToBeVisibleAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        await window.GoAsync("/app/settings/keys");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "New key" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        window.Troubles.Should().BeEmpty();
    }
}

using System.Text.Json;
using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>The console as it is used: following what comes in, walking through a trace, finding, exporting, rebuilding.</summary>
public sealed class UseTests(UseTests.Sample browser) : IClassFixture<UseTests.Sample>
{
    public sealed class Sample : Browser
    {
        protected override Task LoadAsync() => DemoAsync();
    }

    static object Said(string trace, string content) => new { type = "llm_response", trace_id = trace, name = "said", content };

    [Fact]
    public async Task A_list_follows_what_comes_in_and_waits_while_it_is_paused()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?cols=started,trace");
        ILocator Row(string text) => window.Page.GetByTestId("rows").GetByText(text);
        await browser.PostAsync(Said("live-one", "one"));
        await Assertions.Expect(Row("live-one")).ToBeVisibleAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await browser.PostAsync(Said("live-two", "two"));
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Button, new() { Name = "Resume (1 new)" })).ToBeVisibleAsync();
        (await Row("live-two").CountAsync()).Should().Be(0);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        await Assertions.Expect(Row("live-two")).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Columns_are_chosen_and_stay_in_the_address()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces");
        ILocator Column(string name) => window.Page.GetByRole(AriaRole.Columnheader, new() { Name = name, Exact = true });
        await Assertions.Expect(Column("Provider")).ToHaveCountAsync(0);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Columns" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Provider" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Tokens" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Provider" })).ToBeCheckedAsync();
        await window.Page.Keyboard.PressAsync("Escape");
        window.Page.Url.Should().Contain("cols=").And.Contain("provider").And.NotContain("tokens");
        await window.Page.ReloadAsync();
        await Assertions.Expect(Column("Provider")).ToBeVisibleAsync();
        await Assertions.Expect(Column("Tokens")).ToHaveCountAsync(0);
        await Assertions.Expect(window.Page.GetByTestId("rows").GetByText("anthropic").First).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_trace_is_walked_through_revision_by_revision()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces/demo-refund");
        var spans = window.Page.GetByRole(AriaRole.Treeitem);
        await Assertions.Expect(spans.Nth(1)).ToBeVisibleAsync();
        await window.SettledAsync();
        var all = await spans.CountAsync();
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Replay events" }).ClickAsync();
        var slider = window.Page.GetByRole(AriaRole.Slider, new() { Name = "Revision" });
        await Assertions.Expect(spans).ToHaveCountAsync(1);
        await Assertions.Expect(window.Page.GetByTestId("replay")).ToContainTextAsync("user_message");
        await slider.FocusAsync();
        for (var i = 0; i < 4; i++) await window.Page.Keyboard.PressAsync("ArrowRight");
        window.Page.Url.Should().Contain("rev=4");
        await Assertions.Expect(spans.Nth(1)).ToBeVisibleAsync();
        (await spans.CountAsync()).Should().BeLessThan(all);
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem).GetByText("new")).ToHaveCountAsync(1);
        foreach (var (step, revision) in ((string, int)[])[("+1 revision", 5), ("−1 revision", 4), ("Last revision", -1), ("First revision", 0)])
        {
            await window.Page.GetByRole(AriaRole.Button, new() { Name = step }).ClickAsync();
            if (revision >= 0) await Assertions.Expect(window.Page.GetByTestId("replay")).ToContainTextAsync($"Revision {revision} of");
        }
        await window.Page.GetByLabel("Speed").SelectOptionAsync("20");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Play", Exact = true }).ClickAsync();
        await Assertions.Expect(spans).ToHaveCountAsync(all);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_waterfall_is_walked_by_keyboard()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces/demo-refund");
        var tree = window.Page.GetByRole(AriaRole.Tree);
        var all = await window.Page.GetByRole(AriaRole.Treeitem).CountAsync();
        await tree.FocusAsync();
        await window.Page.Keyboard.PressAsync("ArrowLeft");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem)).ToHaveCountAsync(1);
        await window.Page.Keyboard.PressAsync("ArrowRight");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem)).ToHaveCountAsync(all);
        await window.Page.Keyboard.PressAsync("End");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem).Last).ToHaveAttributeAsync("aria-selected", "true");
        window.Page.Url.Should().Contain("span=");
    }

    [Fact]
    public async Task A_list_is_walked_by_keyboard_and_the_colours_turn()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/runs");
        await window.Page.GetByTestId("rows").FocusAsync();
        foreach (var key in (string[])["End", "Home", "ArrowDown", "Enter"]) await window.Page.Keyboard.PressAsync(key);
        await window.Page.WaitForURLAsync("**/app/traces/*");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Use dark colours" }).First.ClickAsync();
        await Assertions.Expect(window.Page.Locator("html.dark")).ToHaveCountAsync(1);
        await window.Page.ReloadAsync();
        await Assertions.Expect(window.Page.Locator("html.dark")).ToHaveCountAsync(1);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_span_is_scored_a_late_fact_is_marked_and_a_trace_is_copied()
    {
        var now = TimeProvider.System.GetUtcNow();
        await browser.PostAsync(
            new { type = "user_message", trace_id = "scored", span_id = "first", content = "hi", at = now },
            new { type = "tool_call_request", trace_id = "scored", span_id = "second", parent_span_id = "first", name = "look up", at = now.AddMinutes(-5) });
        await using var window = await browser.SignedInAsync();
        await window.Page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await window.GoAsync("/app/traces/scored?span=second");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "look up" })).ToContainTextAsync("late");

        var scores = window.Page.GetByRole(AriaRole.Region, new() { Name = "Scores" });
        await scores.GetByLabel("Name").FillAsync("helpful");
        await scores.GetByLabel("Value").FillAsync("0.75");
        await scores.GetByLabel("Comment").FillAsync("nearly");
        await scores.GetByRole(AriaRole.Button, new() { Name = "Score the span" }).ClickAsync();
        await Assertions.Expect(scores.GetByRole(AriaRole.Listitem)).ToContainTextAsync("helpful0.75nearly");

        foreach (var (form, holds) in ((string, string)[])[("as cURL", "curl -H \"Authorization: Bearer"), ("as JSON", "\"look up\""), ("as Mermaid", "flowchart")])
        {
            await window.Page.GetByRole(AriaRole.Button, new() { Name = "Copy", Exact = true }).ClickAsync();
            await window.Page.GetByRole(AriaRole.Menuitem, new() { Name = form }).ClickAsync();
            await window.Page.WaitForFunctionAsync("async (holds) => (await navigator.clipboard.readText()).includes(holds)", holds);
        }
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task What_a_fact_changed_is_marked_on_its_span_and_named()
    {
        var now = TimeProvider.System.GetUtcNow();
        await browser.PostAsync(
            new { type = "user_message", trace_id = "changing", span_id = "ask", content = "hi", at = now },
            new { type = "tool_call_request", trace_id = "changing", span_id = "look", parent_span_id = "ask", name = "look up", at = now.AddSeconds(1) },
            new { type = "tool_call_response", trace_id = "changing", span_id = "look", content = "found", at = now.AddSeconds(2) });
        await using var window = await browser.SignedInAsync();
        var (tool, about) = (window.Page.GetByRole(AriaRole.Treeitem).Filter(new() { HasText = "look up" }), window.Page.GetByRole(AriaRole.Region, new() { Name = "Span", Exact = true }));

        await window.GoAsync("/app/traces/changing?rev=1&span=look");
        await Assertions.Expect(tool.GetByText("new", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(about).ToContainTextAsync("New at this revision");

        await window.GoAsync("/app/traces/changing?rev=2&span=look");
        var mark = tool.GetByText("changed", new() { Exact = true });
        await Assertions.Expect(mark).ToBeVisibleAsync();
        (await mark.GetAttributeAsync("title")).Should().Contain("status").And.Contain("output").And.NotContain("name");
        await Assertions.Expect(about).ToContainTextAsync("Changed at this revision: ");
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Treeitem).GetByText("changed", new() { Exact = true })).ToHaveCountAsync(1);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task What_a_call_used_and_cost_is_shown_part_by_part()
    {
        await browser.PostAsync(new
        {
            type = "llm_response", trace_id = "dear", span_id = "answer", model = "gpt-4o-mini", provider = "openai", content = "ok",
            usage = new { input = 1000, cache_read = 2000, output = 100, reasoning = 40 },
        });
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces/dear?span=answer&tab=usage");
        // 0.15, 0.075 and 0.60 USD for a million.
        string[][] parts =
        [
            ["Input, uncached", "1,000", "32.3 %", "$0.00015"], ["Cache read", "2,000", "64.5 %", "$0.00015"], ["Cache write", "–", "–", "–"],
            ["Output", "100", "3.2 %", "$0.00006"], ["Total", "3,100", "", "$0.00036"], ["of the output, reasoning", "40", "", ""],
        ];
        var rows = window.Page.GetByRole(AriaRole.Table, new() { Name = "Usage and cost" }).GetByRole(AriaRole.Row);
        await Assertions.Expect(rows).ToHaveCountAsync(1 + parts.Length);
        for (var i = 0; i < parts.Length; i++) (await rows.Nth(i + 1).GetByRole(AriaRole.Cell).AllInnerTextsAsync()).Should().Equal(parts[i]);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task The_filter_language_finds_completes_and_marks()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces");
        var filter = window.Page.GetByRole(AriaRole.Combobox, new() { Name = "Filter" });
        await filter.FillAsync("parcel");
        await filter.PressAsync("Enter");
        await Assertions.Expect(window.Page.Locator("mark").First).ToHaveTextAsync("parcel");
        window.Page.Url.Should().Contain("q=parcel");
        await filter.FillAsync("sta");
        await filter.PressAsync("ArrowDown");
        await filter.PressAsync("Tab");
        await Assertions.Expect(filter).ToHaveValueAsync("status_code ");
        await filter.PressSequentiallyAsync("= ERROR");
        await filter.PressAsync("Enter");
        await window.SettledAsync();
        await Assertions.Expect(window.Page.GetByTestId("rows").GetByText("success")).ToHaveCountAsync(0);
        (await window.Page.GetByTestId("rows").GetByText("error", new() { Exact = true }).CountAsync()).Should().BeGreaterThan(0);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task What_is_exported_is_what_was_found_and_no_formula()
    {
        await browser.PostAsync(new { type = "user_message", trace_id = "formula", user_id = "=1+1", content = "=cmd|' /C calc'!A0" });
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?q=trace_id+%3D+formula");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Export" }).ClickAsync();
        var saved = await window.Page.RunAndWaitForDownloadAsync(() => window.Page.GetByRole(AriaRole.Menuitem, new() { Name = "CSV" }).ClickAsync());
        var csv = await File.ReadAllTextAsync(await saved.PathAsync(), TestContext.Current.CancellationToken);
        csv.Should().Contain("\"formula\"").And.Contain("\"'=1+1\"").And.NotContain("\"=");
        csv.Split("\r\n").Should().HaveCount(2);
    }

    [Fact]
    public async Task A_rebuild_is_started_and_seen_to_end()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/projections");
        var before = await GenerationAsync();
        await window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "texts" }).GetByRole(AriaRole.Button, new() { Name = "Rebuild" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Rebuild" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByText($"generation {before + 1}")).ToBeVisibleAsync(new() { Timeout = 30_000 });
        window.Troubles.Should().BeEmpty();

        async Task<int> GenerationAsync() => JsonDocument.Parse(await browser.Http.GetStringAsync("/api/v1/projections", TestContext.Current.CancellationToken)).RootElement
            .EnumerateArray().Single(p => p.GetProperty("name").GetString() == "texts").GetProperty("generation").GetInt32();
    }

    [Fact]
    public async Task A_key_is_made_shown_once_and_ended()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/keys");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "New key" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByLabel("Name").FillAsync("made in the browser");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Make it" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByText("It is not shown again")).ToBeVisibleAsync();
        var secret = await window.Page.Locator("code").Filter(new() { HasText = "hc_sk_" }).InnerTextAsync();
        using var http = new HttpClient { BaseAddress = browser.Server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", secret) } };
        (await http.GetAsync("/api/v1/runs", TestContext.Current.CancellationToken)).IsSuccessStatusCode.Should().BeTrue();
        await window.GoAsync("/app/settings/keys");
        (await window.Page.ContentAsync()).Should().NotContain(secret);
        await window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "made in the browser" }).GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Revoke" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "made in the browser" })).ToContainTextAsync("revoked");
        (await http.GetAsync("/api/v1/runs", TestContext.Current.CancellationToken)).StatusCode.Should().Be(System.Net.HttpStatusCode.Unauthorized);
        window.Troubles.Should().BeEmpty();
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Integration.Gateway;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>Every setting as somebody changes it: by the form on its page, and seen on the page.</summary>
public sealed class SettingsTests(SettingsTests.Sample browser) : IClassFixture<SettingsTests.Sample>
{
    public sealed class Sample : Browser
    {
        public FakeProvider Provider { get; private set; } = null!;

        protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string> { ["Hindcast__Upstreams__AllowPrivateNetworks"] = "true" };

        /// <summary>Three traces of long ago.</summary>
        protected override async Task PrepareAsync()
        {
            await using var log = SqliteEventLog.Open(Path.Combine(Folder, "log.db"), TimeProvider.System);
            foreach (var trace in (string[])["long-ago-1", "long-ago-2", "long-ago-3"])
            {
                var at = TimeProvider.System.GetUtcNow().AddDays(-40);
                var header = new Application.EventSourcing.Header { Type = "user_message", Project = "default", EventId = Guid.NewGuid(), At = at, RecordedAt = at, Source = new("native", 1, null), TraceId = trace, SpanId = "first" };
                await log.AppendAsync(StreamName.Trace("default", trace), -1, [new(header.EventId, header.Type, HeaderJson.Write(header), "{\"content\":\"of long ago\"}"u8.ToArray())], default);
            }
        }

        protected override async Task LoadAsync()
        {
            await DemoAsync();
            Provider = await FakeProvider.StartAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            // Null where the sample could not be loaded, which is then what failed.
            if (Provider is not null) await Provider.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    static ILocator Button(Window window, string name) => window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
    static ILocator RowOf(Window window, string text) => window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = text });
    static Task YesAsync(Window window, string act) => window.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = act }).ClickAsync();

    static async Task SoundAsync(Window window)
    {
        (await window.OverflowAsync()).Should().BeLessThanOrEqualTo(0);
        (await window.ViolationsAsync()).Should().BeEmpty();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_member_is_added_gets_another_role_signs_in_and_is_removed()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/members");
        var form = window.Page.GetByRole(AriaRole.Form, new() { Name = "New member" });
        await form.GetByLabel("Name").FillAsync("grace");
        await form.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();
        var secret = await window.Page.Locator("code").Filter(new() { HasText = "hcm_" }).InnerTextAsync();
        await RowOf(window, "grace").GetByLabel("Role of grace").SelectOptionAsync("developer");
        await Expect(RowOf(window, "grace")).ToContainTextAsync("reads all, writes feedback");
        await SoundAsync(window);

        await using var theirs = await browser.OpenAsync();
        await theirs.GoAsync("/app/");
        await theirs.Page.GetByLabel("Name").FillAsync("grace");
        await theirs.Page.GetByLabel("Key or secret").FillAsync(secret);
        await Button(theirs, "Sign in").ClickAsync();
        await Expect(theirs.Page.GetByText("developer")).ToBeVisibleAsync();

        await RowOf(window, "grace").GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await YesAsync(window, "Remove");
        await Expect(RowOf(window, "grace")).ToHaveCountAsync(0);
        (await theirs.Page.APIRequest.GetAsync("/api/v1/runs")).Status.Should().Be(401, "every session of theirs ends at once");
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task An_alert_is_tried_on_the_past_switched_off_and_deleted()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/alerts");
        var form = window.Page.GetByRole(AriaRole.Form, new() { Name = "New alert" });
        await form.GetByLabel("Name").FillAsync("Any call");
        await form.GetByLabel("Measures").SelectOptionAsync("requests");
        await form.GetByLabel("Fires when it is").SelectOptionAsync("gte");
        await form.GetByLabel("Threshold, requests").FillAsync("1");
        await form.GetByLabel("Of the requests that").FillAsync("model = ");
        await form.GetByLabel("Tells (webhook)").FillAsync("https://example.com/hook");
        await form.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();
        await Expect(form.GetByRole(AriaRole.Alert)).ToContainTextAsync("model needs a value");
        await form.GetByLabel("Of the requests that").FillAsync("provider in (openai, anthropic)");
        await form.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();
        await Expect(window.Page.Locator("code").Filter(new() { HasText = "whsec_" })).ToBeVisibleAsync();
        var rule = RowOf(window, "Any call");
        await Expect(rule).ToContainTextAsync("Requests ≥ 1 in 5 min");
        await Expect(rule).ToContainTextAsync("of provider in (openai, anthropic)");

        await rule.GetByRole(AriaRole.Button, new() { Name = "Try on the past" }).ClickAsync();
        await Expect(window.Page.GetByText(new System.Text.RegularExpressions.Regex(@"Looked at [\d,]+ windows: it would have fired \d+ times"))).ToBeVisibleAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Turns" }).GetByText("firing").First).ToBeVisibleAsync();
        await SoundAsync(window);
        await rule.GetByRole(AriaRole.Button, new() { Name = "Deliveries" }).ClickAsync();
        await Expect(window.Page.GetByText("Nothing was told yet")).ToBeVisibleAsync();
        await rule.GetByRole(AriaRole.Button, new() { Name = "Switch off" }).ClickAsync();
        await Expect(rule).ToContainTextAsync("off");
        await rule.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await YesAsync(window, "Delete");
        await Expect(rule).ToHaveCountAsync(0);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Redaction_is_tried_on_what_is_stored_before_it_is_set()
    {
        await using var window = await browser.SignedInAsync(Browser.Narrow);
        await window.GoAsync("/app/settings/redaction");
        await window.Page.GetByLabel("E-mail addresses").SelectOptionAsync("flag");
        await Button(window, "A pattern of your own").ClickAsync();
        await window.Page.GetByLabel("Name").FillAsync("order");
        await window.Page.GetByLabel("Pattern, a regular expression").FillAsync("order [0-9]{4}");
        await Button(window, "Try on the past").ClickAsync();
        var found = window.Page.GetByRole(AriaRole.Table, new() { Name = "Found by rule" });
        await Expect(found.GetByRole(AriaRole.Row).Filter(new() { HasText = "order" })).ToContainTextAsync("replaced");
        await Expect(found.GetByRole(AriaRole.Link, new() { Name = "demo-refund" }).First).ToBeVisibleAsync();
        (await browser.Http.GetStringAsync("/api/v1/redaction", TestContext.Current.CancellationToken)).Should().NotContain("order", "trying sets nothing");
        await SoundAsync(window);
        await Button(window, "Save").ClickAsync();
        await Expect(window.Page.GetByText("Saved: it holds")).ToBeVisibleAsync();
        await window.GoAsync("/app/settings/redaction");
        await Expect(window.Page.GetByLabel("E-mail addresses")).ToHaveValueAsync("flag");
        await Button(window, "Take out").ClickAsync();
        await window.Page.GetByLabel("E-mail addresses").SelectOptionAsync("off");
        await Button(window, "Save").ClickAsync();
        await Expect(window.Page.GetByText("Saved: it holds")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Retention_says_what_would_go_and_is_set()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/retention");
        await window.Page.GetByLabel("Keep traces for, days").FillAsync("60");
        await Button(window, "See what goes, and set …").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("No trace is that old");
        await SoundAsync(window);
        await Button(window, "Set it").ClickAsync();
        await Expect(window.Page.GetByText("Traces are kept for 60 days")).ToBeVisibleAsync();
        await Expect(window.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Retention_lets_go_of_what_it_said_would_go()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?q=trace_id+starts_with+long-ago");
        await Expect(window.Page.GetByText("3 traces", new() { Exact = true })).ToBeVisibleAsync();
        await window.GoAsync("/app/settings/retention");
        await window.Page.GetByLabel("Keep traces for, days").FillAsync("35");
        await Button(window, "See what goes, and set …").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"3 of \d+ traces would go, for good"));
        await SoundAsync(window);
        await Button(window, "Leave it").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        (await browser.Http.GetStringAsync("/api/v1/retention", TestContext.Current.CancellationToken)).Should().NotContain("\"days\":35", "looking sets nothing");
        await Button(window, "See what goes, and set …").ClickAsync();
        await Button(window, "Let 3 go").ClickAsync();
        await Expect(window.Page.GetByText("Traces are kept for 35 days")).ToBeVisibleAsync();
        await Expect(window.Page.GetByText("3 of 3")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await SoundAsync(window);
        await window.GoAsync("/app/traces?q=trace_id+starts_with+long-ago");
        await Expect(window.Page.GetByText("Nothing matches")).ToBeVisibleAsync();
        await window.GoAsync("/app/traces/demo-refund");
        await Expect(window.Page.GetByRole(AriaRole.Treeitem).First).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Pricing_anew_shows_how_far_it_is()
    {
        await using var window = await browser.SignedInAsync();
        var over = false;
        // So few traces are priced before it is seen: the answers are those of more.
        await window.Page.RouteAsync("**/api/v1/prices", async route =>
        {
            if (route.Request.Method is not "GET" || over)
            {
                await route.ContinueAsync();
                return;
            }
            var answer = await route.FetchAsync();
            var book = System.Text.Json.Nodes.JsonNode.Parse(await answer.TextAsync())!;
            book["repricing"] = new System.Text.Json.Nodes.JsonObject { ["traces_done"] = 12_000, ["traces_total"] = 48_000 };
            await route.FulfillAsync(new() { Response = answer, Body = book.ToJsonString() });
        });
        await window.GoAsync("/app/settings/prices");
        var bar = window.Page.GetByRole(AriaRole.Progressbar, new() { Name = "Re-pricing" });
        await Expect(bar).ToHaveAttributeAsync("value", "12000");
        await Expect(window.Page.GetByText("12,000 of 48,000 traces are priced anew")).ToBeVisibleAsync();
        await SoundAsync(window);
        over = true;
        await Expect(bar).ToHaveCountAsync(0);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_view_is_saved_with_its_columns_opened_again_and_forgotten()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?q=refund&cols=started,prompt,cost&sort=total_cost_usd");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Views" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save what is shown" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByLabel("Name").FillAsync("Dear refunds");
        await Button(window, "Save").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await window.GoAsync("/app/traces");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Views" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Dear refunds" }).ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Combobox, new() { Name = "Filter" })).ToHaveValueAsync("refund");
        await Expect(window.Page.GetByRole(AriaRole.Columnheader, new() { Name = "Cost" })).ToHaveAttributeAsync("aria-sort", "descending");
        await Expect(window.Page.GetByRole(AriaRole.Columnheader)).ToHaveCountAsync(3);
        await window.GoAsync("/app/settings/views");
        await SoundAsync(window);
        await RowOf(window, "Dear refunds").GetByRole(AriaRole.Button, new() { Name = "Forget" }).ClickAsync();
        await YesAsync(window, "Forget");
        await Expect(window.Page.GetByText("No view is saved yet")).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_done_is_in_the_audit_and_narrowed_by_action()
    {
        await browser.KeyAsync("read");
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/audit");
        await window.Page.GetByLabel("Action", new() { Exact = true }).FillAsync("key.create");
        await window.Page.Keyboard.PressAsync("Enter");
        await window.Page.WaitForURLAsync("**action=key.create");
        await Expect(window.Page.GetByRole(AriaRole.Cell, new() { Name = "login.accept" })).ToHaveCountAsync(0);
        await Expect(window.Page.GetByRole(AriaRole.Cell, new() { Name = "key.create" }).First).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_budget_is_set_seen_used_and_lifted()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/budgets");
        var form = window.Page.GetByRole(AriaRole.Form, new() { Name = "Set a budget" });
        await form.GetByLabel("Name").FillAsync("monthly");
        await form.GetByLabel("USD").FillAsync("12.5");
        await form.GetByLabel("Requests").FillAsync("1000");
        await form.GetByRole(AriaRole.Button, new() { Name = "Set" }).ClickAsync();
        await Expect(RowOf(window, "monthly")).ToContainTextAsync("of $12.50");
        await Expect(RowOf(window, "monthly").GetByRole(AriaRole.Progressbar)).ToHaveCountAsync(2);
        await SoundAsync(window);
        await RowOf(window, "monthly").GetByRole(AriaRole.Button, new() { Name = "Lift" }).ClickAsync();
        await YesAsync(window, "Lift");
        await Expect(window.Page.GetByText("No budget is set")).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_providers_key_goes_in_is_tested_and_another_model_answers_a_span_of_the_past()
    {
        browser.Provider.Reset((http, _) => http.Request.Path.Value!.EndsWith("/models", StringComparison.Ordinal)
            ? FakeProvider.Json(http, 200, """{"object":"list","data":[{"id":"other-model","object":"model"}]}""")
            : FakeProvider.Json(http, 200, """{"id":"c1","object":"chat.completion","model":"other-model","choices":[{"index":0,"message":{"role":"assistant","content":"The other model says so."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}"""));
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/providers");
        var form = window.Page.GetByRole(AriaRole.Form, new() { Name = "New provider" });
        await form.GetByLabel("Name").FillAsync("other");
        await form.GetByLabel("Address").FillAsync(browser.Provider.Address);
        await form.GetByLabel("Key").FillAsync("sk-very-secret-1234");
        await form.GetByLabel("Models, with commas between").FillAsync("other-model");
        await form.GetByRole(AriaRole.Button, new() { Name = "Add" }).ClickAsync();
        await Expect(RowOf(window, "other-model")).ToContainTextAsync("…1234");
        (await window.Page.ContentAsync()).Should().NotContain("sk-very-secret");
        await RowOf(window, "other-model").GetByRole(AriaRole.Button, new() { Name = "Test" }).ClickAsync();
        await Expect(RowOf(window, "other-model")).ToContainTextAsync("It answers");
        await SoundAsync(window);

        await browser.PostAsync(new { type = "llm_response", trace_id = "asked-before", span_id = "asked", name = "asked", kind = "llm", model = "gpt-4o", content = new { messages = new[] { new { role = "user", content = "Who says so?" } }, content = "I do." } });
        await window.GoAsync("/app/traces/asked-before?span=asked&tab=rerun");
        await window.Page.GetByLabel("Model").FillAsync("other-model");
        await Button(window, "Replay").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Region, new() { Name = "Answers side by side" })).ToContainTextAsync("The other model says so.");
        browser.Provider.Requests.Last().Body.Should().Contain("Who says so?");
        await SoundAsync(window);

        await window.GoAsync("/app/settings/providers");
        await RowOf(window, "other-model").GetByRole(AriaRole.Button, new() { Name = "Forget" }).ClickAsync();
        await YesAsync(window, "Forget");
        await Expect(window.Page.GetByText("No provider yet")).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_new_price_prices_history_anew()
    {
        await browser.PostAsync(new { type = "llm_response", trace_id = "priced", kind = "llm", name = "priced", provider = "openai", model = "our-own", usage = new { input_tokens = 1_000_000, output_tokens = 0 } });
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/prices");
        var form = window.Page.GetByRole(AriaRole.Form, new() { Name = "Set a price" });
        await form.GetByLabel("Model").FillAsync("our-own");
        await form.GetByLabel("Input, USD").FillAsync("7.25");
        await form.GetByLabel("Output, USD").FillAsync("9");
        await Button(window, "Set, and re-price history").ClickAsync();
        await Expect(window.Page.GetByText("computed anew")).ToBeVisibleAsync(new() { Timeout = 30_000 });
        await Expect(RowOf(window, "our-own")).ToContainTextAsync("$7.25");
        await SoundAsync(window);
        await window.GoAsync("/app/traces/priced");
        await Expect(window.Page.GetByText("$7.25").First).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_key_is_rotated_with_the_overlap_that_was_chosen()
    {
        var old = await browser.KeyAsync("read");
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/keys");
        var row = RowOf(window, old[^4..]);
        await row.GetByRole(AriaRole.Button, new() { Name = "Rotate" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByLabel("The old key works on for").SelectOptionAsync("7 days");
        await SoundAsync(window);
        await Button(window, "Rotate it").ClickAsync();
        await Expect(window.Page.GetByText("It is not shown again")).ToBeVisibleAsync();
        await Expect(row).ToContainTextAsync("rotated");
        foreach (var key in (string[])[old, await window.Page.Locator("code").Filter(new() { HasText = "hc_sk_" }).InnerTextAsync()])
        {
            using var http = new HttpClient { BaseAddress = browser.Server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
            (await http.GetAsync("/api/v1/runs", TestContext.Current.CancellationToken)).StatusCode.Should().Be(HttpStatusCode.OK);
        }
        var until = JsonDocument.Parse(await browser.Http.GetStringAsync("/api/v1/keys", TestContext.Current.CancellationToken)).RootElement.EnumerateArray()
            .Single(k => old.EndsWith(k.GetProperty("masked").GetString()![^4..], StringComparison.Ordinal)).GetProperty("valid_until").GetDateTimeOffset();
        until.Should().BeCloseTo(TimeProvider.System.GetUtcNow().AddDays(7), TimeSpan.FromHours(1));
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_project_is_made_and_the_gateways_policy_saved()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/settings/projects");
        await window.Page.GetByRole(AriaRole.Form, new() { Name = "New project" }).GetByLabel("Name").FillAsync("Shop");
        await Button(window, "Make a project").ClickAsync();
        await Expect(window.Page.GetByText("This is the key of the project")).ToBeVisibleAsync();
        await Expect(RowOf(window, "Shop")).ToBeVisibleAsync();
        await window.GoAsync("/app/settings/gateway");
        await window.Page.GetByLabel("Attempts per call").FillAsync("3");
        await Button(window, "Save").ClickAsync();
        await Expect(window.Page.GetByText("Saved", new() { Exact = true })).ToBeVisibleAsync();
        await window.GoAsync("/app/settings/gateway");
        await Expect(window.Page.GetByLabel("Attempts per call")).ToHaveValueAsync("3");
        window.Troubles.Should().BeEmpty();
    }
}

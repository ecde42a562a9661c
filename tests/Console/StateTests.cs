using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>Every page while there is nothing, while it waits, when it fails and when whoever looks may not see it: said in words, and never a blank page.</summary>
public sealed partial class StateTests(Browser empty, StateTests.Sample browser) : IClassFixture<Browser>, IClassFixture<StateTests.Sample>
{
    public sealed class Sample : Browser
    {
        public string Reader { get; private set; } = "";

        protected override async Task LoadAsync()
        {
            await DemoAsync();
            Reader = await KeyAsync("read");
        }
    }

    const string Admins = "Only for administrators";

    /// <summary>
    /// A page; what it says of an empty project, and to whom may read and no more (empty: it shows what it has).
    /// </summary>
    public static TheoryData<string, string, string> Pages => new()
    {
        { "/app/", "Send the first trace", "" }, { "/app/traces", "Send the first trace", "" }, { "/app/traces?rows=spans", "Send the first trace", "" },
        { "/app/runs", "Send the first trace", "" }, { "/app/traces/demo-refund", "There is no such trace", "" },
        { "/app/sessions", "No sessions yet", "" }, { "/app/users", "No users yet", "" }, { "/app/failures", "Nothing went wrong", "" }, { "/app/agents", "No agent yet", "" },
        { "/app/events", "No events yet", "" }, { "/app/projections", "Projections", "" }, { "/app/receipts?position=1", "Completeness", "" },
        { "/app/settings/keys", "New key", Admins }, { "/app/settings/projects", "default", "" }, { "/app/settings/providers", "No provider yet", Admins },
        { "/app/settings/gateway", "Attempts per call", Admins }, { "/app/settings/prices", "Cache read", "" }, { "/app/settings/budgets", "No budget is set", Admins },
        { "/app/settings/limits", "Value", "" }, { "/app/settings/retention", "Everything is kept", Admins }, { "/app/settings/redaction", "E-mail addresses", Admins },
        { "/app/settings/alerts", "No alerts yet", Admins }, { "/app/settings/views", "No view is saved yet", "" }, { "/app/settings/members", "No members yet", Admins },
        { "/app/settings/audit", "login.accept", Admins },
    };

    [GeneratedRegex("^(Loading|Signing)")]
    private static partial Regex Waiting();

    /// <summary>What the page says, for whoever sees and for whoever hears it; nothing in the console but what the network said.</summary>
    static async Task SaysAsync(Window window, string words, string path)
    {
        var main = window.Page.GetByRole(AriaRole.Main);
        await Expect(main).ToContainTextAsync(words);
        await Expect(window.Page.Locator("nav[aria-label=Pages]")).ToHaveCountAsync(1);
        (await window.OverflowAsync()).Should().BeLessThanOrEqualTo(0, path);
        (await window.ViolationsAsync()).Should().BeEmpty(path);
        window.Troubles.Where(t => !t.Contains("Failed to load resource", StringComparison.Ordinal)).Should().BeEmpty(path);
    }

    /// <summary>Every door but the console's own goes through here.</summary>
    static async Task DoorsAsync(Window window, Func<IRoute, Task> answer) => await window.Page.RouteAsync(url => !new Uri(url).AbsolutePath.StartsWith("/app", StringComparison.Ordinal), answer);

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_of_an_empty_project_says_so(string path, string says, string reader)
    {
        _ = reader;
        await using var window = await empty.SignedInAsync(Browser.Narrow);
        await window.GoAsync(path);
        await SaysAsync(window, says, path);
        (await window.Page.GetByRole(AriaRole.Alert).AllInnerTextsAsync()).Where(t => t.Length > 0).Should().BeEmpty(path);
    }

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_says_that_it_waits_and_then_shows_what_came(string path, string says, string reader)
    {
        _ = (says, reader);
        await using var window = await browser.SignedInAsync();
        var held = new TaskCompletionSource();
        await DoorsAsync(window, async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await window.Page.GotoAsync(path);
        var waiting = window.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Status).Filter(new() { HasTextRegex = Waiting() });
        await Expect(waiting.First).ToBeVisibleAsync();
        await SaysAsync(window, "Loading", path);
        held.SetResult();
        await Expect(waiting).ToHaveCountAsync(0);
        window.Troubles.Should().BeEmpty(path);
    }

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_that_fails_says_why_and_tries_again(string path, string says, string reader)
    {
        _ = (says, reader);
        await Task.WhenAll(new (string Why, Func<IRoute, Task> Answer)[]
        {
            ("a fuse blew", route => route.FulfillAsync(new() { Status = 500, ContentType = "application/json", Body = """{"error":{"code":"INTERNAL","message":"a fuse blew"}}""" })),
            ("The server cannot be reached.", route => route.AbortAsync()),
        }.Select(async way =>
        {
            await using var window = await browser.SignedInAsync();
            await DoorsAsync(window, way.Answer);
            await window.Page.GotoAsync(path);
            var alert = window.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert).Filter(new() { HasText = way.Why });
            await Expect(alert.First).ToContainTextAsync("could not be loaded");
            await SaysAsync(window, way.Why, path);
            await window.Page.UnrouteAllAsync();
            var again = alert.GetByRole(AriaRole.Button, new() { Name = "Try again" });
            while (await again.CountAsync() is > 0 and var left)
            {
                await again.First.ClickAsync();
                await Expect(again).Not.ToHaveCountAsync(left);
            }
            await Expect(alert).ToHaveCountAsync(0);
            await window.SettledAsync();
            await SaysAsync(window, "", path);
        }));
    }

    [Theory, MemberData(nameof(Pages))]
    public async Task A_page_that_may_not_be_seen_says_so(string path, string says, string reader)
    {
        _ = says;
        await using (var window = await browser.SignedInAsync(key: browser.Reader))
        {
            await window.GoAsync(path);
            await SaysAsync(window, reader, path);
            window.Troubles.Should().BeEmpty("what it may not see is not asked for");
        }
        // A key whose scope was taken away while the page stood open.
        await using var refused = await browser.SignedInAsync(Browser.Narrow);
        await DoorsAsync(refused, route => route.FulfillAsync(new() { Status = 403, ContentType = "application/json", Body = """{"error":{"code":"FORBIDDEN","message":"The key lacks the scope read."}}""" }));
        await refused.GoAsync(path);
        await SaysAsync(refused, "Your key may not see", path);
        await SaysAsync(refused, "The key lacks the scope read.", path);
        (await refused.Page.GetByRole(AriaRole.Alert).AllInnerTextsAsync()).Where(t => t.Length > 0).Should().BeEmpty("a no is no accident");
    }
}

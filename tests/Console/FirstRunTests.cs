using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hindcast.Bench;
using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>The way in: a key, the link printed at the start, and the first trace.</summary>
public sealed partial class FirstRunTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task The_link_of_the_start_signs_in_once_and_an_empty_project_becomes_its_first_trace_without_reload()
    {
        var link = await LinkAsync();
        await using (var window = await browser.OpenAsync())
        {
            await window.Page.GotoAsync(link);
            await Assertions.Expect(window.Page.GetByTestId("first-run")).ToBeVisibleAsync();
            window.Page.Url.Should().NotContain("#", "the token is used up and gone from the address");

            // The code on the page, as it stands there.
            await Assertions.Expect(window.Page.Locator("pre").First).ToContainTextAsync("hc_sk_");
            var code = await window.Page.Locator("pre").First.InnerTextAsync();
            var key = Regex.Match(code, "Bearer (hc_sk_[A-Za-z0-9_-]+)").Groups[1].Value;
            key.Should().NotBeEmpty("the code has a key in it");
            foreach (var language in (string[])[".NET", "Python", "OpenAI client", "curl"])
            {
                await window.Page.GetByRole(AriaRole.Tab, new() { Name = language }).ClickAsync();
                await Assertions.Expect(window.Page.GetByRole(AriaRole.Tabpanel, new() { Name = language })).ToContainTextAsync(key);
            }
            await window.Page.EvaluateAsync("() => { window.stays = true }");
            var keys = await KeysAsync();
            var other = await window.Page.Context.NewPageAsync();
            await other.GotoAsync("/app/traces");
            await Assertions.Expect(other.Locator("pre").First).ToContainTextAsync(key, new() { Timeout = 30_000 });
            await other.CloseAsync();
            (await KeysAsync()).Should().Be(keys, "one key is enough for every window");

            using var http = new HttpClient { BaseAddress = browser.Server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
            var begun = System.Diagnostics.Stopwatch.GetTimestamp();
            using var answer = await http.PostAsJsonAsync("/api/v1/events", new[] { new { type = "llm_response", trace_id = "hello", name = "greeting", content = "Hello, Hindcast!" } }, TestContext.Current.CancellationToken);
            answer.StatusCode.Should().Be(System.Net.HttpStatusCode.Accepted);

            await window.Page.WaitForURLAsync("**/app/traces/hello");
            await Assertions.Expect(window.Page.GetByText("Hello, Hindcast!")).ToBeVisibleAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"from the event to its trace: {System.Diagnostics.Stopwatch.GetElapsedTime(begun).TotalMilliseconds:n0} ms");
            (await window.Page.EvaluateAsync<bool>("() => window.stays === true")).Should().BeTrue("nothing was loaded again");
            window.Troubles.Should().BeEmpty();

            (await http.GetAsync("/api/v1/runs", TestContext.Current.CancellationToken)).StatusCode.Should().Be(System.Net.HttpStatusCode.Forbidden, "the key on the page may only write");
        }
        await using var later = await browser.OpenAsync();
        await later.Page.GotoAsync(link);
        await Assertions.Expect(later.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("used already");
    }

    [Fact]
    public async Task A_key_signs_in_and_out_again_and_a_wrong_one_does_not()
    {
        await using var window = await browser.OpenAsync();
        await window.GoAsync("/");
        window.Page.Url.Should().EndWith("/app/");
        window.Troubles.Should().BeEmpty("asking who is signed in is no error");
        await window.Page.GetByLabel("Key").FillAsync("hc_sk_wrong");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Invalid");
        await window.Page.GetByLabel("Key").FillAsync(HindcastProcess.Key);
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" })).ToBeVisibleAsync();
        (await window.Page.EvaluateAsync<string>("() => document.cookie")).Should().BeEmpty("no script reads the key");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).First.ClickAsync();
        await Assertions.Expect(window.Page.GetByLabel("Key")).ToBeVisibleAsync();
    }

    async Task<int> KeysAsync() => JsonDocument.Parse(await browser.Http.GetStringAsync("/api/v1/keys", TestContext.Current.CancellationToken)).RootElement.GetArrayLength();

    async Task<string> LinkAsync()
    {
        while (true)
        {
            foreach (var line in browser.Server.Said)
                if (LoginLink().Match(line) is { Success: true } link) return link.Value;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    [GeneratedRegex("/app/login#[A-Za-z0-9_-]{43}")]
    private static partial Regex LoginLink();
}

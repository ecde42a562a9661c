using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>Keys that may do less than everything.</summary>
public sealed class RoleTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task What_a_key_may_not_do_is_said_and_not_tried()
    {
        await browser.PostAsync(new { type = "user_message", trace_id = "seen", content = "hi" });
        await using (var reader = await browser.SignedInAsync(key: await browser.KeyAsync("read")))
        {
            await reader.GoAsync("/app/settings/keys");
            await Assertions.Expect(reader.Page.GetByText("Only for administrators")).ToBeVisibleAsync();
            await reader.GoAsync("/app/projections");
            (await reader.Page.GetByRole(AriaRole.Button, new() { Name = "Rebuild" }).CountAsync()).Should().Be(0);
            await reader.GoAsync("/app/traces/seen");
            await Assertions.Expect(reader.Page.GetByText("hi", new() { Exact = true })).ToBeVisibleAsync();
            await reader.GoAsync("/app/traces/no-such-trace");
            await Assertions.Expect(reader.Page.GetByText("There is no such trace")).ToBeVisibleAsync();
            reader.Troubles.Should().OnlyContain(t => t.Contains("no-such-trace", StringComparison.Ordinal));
        }
        await using var writer = await browser.SignedInAsync(key: await browser.KeyAsync("ingest"));
        await writer.GoAsync("/app/traces");
        await Assertions.Expect(writer.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("may not read");
    }
}

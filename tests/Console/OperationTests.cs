using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>What whoever runs a server does: receipts, completeness, parked facts, rebuilds, erasure, exports, figures.</summary>
public sealed class OperationTests(OperationTests.Sample browser) : IClassFixture<OperationTests.Sample>
{
    public sealed class Sample : Browser
    {
        /// <summary>One fact of the log is of a newer release.</summary>
        protected override async Task PrepareAsync()
        {
            await using var log = SqliteEventLog.Open(Path.Combine(Folder, "log.db"), TimeProvider.System);
            await log.AppendAsync(StreamName.Trace("default", "newer"), -1, [new(Guid.NewGuid(), "user_message", """{"v":99,"type":"user_message"}"""u8.ToArray(), "{}"u8.ToArray())], default);
        }

        protected override Task LoadAsync() => DemoAsync();
    }

    static ILocator Button(Window window, string name) => window.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    [Fact]
    public async Task A_parked_fact_is_shown_with_its_reason_and_replayed()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/projections");
        await Button(window, "1 parked by traces").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Parked facts" })).ToContainTextAsync("version 99");
        (await window.ViolationsAsync()).Should().BeEmpty();
        await Button(window, "Replay them").ClickAsync();
        await Expect(window.Page.GetByText("Applied again: what is still here could not be.")).ToBeVisibleAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Parked facts" })).ToContainTextAsync("version 99");
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_rebuild_under_way_has_a_bar()
    {
        await using var window = await browser.SignedInAsync();
        var over = false;
        // A build of so few facts is over before it is seen: the answers are those of a longer one.
        await window.Page.RouteAsync("**/api/v1/projections", async route =>
        {
            var answer = await route.FetchAsync();
            var all = JsonNode.Parse(await answer.TextAsync())!.AsArray();
            var texts = all.Single(p => p!["name"]!.GetValue<string>() == "texts")!;
            if (!over) (texts["state"], texts["rebuild"]) = ("rebuilding", new JsonObject { ["version"] = 2, ["generation"] = 2, ["position"] = 41, ["percent"] = 61.5, ["events_per_second"] = 12_345, ["seconds_left"] = 3 });
            await route.FulfillAsync(new() { Response = answer, Body = all.ToJsonString() });
        });
        await window.Page.GotoAsync("/app/projections");
        var bar = window.Page.GetByRole(AriaRole.Progressbar, new() { Name = "Rebuild of texts" });
        await Expect(bar).ToHaveAttributeAsync("value", "61.5");
        await Expect(window.Page.GetByText("61.5 %, 12,345 events/s, 3.00 s left")).ToBeVisibleAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        over = true;
        await Expect(bar).ToHaveCountAsync(0);
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_receipt_and_what_each_source_sent_are_found()
    {
        using var sent = await browser.Http.PostAsJsonAsync("/api/v1/events", new[] { new { type = "user_message", trace_id = "with-receipt", content = "hi" } }, TestContext.Current.CancellationToken);
        var position = sent.Headers.GetValues("X-Log-Position").Single();
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/receipts");
        await window.Page.GetByLabel("Position").FillAsync(position);
        await Button(window, "Show").ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Projections of this fact" }).GetByText("applied")).ToHaveCountAsync(2);
        await Expect(window.Page.GetByText("trace-default/with-receipt")).ToBeVisibleAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Completeness by source" }).GetByRole(AriaRole.Row).Filter(new() { HasText = "whyops" })).ToBeVisibleAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "trace", Exact = true }).ClickAsync();
        await window.Page.WaitForURLAsync("**/app/traces/with-receipt");
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_trace_and_a_user_are_erased()
    {
        await browser.PostAsync(new { type = "user_message", trace_id = "to-erase", user_id = "erased-first", content = "forget this" }, new { type = "user_message", trace_id = "of-somebody", user_id = "somebody", content = "and this" });
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces/to-erase");
        await Button(window, "Erase").ClickAsync();
        await window.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Erase" }).ClickAsync();
        await window.Page.WaitForURLAsync("**/app/traces");
        await window.GoAsync("/app/users");
        await window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "somebody" }).GetByRole(AriaRole.Button, new() { Name = "Erase" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Erase" }).ClickAsync();
        await Expect(window.Page.GetByText("somebody is erased: 1 trace")).ToBeVisibleAsync(new() { Timeout = 30_000 });
        await Expect(window.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "somebody" })).ToHaveCountAsync(0);
        (await window.ViolationsAsync()).Should().BeEmpty();
        window.Troubles.Should().BeEmpty();
        foreach (var trace in (string[])["to-erase", "of-somebody"])
            (await browser.Http.GetStringAsync($"/api/v1/runs?trace_id={trace}", TestContext.Current.CancellationToken)).Should().NotContain("this");
    }

    [Fact]
    public async Task Spans_are_exported_by_a_job_that_shows_its_progress()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces?rows=spans&q=span_name+%3D+search_orders");
        var rows = await window.Page.GetByTestId("rows").GetByRole(AriaRole.Row).CountAsync() - 1;
        await Button(window, "Export").ClickAsync();
        var saved = await window.Page.RunAndWaitForDownloadAsync(() => window.Page.GetByRole(AriaRole.Menuitem, new() { Name = "JSON lines" }).ClickAsync());
        saved.SuggestedFilename.Should().EndWith(".jsonl");
        var lines = await File.ReadAllLinesAsync(await saved.PathAsync(), TestContext.Current.CancellationToken);
        lines.Should().HaveCount(rows).And.OnlyContain(l => l.Contains("search_orders", StringComparison.Ordinal));
        await Expect(window.Page.GetByText(string.Create(CultureInfo.InvariantCulture, $"Exported {rows} spans"))).ToBeVisibleAsync();
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task An_export_under_way_is_cancelled()
    {
        await using var window = await browser.SignedInAsync();
        var (cancelled, asked) = (false, 0);
        // A file of so few spans is written before it is seen: the answers are those of a longer one, whose job is asked to end.
        await window.Page.RouteAsync("**/api/v1/export/jobs/*", async route =>
        {
            asked++;
            if (route.Request.Method is "DELETE")
            {
                cancelled = true;
                await route.FulfillAsync(new() { Status = 204 });
                return;
            }
            var answer = await route.FetchAsync();
            var job = JsonNode.Parse(await answer.TextAsync())!;
            (job["status"], job["progress_percent"], job["trace_count"]) = (cancelled ? "cancelled" : "processing", 40, 12_000);
            await route.FulfillAsync(new() { Response = answer, Body = job.ToJsonString() });
        });
        await window.GoAsync("/app/traces?rows=spans");
        await Button(window, "Export").ClickAsync();
        await window.Page.GetByRole(AriaRole.Menuitem, new() { Name = "JSON lines" }).ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Progressbar, new() { Name = "Export" })).ToHaveAttributeAsync("value", "40");
        await Expect(window.Page.GetByText("12,000 spans, 40 %")).ToBeVisibleAsync();
        (await window.ViolationsAsync()).Should().BeEmpty();
        await Button(window, "Cancel").ClickAsync();
        await Expect(window.Page.GetByText("Export cancelled")).ToBeVisibleAsync();
        var asks = asked;
        await Task.Delay(1_000, TestContext.Current.CancellationToken);
        asked.Should().Be(asks, "what has ended is not asked for any more");
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task Charts_are_zoomed_by_dragging_and_a_point_opens_its_traces()
    {
        await browser.PostAsync(new { type = "llm_response", trace_id = "the-day-before", kind = "llm", name = "asked", model = "gpt-4o", at = TimeProvider.System.GetUtcNow().AddHours(-30) });
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/");
        await Expect(window.Page.GetByText("on the period before").First).ToBeVisibleAsync();
        var plot = window.Page.Locator(".u-over").First;
        var before = await window.Page.GetByText("Requests", new() { Exact = true }).First.Locator("xpath=following-sibling::dd[1]").InnerTextAsync();
        var box = (await plot.BoundingBoxAsync())!;
        await window.Page.Mouse.MoveAsync(box.X + box.Width * 0.7f, box.Y + 40);
        await window.Page.Mouse.DownAsync();
        await window.Page.Mouse.MoveAsync(box.X + box.Width * 0.85f, box.Y + 40, new() { Steps = 5 });
        await window.Page.Mouse.UpAsync();
        await window.Page.WaitForURLAsync("**zoom=**");
        await Expect(window.Page.GetByText("Requests", new() { Exact = true }).First.Locator("xpath=following-sibling::dd[1]")).Not.ToHaveTextAsync(before);
        await window.Page.ReloadAsync();
        await Button(window, "Reset zoom").ClickAsync();
        await Expect(Button(window, "Reset zoom")).ToHaveCountAsync(0);
        await window.SettledAsync();
        box = (await plot.BoundingBoxAsync())!;
        await window.Page.Mouse.ClickAsync(box.X + box.Width * 0.95f, box.Y + 40);
        await window.Page.WaitForURLAsync("**/app/traces?q=ts**");
        await Expect(window.Page.GetByRole(AriaRole.Combobox, new() { Name = "Filter" })).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^ts >= .*ts < "));
        window.Troubles.Should().BeEmpty();
    }

    [Fact]
    public async Task A_funnel_counts_who_took_its_steps()
    {
        using var answer = await browser.Http.PostAsJsonAsync("/api/ingestion/publish_events", new[] { ("ann", "viewed"), ("ann", "bought"), ("ben", "viewed") }.Select((e, i) => new { user_id = e.Item1, @event = e.Item2, timestamp = TimeProvider.System.GetUtcNow().AddMinutes(i - 10), properties = new { } }), TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.Should().BeTrue(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/events?steps=viewed");
        await Expect(window.Page.GetByText("2 users, 100 %")).ToBeVisibleAsync();
        await window.Page.GetByLabel("Add a step").SelectOptionAsync("bought");
        await window.Page.WaitForURLAsync("**steps=viewed%2Cbought");
        await Expect(window.Page.GetByText("1 user, 50.0 %")).ToBeVisibleAsync();
        await Button(window, "Leave out viewed").ClickAsync();
        await Expect(window.Page.GetByText("1 user, 100 %")).ToBeVisibleAsync();
        (await window.OverflowAsync()).Should().BeLessThanOrEqualTo(0);
        (await window.ViolationsAsync()).Should().BeEmpty();
        window.Troubles.Should().BeEmpty();
    }
}

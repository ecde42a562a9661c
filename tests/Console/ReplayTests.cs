using Hindcast.Bench;
using Microsoft.Data.Sqlite;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Hindcast.Console;

/// <summary>A fact that an earlier release could not apply and this one can: replayed, it is there.</summary>
public sealed class ReplayTests(ReplayTests.Parked browser) : IClassFixture<ReplayTests.Parked>
{
    public sealed class Parked : Browser
    {
        /// <summary>Leaves the views as they are where a good fact was parked: no row of it, and its place and reason.</summary>
        protected override async Task PrepareAsync()
        {
            await using (var server = await HindcastProcess.StartAsync(Folder))
            {
                using var http = server.Client();
                using var answer = await http.PostAsync("/api/v1/events", new StringContent("""[{"type":"user_message","trace_id":"held-back","content":"here I am"}]""", System.Text.Encoding.UTF8, "application/json"));
                while ((await http.GetAsync("/api/v1/traces/held-back/tree")).StatusCode is not System.Net.HttpStatusCode.OK) await Task.Delay(20);
                await server.StopAsync();
            }
            Hindcast.Infrastructure.Sqlite.SqliteRuntime.Use();
            await using var views = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(Folder, "read", "traces-1.db"), Pooling = false }.ToString());
            await views.OpenAsync();
            await using var command = views.CreateCommand();
            command.CommandText = """
                INSERT INTO parked(position, stream, revision, event_id, type, reason, parked_at)
                  SELECT position, 'trace-default/held-back', revision, event_id, 'user_message', 'This release does not read it.', recorded_at FROM facts WHERE trace_id = 'held-back';
                DELETE FROM facts WHERE trace_id = 'held-back';
                DELETE FROM spans WHERE trace_id = 'held-back';
                DELETE FROM runs WHERE trace_id = 'held-back';
                """;
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task A_parked_fact_is_replayed_and_its_trace_is_there()
    {
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces/held-back");
        await Expect(window.Page.GetByText("There is no such trace")).ToBeVisibleAsync();
        await window.GoAsync("/app/projections");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "1 parked by traces" }).ClickAsync();
        await Expect(window.Page.GetByRole(AriaRole.Table, new() { Name = "Parked facts" })).ToContainTextAsync("This release does not read it.");
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Replay them" }).ClickAsync();
        await Expect(window.Page.GetByText("Nothing is parked")).ToBeVisibleAsync();
        await Expect(window.Page.GetByRole(AriaRole.Button, new() { Name = "parked by traces" })).ToHaveCountAsync(0);
        (await window.ViolationsAsync()).Should().BeEmpty();
        await window.GoAsync("/app/traces/held-back");
        await Expect(window.Page.GetByText("here I am").First).ToBeVisibleAsync();
        window.Troubles.Should().OnlyContain(t => t.Contains("404", StringComparison.Ordinal), "the trace was not there at first");
    }
}

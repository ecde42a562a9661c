using System.Text.Json;
using Hindcast.Application.TimeTravel;
using Hindcast.Integration.Engines;
using Hindcast.Integration.EventLogs.EventStoreDb;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

/// <summary>Rows in a PostgreSQL and facts in an EventStoreDB that are this test's alone, to be taken away.</summary>
public sealed class AwayHost : AgingHost, IAsyncLifetime
{
    public PostgresServer Postgres { get; private set; } = null!;
    public FakeEventStore Store { get; private set; } = null!;

    protected override async Task<string[]> SettingsAsync()
    {
        (Postgres, Store) = (await PostgresServer.AloneAsync(), await FakeEventStore.StartAsync());
        return [$"--ConnectionStrings:Postgres={await Postgres.NewDatabaseAsync()}", $"--ConnectionStrings:EventStoreDb={Store.ConnectionString}"];
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        await Postgres.DisposeAsync();
        await Store.DisposeAsync();
    }
}

/// <summary>An engine that is away before a past is built, or in the middle of it: that is said, nothing is left of it, and the next question is answered.</summary>
public sealed class TimeTravelAwayTests(AwayHost host) : IClassFixture<AwayHost>
{
    const int Facts = 600;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    string[] Scratch => [.. Directory.GetFiles(Path.Combine(host.Folder, "past")).Select(f => Path.GetFileName(f)!).Where(f => !f.StartsWith("catalog", StringComparison.Ordinal))];

    [Theory(Timeout = 120_000), InlineData("log"), InlineData("log, in the middle"), InlineData("rows"), InlineData("rows, in the middle"), InlineData("rows, frozen")]
    public async Task What_is_away_is_said_and_nothing_is_left(string away)
    {
        await Pasts.ForgetAsync();
        var project = $"away{away.Length}";
        var key = (await host.SendAsync(HttpMethod.Post, "/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "p", scopes = (string[])["ingest", "read"] }))).Json.Text("key")!;
        (await host.SendAsync(HttpMethod.Post, "/api/v1/events", JsonSerializer.Serialize(Enumerable.Range(0, Facts).Select(i => new { type = "error", trace_id = $"t{i % 50}", span_id = $"s{i}", content = "no" })), key))
            .Status.Should().Be(202);
        while (await AskAsync("/api/v1/runs", key) is { Status: not 200 }) await Task.Delay(50, Ct);
        var path = $"/api/v1/runs?limit=1000&as_of={Uri.EscapeDataString(host.Services.GetRequiredService<TimeProvider>().GetUtcNow().ToString("O"))}";

        if (away.Contains("middle", StringComparison.Ordinal)) host.Store.Faults.FreezeAt = Facts / 2;
        if (away == "log") host.Store.Faults.Frozen = true;
        if (away == "rows") await host.Postgres.StopAsync();
        if (away == "rows, frozen") await host.Postgres.FreezeAsync();
        var asked = AskAsync(path, key);
        if (away == "rows, in the middle")
        {
            while (!host.Store.Faults.Frozen) await Task.Delay(5, Ct);
            Scratch.Should().NotBeEmpty("it is under way");
            await host.Postgres.StopAsync();
            host.Store.Faults.Frozen = false;
        }
        (await asked).Should().Be(new Asked(503, "UNAVAILABLE", RetryAfter: true, Rows: 0));
        while (Scratch.Length > 0) await Task.Delay(20, Ct);

        host.Store.Faults.Frozen = false;
        if (away.StartsWith("rows, frozen", StringComparison.Ordinal)) await host.Postgres.ThawAsync();
        else if (away.StartsWith("rows", StringComparison.Ordinal)) await host.Postgres.StartAgainAsync();
        // Lines that were cut with the database are found out one by one.
        Asked again;
        while ((again = await AskAsync(path, key)).Status == 503) await Task.Delay(50, Ct);
        (again.Status, again.Rows).Should().Be((200, 50));
    }

    Pasts Pasts => host.Services.GetRequiredService<Pasts>();

    /// <summary>As it is answered, a 5xx too.</summary>
    async Task<Asked> AskAsync(string path, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("X-API-Key", key);
        request.Headers.Add("Cache-Control", "no-cache");
        using var response = await host.Http.SendAsync(request, Ct);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct)).RootElement;
        return new(
            (int)response.StatusCode, json.TryGetProperty("error", out var error) ? error.Text("code") : null, response.Headers.RetryAfter is not null,
            json.TryGetProperty("data", out var rows) ? rows.GetArrayLength() : 0);
    }

    sealed record Asked(int Status, string? Code, bool RetryAfter, int Rows);
}

using System.Text.Json;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.Live;

public sealed class ReplayOnSqlite(AgingHost host) : ReplayTests(host), IClassFixture<AgingHost>;

public sealed class ReplayOnEventStoreDb(EventStoreAging host) : ReplayTests(host), IClassFixture<EventStoreAging>;

/// <summary><c>speed</c> of <c>/api/v1/stream</c>: which of three readers of one past is where, and never how long it took.</summary>
public abstract class ReplayTests(AgingHost host)
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_slower_the_replay_the_later_the_next_message()
    {
        var key = (await host.SendAsync(HttpMethod.Post, "/api/v1/keys", """{"project_id":"replay","name":"r","scopes":["ingest","read"]}""")).Json.Text("key")!;
        await WriteAsync(key);
        host.PutForward(TimeSpan.FromSeconds(40));
        await WriteAsync(key);

        using StreamReader slow = await OpenAsync(key, "1"), fast = await OpenAsync(key, "10");
        foreach (var lines in (StreamReader[])[slow, fast]) (await NextAsync(lines)).Text("type").Should().Be("error");
        // 40 s, and 4 s, and nothing.
        Task<JsonElement> late = NextAsync(slow), sooner = NextAsync(fast);
        using (var now = await OpenAsync(key, "max"))
            foreach (var type in (string[])["error", "error", "caught_up"]) (await NextAsync(now)).Text("type").Should().Be(type);
        sooner.IsCompleted.Should().BeFalse();
        (await sooner).Text("type").Should().Be("error");
        (await NextAsync(fast)).Text("type").Should().Be("caught_up");
        late.IsCompleted.Should().BeFalse();
    }

    async Task WriteAsync(string key) =>
        (await host.SendAsync(HttpMethod.Post, "/api/v1/events", """{"type":"error","trace_id":"a","content":"no"}""", key)).Status.Should().Be(202);

    async Task<StreamReader> OpenAsync(string key, string speed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/stream?from=start&speed={speed}");
        request.Headers.Add("X-API-Key", key);
        var response = await host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        return new(await response.Content.ReadAsStreamAsync(Ct));
    }

    static async Task<JsonElement> NextAsync(StreamReader lines)
    {
        while (await lines.ReadLineAsync(Ct) is { } line)
            if (line.StartsWith("data: ", StringComparison.Ordinal)) return JsonDocument.Parse(line[6..]).RootElement;
        return default;
    }
}

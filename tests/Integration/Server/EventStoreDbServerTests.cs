using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Integration.EventLogs.EventStoreDb;

namespace Hindcast.Integration.Server;

/// <summary>The real process on an EventStoreDB that comes and goes.</summary>
public sealed class EventStoreDbServerTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task F10_the_server_starts_without_its_log_refuses_while_it_is_away_and_goes_on_reading()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-esdb-").FullName;
        var probe = await FakeEventStore.StartAsync();
        var (store, port) = (probe.Store, probe.Address.Port);
        await probe.DisposeAsync();

        await using (var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["ConnectionStrings__EventStoreDb"] = probe.ConnectionString }))
        {
            await RefusedAsync(server, "t1");

            await using var log = await FakeEventStore.StartAsync(store, port);
            var position = await AcceptedAsync(server, "t1");
            (await TreeAsync(server, "t1", position)).GetProperty("event_count").GetInt32().Should().Be(1);

            log.Faults.Frozen = true;
            await RefusedAsync(server, "t1");
            (await TreeAsync(server, "t1")).GetProperty("event_count").GetInt32().Should().Be(1, "what was built is there, log or no log");

            // Started anew while it is frozen, it knows which log its views were built from.
            await server.KillAsync();
            await server.StartAsync();
            (await TreeAsync(server, "t1")).GetProperty("event_count").GetInt32().Should().Be(1);
            await RefusedAsync(server, "t2");

            log.Faults.Frozen = false;
            await AcceptedAsync(server, "t2");
            position = await AcceptedAsync(server, "t1");
            (await TreeAsync(server, "t1", position)).GetProperty("event_count").GetInt32().Should().Be(2);
        }
        Directory.Delete(folder, recursive: true);
    }

    static async Task RefusedAsync(HindcastProcess server, string trace)
    {
        using var answer = await PostAsync(server, trace);
        answer.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, await answer.Content.ReadAsStringAsync(Ct));
        answer.Headers.RetryAfter!.Delta.Should().BePositive();
    }

    /// <summary>As a client does it: again, with the same id, until it is taken.</summary>
    static async Task<string> AcceptedAsync(HindcastProcess server, string trace)
    {
        var id = Guid.NewGuid();
        while (true)
        {
            using var answer = await PostAsync(server, trace, id);
            if (answer.IsSuccessStatusCode) return answer.Headers.GetValues("X-Log-Position").Single();
            answer.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, await answer.Content.ReadAsStringAsync(Ct));
            await Task.Delay(200, Ct);
        }
    }

    static async Task<HttpResponseMessage> PostAsync(HindcastProcess server, string trace, Guid? id = null)
    {
        using var http = server.Client();
        return await http.PostAsJsonAsync("/api/v1/events", new { type = "user_message", trace_id = trace, event_id = id ?? Guid.NewGuid(), content = "hello" }, Ct);
    }

    /// <summary>With a position: as a reader who waits for his own write, for as long as it takes.</summary>
    static async Task<JsonElement> TreeAsync(HindcastProcess server, string trace, string? position = null)
    {
        using var http = server.Client();
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/traces/{trace}/tree");
            if (position is not null) request.Headers.Add("X-Min-Position", position);
            using var answer = await http.SendAsync(request, Ct);
            if (position is not null && answer.StatusCode == HttpStatusCode.ServiceUnavailable) continue;
            var text = await answer.Content.ReadAsStringAsync(Ct);
            answer.StatusCode.Should().Be(HttpStatusCode.OK, text);
            return JsonDocument.Parse(text).RootElement;
        }
    }
}

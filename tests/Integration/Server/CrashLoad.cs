using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Writers that go on until the server dies, what they were promised, and the check that it was kept.</summary>
sealed class CrashLoad
{
    const int Writers = 4, BatchSize = 25, Traces = 40;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Event ids that were answered with 2xx, and the position that came with them.</summary>
    readonly ConcurrentDictionary<string, long> _acknowledged = new();
    readonly ConcurrentDictionary<string, bool> _promised = new();

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Something was acknowledged of every trace: none of them may be missing afterwards.</summary>
    public bool ReachedEveryTrace => _promised.Count == Traces;

    /// <summary>Writes until <paramref name="stop"/>; whatever fails is sent no second time, and nothing is promised of it.</summary>
    public Task WriteAsync(HindcastProcess server, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => WriteAsync(server, writer, stop)));

    /// <summary>Every acknowledged event stands in the timelines, and none stands there twice; the views come to hold as many.</summary>
    public async Task ShouldBeKeptAsync(HindcastProcess server)
    {
        using var http = server.Client();
        var read = new List<string>();
        for (var trace = 0; trace < Traces; trace++) read.AddRange(await TimelineAsync(http, $"t{trace}"));
        read.Should().OnlyHaveUniqueItems();
        _acknowledged.Keys.Except(read).Should().BeEmpty("what was acknowledged is there");

        while (!(await http.GetAsync("/health/ready", Ct)).IsSuccessStatusCode) await Task.Delay(100, Ct);
        var events = 0;
        for (var trace = 0; trace < Traces; trace++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/traces/t{trace}/tree");
            request.Headers.Add("X-Min-Position", _acknowledged.Values.Max().ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var tree = await JsonDocument.ParseAsync(await (await http.SendAsync(request, Ct)).Content.ReadAsStreamAsync(Ct), cancellationToken: Ct);
            events += tree.RootElement.GetProperty("event_count").GetInt32();
        }
        events.Should().Be(read.Count);
    }

    async Task WriteAsync(HindcastProcess server, int writer, CancellationToken stop)
    {
        using var http = server.Client();
        for (var batch = 0; !stop.IsCancellationRequested; batch++)
        {
            var ids = Enumerable.Range(0, BatchSize).Select(i => (Id: Guid.NewGuid().ToString(), Trace: $"t{((batch * BatchSize) + i) % Traces}")).ToList();
            try
            {
                using var response = await http.PostAsJsonAsync(
                    "/api/v1/events", ids.Select(x => new { type = "user_message", trace_id = x.Trace, event_id = x.Id, content = $"{writer} {batch}" }), CancellationToken.None);
                if (!response.IsSuccessStatusCode) continue;
                var position = long.Parse(response.Headers.GetValues("X-Log-Position").Single(), System.Globalization.CultureInfo.InvariantCulture);
                foreach (var (id, trace) in ids) (_acknowledged[id], _promised[trace]) = (position, true);
            }
            catch (Exception e) when (e is HttpRequestException or System.Net.Sockets.SocketException)
            {
                // Killed: what became of this batch is unknown.
            }
        }
    }

    static async Task<List<string>> TimelineAsync(HttpClient http, string trace)
    {
        var ids = new List<string>();
        for (var after = ""; ;)
        {
            using var page = JsonDocument.Parse(await http.GetStringAsync($"/api/v1/traces/{trace}/timeline?limit=1000{after}", Ct));
            ids.AddRange(page.RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("event_id").GetString()!));
            if (!page.RootElement.GetProperty("has_more").GetBoolean()) return ids;
            after = $"&after_revision={page.RootElement.GetProperty("next_revision")}";
        }
    }
}

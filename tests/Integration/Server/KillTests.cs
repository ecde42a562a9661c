using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>F1: what was acknowledged is there once, however the process died. Ten times here; <c>HINDCAST_TEST_KILLS=200</c> for a night.</summary>
public sealed class KillTests
{
    const int Writers = 4, BatchSize = 20, Traces = 40;
    static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_KILLS") ?? "10", System.Globalization.CultureInfo.InvariantCulture);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task F1_every_acknowledged_event_is_read_back_once_after_every_kill()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-kill-").FullName;
        var acknowledged = new ConcurrentDictionary<string, string>();
        var random = new Random(1);
        await using (var server = await HindcastProcess.StartAsync(folder))
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                using var stop = new CancellationTokenSource();
                var writers = Enumerable.Range(0, Writers).Select(w => WriteAsync(server, $"{kill}-{w}", acknowledged, stop.Token)).ToList();
                await Task.Delay(random.Next(300, 1500), Ct);
                await server.KillAsync();
                await stop.CancelAsync();
                await Task.WhenAll(writers);
                await server.StartAsync();
            }
            acknowledged.Count.Should().BeGreaterThan(1_000, "otherwise nothing was tried");
            TestContext.Current.TestOutputHelper!.WriteLine($"{Kills} kills, {acknowledged.Count} events acknowledged");

            using var http = server.Client();
            var read = new List<string>();
            for (var trace = 0; trace < Traces; trace++) read.AddRange(await TimelineAsync(http, $"t{trace}"));
            read.Should().OnlyHaveUniqueItems();
            acknowledged.Keys.Should().BeSubsetOf(read);

            // And the read models come to hold what the log holds, once they have caught up.
            while (!(await http.GetAsync("/health/ready", Ct)).IsSuccessStatusCode) await Task.Delay(100, Ct);
            var spans = 0;
            for (var trace = 0; trace < Traces; trace++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/traces/t{trace}/tree");
                request.Headers.Add("X-Min-Position", acknowledged.Values.Select(long.Parse).Max().ToString(System.Globalization.CultureInfo.InvariantCulture));
                using var tree = await JsonDocument.ParseAsync(await (await http.SendAsync(request, Ct)).Content.ReadAsStreamAsync(Ct), cancellationToken: Ct);
                spans += tree.RootElement.GetProperty("event_count").GetInt32();
            }
            spans.Should().Be(read.Count);
        }
        Directory.Delete(folder, recursive: true);
    }

    static async Task WriteAsync(HindcastProcess server, string writer, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
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
                var position = response.Headers.GetValues("X-Log-Position").Single();
                foreach (var (id, _) in ids) acknowledged[id] = position;
            }
            catch (HttpRequestException)
            {
                // Killed: what became of this batch is unknown, and nothing is promised of it.
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

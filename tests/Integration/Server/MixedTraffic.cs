using System.Text.Json;
using Hindcast.Application.Traces;

namespace Hindcast.Integration.Server;

static class MixedTraffic
{
    /// <summary>Some 300 events of every type through the three dialects, late ones, repeated ones, failed ones and harmed texts among them.</summary>
    public static async Task SendAsync(LiveServer server)
    {
        var random = new Random(7);
        foreach (var page in Enumerable.Range(0, 200).Chunk(25))
        {
            var events = page.Select(i => new
            {
                type = FactReader.Types[i % FactReader.Types.Count], trace_id = $"n{random.Next(12)}", span_id = $"s{random.Next(6)}", parent_span_id = $"s{random.Next(6)}",
                event_id = $"e{i % 190}-{i % 3}", at = $"2026-11-{1 + (i % 9):00}T0{random.Next(10)}:00:{random.Next(60):00}.{i:000}Z", user_id = i % 5 == 0 ? $"u{i}" : null,
                name = $"näme {i}", model = i % 2 == 0 ? "openai/gpt-4o-mini" : "acme/unknown", latency_ms = i, status = i % 7 == 0 ? "failed" : "ok",
                usage = new { input = i, output = 2 * i, cache_read = i % 3 }, attributes = new Dictionary<string, object> { ["b"] = i, ["a"] = "x\0y", ["ÿ"] = 1, ["B"] = 2 }, content = $"text \0 {i}", value = i,
            });
            (await server.PostAsync("/api/v1/events", JsonSerializer.Serialize(events))).Headers.Should().ContainKey("X-Log-Position");
        }
        for (var i = 0; i < 40; i++)
        {
            var (type, tool) = i % 4 == 0 ? ("error", "") : i % 4 == 1 ? ("tool_call_request", "search") : i % 4 == 2 ? ("tool_call_response", "search") : ("user_message", "");
            var e = new { eventType = type, traceId = $"w{i % 5}", agentName = "a", spanId = $"p{i / 4}", content = new { message = $"m{i}" }, metadata = new { tool, latencyMs = i } };
            (await server.PostAsync("/api/events/ingest", JsonSerializer.Serialize(e))).Status.Should().Be(202);
        }
        var llm = Enumerable.Range(0, 30).Select(i => new
        {
            user_id = $"u{i % 3}", prompt = $"ask {i}", generation = "\ud83d\ude00", assistant_id = "gpt-4o", thread_id = $"t{i % 4}", latency = i / 10.0, timestamp = $"2026-11-02T10:00:{i:00}",
        });
        (await server.PostAsync("/api/ingestion/publish_llm_events", JsonSerializer.Serialize(llm))).Status.Should().Be(200);
        var product = Enumerable.Range(0, 30).Select(i => new { user_id = $"u{i % 3}", @event = "Sign up", timestamp = $"2026-11-03T10:00:{i:00}Z", properties = new { plan = i } });
        (await server.PostAsync("/api/ingestion/publish_events", JsonSerializer.Serialize(product))).Status.Should().Be(200);
    }
}

using System.Net.Http.Json;
using System.Text.Json;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// What redaction costs at the door: the same load into one server, with every rule on and with none, in turns, so that both see the same machine. Projections are
/// paused: they do not redact.
/// </summary>
static class RedactionBench
{
    const int Rounds = 5;

    static readonly (string Name, object Rules)[] s_kinds =
    [
        ("off", new { secrets = "off", emails = "off", cards = "off", patterns = Array.Empty<object>() }),
        ("secrets, e-mail addresses, cards", new { secrets = "replace", emails = "replace", cards = "replace", patterns = Array.Empty<object>() }),
        ("and a pattern", new { secrets = "replace", emails = "replace", cards = "replace", patterns = new[] { new { name = "ticket", pattern = "T-[0-9]{4,}", action = "replace" } } }),
    ];

    public static async Task RunAsync(int events)
    {
        Console.WriteLine($"{Rounds} rounds of {events:N0} events each, 100 a request, on 4 connections; {Machine.Describe()}");
        var folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-redaction")).FullName;
        try
        {
            await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Projections__Paused"] = "true" });
            using var http = server.Client();
            var ingest = new IngestBench(batchSize: 100, connections: 4);
            await ingest.SendAsync(http, events, _ => { });
            var (rates, micros) = (s_kinds.Select(_ => new List<double>()).ToList(), s_kinds.Select(_ => new List<double>()).ToList());
            for (var round = 0; round < Rounds; round++)
                for (var i = 0; i < s_kinds.Length; i++)
                {
                    using var set = await http.PutAsJsonAsync("/api/v1/redaction", s_kinds[i].Rules, JsonSerializerOptions.Web);
                    set.EnsureSuccessStatusCode();
                    var before = server.ProcessorMicros();
                    rates[i].Add(await ingest.SendAsync(http, events, _ => { }, ((round * s_kinds.Length) + i + 1) * events));
                    micros[i].Add((server.ProcessorMicros() - before) / events);
                }
            for (var i = 0; i < s_kinds.Length; i++)
                Console.WriteLine($"{s_kinds[i].Name,-34} {Median(rates[i]),9:N0} events/s = {Median(rates[i]) / Median(rates[0]):P0}; {Median(micros[i]):N1} µs of processor an event = {Median(micros[i]) / Median(micros[0]):P0}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}

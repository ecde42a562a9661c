using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Http.Headers;
using Google.Protobuf;
using Hindcast.Otlp.Sent;

namespace Hindcast.Bench.Ingest;

/// <summary>
/// Spans over OTLP/HTTP in protobuf beside the same number of events at the event door, into fresh servers of the same run: batches of 100 on four
/// connections, about 1 KB each, durable. Twice each, in turns, so that both see the same machine.
/// </summary>
sealed class OtlpBench
{
    const int BatchSize = 100, Connections = 4;

    public static async Task RunAsync(int spans, bool paused)
    {
        Console.WriteLine($"{spans:N0} of each a round, {BatchSize} a request, on {Connections} connections{(paused ? ", projections paused" : "")}; {Machine.Describe()}");
        var root = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-otlp")).FullName;
        try
        {
            var (events, traced) = (0.0, 0.0);
            for (var round = 1; round <= 2; round++)
            {
                events += await ServedAsync(Path.Combine(root, $"events-{round}"), spans, paused, async http => await new IngestBench(BatchSize, Connections).SendAsync(http, spans, _ => { }));
                traced += await ServedAsync(Path.Combine(root, $"spans-{round}"), spans, paused, http => SendAsync(http, spans));
            }
            Console.WriteLine($"event door:         {events / 2,9:N0} events/s");
            Console.WriteLine($"OTLP/HTTP protobuf: {traced / 2,9:N0} spans/s = {traced / events:P0} (goal 80 %)");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    static async Task<double> ServedAsync(string folder, int spans, bool paused, Func<HttpClient, Task<double>> send)
    {
        Directory.CreateDirectory(folder);
        await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string> { ["Hindcast__Projections__Paused"] = $"{paused}" });
        using var http = server.Client();
        var rate = await send(http);
        Console.WriteLine($"  {Path.GetFileName(folder)}: {rate:N0}/s, {server.Memory():N0} MiB, {server.ProcessorMicros() / spans:N0} µs of the server's processor each");
        return rate;
    }

    static async Task<double> SendAsync(HttpClient http, int spans)
    {
        var (batch, sent) = (0, 0);
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            while (Interlocked.Add(ref sent, BatchSize) <= spans)
            {
                using var content = new ByteArrayContent(Export(Interlocked.Increment(ref batch))) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } };
                using var response = await http.PostAsync("/v1/traces", content);
                response.EnsureSuccessStatusCode();
            }
        }));
        return spans / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    static readonly string s_text = string.Join(' ', Enumerable.Range(0, 50).Select(i => $"word{i}"));

    /// <summary>Ten traces of ten spans: an agent, and calls and tools under it, with what GenAI instrumentation says of them.</summary>
    static byte[] Export(int batch)
    {
        var scope = new ScopeItems { Scope = new() { Name = "bench", Version = "1" } };
        for (var i = 0; i < BatchSize; i++)
        {
            var (trace, n) = ((batch * 10) + (i / 10), i % 10);
            var start = 1_767_225_600_000_000_000UL + ((ulong)i * 1_000_000);
            var span = new WireSpan
            {
                TraceId = Id(trace + 1, 16), SpanId = Id(n + 1, 8), ParentSpanId = n == 0 ? ByteString.Empty : Id(1, 8), Name = n == 0 ? "invoke_agent support" : n % 3 == 0 ? "execute_tool search" : "chat gpt-4o-mini",
                StartTimeUnixNano = start, EndTimeUnixNano = start + 300_000_000,
            };
            span.Attributes.Add(s_said[n]);
            if (n == 0) span.Attributes.Add(Said("user.id", $"user-{i}"));
            scope.Items.Add(span.ToByteString());
        }
        return new Export { Resources = { new ResourceItems { Resource = new() { Attributes = { new KeyValue { Key = "service.name", Value = new() { StringValue = "bench" } } } }, Scopes = { scope } } } }.ToByteArray();
    }

    /// <summary>What each of the ten spans of a trace says; made once, for the generator shares the processors with what is measured.</summary>
    static readonly KeyValue[][] s_said = [.. Enumerable.Range(0, 10).Select(n => (KeyValue[])
    [
        Said("gen_ai.operation.name", n == 0 ? "invoke_agent" : n % 3 == 0 ? "execute_tool" : "chat"),
        .. n % 3 == 0
            ? (KeyValue[])[Said("gen_ai.tool.call.arguments", $$"""{"query":"{{s_text}}"}"""), Said("gen_ai.tool.call.result", s_text)]
            :
            [
                Said("gen_ai.provider.name", "openai"), Said("gen_ai.response.model", "gpt-4o-mini"),
                new KeyValue { Key = "gen_ai.usage.input_tokens", Value = new() { IntValue = 420 } }, new KeyValue { Key = "gen_ai.usage.output_tokens", Value = new() { IntValue = 160 } },
                Said("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"{{s_text}}"}]}]"""),
                Said("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{"type":"text","content":"{{s_text}}"}]}]"""),
            ],
    ])];

    static KeyValue Said(string key, string value) => new() { Key = key, Value = new() { StringValue = value } };

    static ByteString Id(int id, int length)
    {
        var bytes = new byte[length];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(length - 4), id);
        return ByteString.CopyFrom(bytes);
    }
}

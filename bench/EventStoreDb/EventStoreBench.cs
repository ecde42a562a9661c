using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Hindcast.Bench.Ingest;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Hindcast.Integration.EventLogs.EventStoreDb;

namespace Hindcast.Bench.EventStoreDb;

/// <summary>
/// Ingestion over HTTP on the EventStoreDB engine (goal G3) beside a bare pipelined BatchAppend of the same events to the same server in the same run:
/// one call, as many appends in flight, one event an append, the element's own bytes as data; no HTTP door, no checks, no header.
/// The server is the one of <c>ConnectionStrings__EventStoreDb</c>; without it the tests' fake one, in memory and in a process of its own.
/// </summary>
static class EventStoreBench
{
    const int BatchSize = 100, Connections = 4, FakePort = 8196;

    public static async Task RunAsync(int events)
    {
        var real = Environment.GetEnvironmentVariable("ConnectionStrings__EventStoreDb") is { Length: > 0 } given ? given : null;
        Console.WriteLine($"{events:N0} events in batches of {BatchSize} on {Connections} connections; {(real is null ? "the FAKE server of the tests, in memory: its figures say what the engine costs, not what EventStoreDB does" : "a real server")}; {Machine.Describe()}");
        using var fake = real is null ? Process.Start(new ProcessStartInfo("dotnet", [typeof(EventStoreBench).Assembly.Location, "fake-eventstore", $"{FakePort}"]))! : null;
        var folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-eventstore")).FullName;
        try
        {
            var connectionString = real ?? $"esdb://127.0.0.1:{FakePort}?tls=false";
            await BareAsync(connectionString, Math.Min(events, 20_000));
            var before = await BareAsync(connectionString, events);
            var served = await ServedAsync(folder, connectionString, events);
            var after = await BareAsync(connectionString, events);
            var bare = (before + after) / 2;
            Console.WriteLine($"bare pipelined BatchAppend:  {bare,9:N0} events/s ({before:N0} before, {after:N0} after)");
            Console.WriteLine($"over HTTP, projections off:  {served,9:N0} events/s = {served / bare:P0} (goal 70 %)");
        }
        finally
        {
            fake?.Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The fake server alone, until it is killed.</summary>
    public static async Task ServeFakeAsync(int port)
    {
        await using var server = await FakeEventStore.StartAsync(port: port);
        await Task.Delay(-1);
    }

    static async Task<double> ServedAsync(string folder, string connectionString, int events)
    {
        await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string>
        {
            ["ConnectionStrings__EventStoreDb"] = connectionString,
            ["Hindcast__LogName"] = string.Create(CultureInfo.InvariantCulture, $"bench_{Guid.NewGuid():n}"),
            ["Hindcast__Projections__Paused"] = "true",
        });
        using var http = server.Client();
        await new IngestBench(batchSize: 100, connections: 4).SendAsync(http, Math.Min(events, 20_000), _ => { });
        var processor = server.ProcessorMicros();
        var rate = await new IngestBench(batchSize: 100, connections: 4).SendAsync(http, events, _ => { }, firstTrace: events);
        Console.WriteLine($"{(server.ProcessorMicros() - processor) / events:N1} µs of processor an event in the product's process");
        return rate;
    }

    static async Task<double> BareAsync(string connectionString, int events)
    {
        using var node = await NodeAsync(ConnectionString.Parse(connectionString));
        var prefix = $"bare_{Guid.NewGuid():n}.trace-bench/";
        var load = new Load(BatchSize);
        var waiting = new System.Collections.Concurrent.ConcurrentDictionary<Guid, TaskCompletionSource<bool>>();
        var requests = System.Threading.Channels.Channel.CreateUnbounded<BatchAppendReq>(new() { SingleReader = true });
        using var over = new CancellationTokenSource();
        var call = node.BatchAppendAsync(
            async (stream, ct) =>
            {
                var frames = new System.Buffers.ArrayBufferWriter<byte>(256 << 10);
                while (await requests.Reader.WaitToReadAsync(ct))
                {
                    while (frames.WrittenCount < 256 << 10 && requests.Reader.TryRead(out var request)) GrpcFrame.Write(request, frames);
                    await stream.WriteAsync(frames.WrittenMemory, ct);
                    await stream.FlushAsync(ct);
                    frames.ResetWrittenCount();
                }
            },
            answer => waiting[StoredForm.IdOf(answer.CorrelationId)].SetResult(answer.ResultCase == BatchAppendResp.ResultOneofCase.Success),
            over.Token);

        var sent = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(worker => Task.Run(async () =>
        {
            while (Interlocked.Add(ref sent, BatchSize) <= events)
            {
                var (body, _) = load.Next();
                var batch = new List<Task<bool>>(BatchSize);
                foreach (var element in Elements(body))
                {
                    var id = Guid.NewGuid();
                    var request = new BatchAppendReq
                    {
                        CorrelationId = StoredForm.IdOf(id),
                        Options = new() { StreamIdentifier = new() { StreamName = ByteString.CopyFromUtf8($"{prefix}{worker}-{Guid.NewGuid():n}") }, NoStream = new() },
                        IsFinal = true,
                        ProposedMessages =
                        {
                            new BatchAppendReq.Types.ProposedMessage
                            {
                                Id = StoredForm.IdOf(id), Data = UnsafeByteOperations.UnsafeWrap(element), Metadata = { ["type"] = "span_recorded", ["content-type"] = "application/json" },
                            },
                        },
                    };
                    var done = waiting[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    batch.Add(done.Task);
                    requests.Writer.TryWrite(request);
                }
                // A refusal or a lost call is no figure.
                var all = Task.WhenAll(batch);
                if (await Task.WhenAny(all, call) == call) await call;
                if (!(await all).All(stored => stored)) throw new InvalidOperationException("The server refused an append.");
            }
        })));
        var rate = events / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await over.CancelAsync();
        await call.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return rate;
    }

    static List<ReadOnlyMemory<byte>> Elements(byte[] body)
    {
        var elements = new List<ReadOnlyMemory<byte>>(BatchSize);
        var json = new Utf8JsonReader(body);
        json.Read();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)json.TokenStartIndex;
            json.Skip();
            elements.Add(body.AsMemory(start..(int)json.BytesConsumed));
        }
        return elements;
    }

    static async Task<Node> NodeAsync(ConnectionString settings)
    {
        var cluster = new Cluster(settings, NodePreference.Leader, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await cluster.NodeAsync(CancellationToken.None);
            }
            catch (GrpcFailure) when (attempt < 50)
            {
                // Not listening yet.
            }
        }
    }
}

using System.Globalization;
using Hindcast.Bench.EventLogs;
using Hindcast.Bench.EventStoreDb;
using Hindcast.Bench.Gateway;
using Hindcast.Bench.Ingest;
using Hindcast.Bench.Live;
using Hindcast.Bench.Pages;
using Hindcast.Bench.Payloads;
using Hindcast.Bench.Queries;
using Hindcast.Bench.Rebuild;

switch (args)
{
    case ["log-writer", ..]: await LogWriterBench.RunAsync(); return 0;
    case ["ingest", .. var rest]: await new IngestBench(batchSize: 100, connections: 4).RunAsync(CountOf(rest, 1_000_000)); return 0;
    case ["single", .. var rest]: await new IngestBench(batchSize: 1, connections: 32).RunAsync(CountOf(rest, 200_000)); return 0;
    case ["otlp", .. var rest]: await OtlpBench.RunAsync(CountOf(rest, 200_000), rest is [_, "paused"]); return 0;
    case ["redaction", .. var rest]: await RedactionBench.RunAsync(CountOf(rest, 60_000)); return 0;
    case ["lag", .. var rest]: await LagBench.RunAsync(rest is [var postgres] ? postgres : null); return 0;
    case ["rebuild", .. var rest]: await RebuildBench.RunAsync(CountOf(rest, 1_000_000), rest.ElementAtOrDefault(1)); return 0;
    case ["eventstore", .. var rest]: await EventStoreBench.RunAsync(CountOf(rest, 100_000)); return 0;
    case ["fake-eventstore", var port]: await EventStoreBench.ServeFakeAsync(int.Parse(port, CultureInfo.InvariantCulture)); return 0;
    case ["queries", .. var rest]: await QueryBench.RunAsync(rest); return 0;
    case ["stream", .. var rest]: await StreamBench.RunAsync(CountOf(rest, 10_000)); return 0;
    case ["console", .. var rest]: await ConsoleBench.RunAsync(CountOf(rest, 100_000), 10_000); return 0;
    case ["payloads", ..]: PayloadBench.Run(); return 0;
    case ["send", var address, var events]: await new IngestBench(batchSize: 100, connections: 4).SendToAsync(new Uri(address), int.Parse(events, CultureInfo.InvariantCulture)); return 0;
    case ["bare-server", var port, var path]: await BareServer.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), path); return 0;
    case ["gateway", .. var rest]: await GatewayBench.RunAsync(rest.Contains("paused"), rest.Contains("processor")); return 0;
    case ["bare-forwarder", var port, var upstream]: await BareForwarder.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), upstream); return 0;
    case ["instant-provider", var port]: await InstantProvider.RunAsync(int.Parse(port, CultureInfo.InvariantCulture)); return 0;
    default:
        Console.Error.WriteLine("""
            dotnet run -c Release --project bench -- <what>
              log-writer        appends to the log beside bare inserts
              ingest [events]   durable ingestion over HTTP beside raw SQLite, projections paused and running
              single [events]   the same with one event a request, on 32 connections
              otlp [spans] [paused]   spans over OTLP/HTTP in protobuf beside as many events at the event door
              redaction [events]   ingestion with the rules of redaction on beside the same with none, in turns
              rebuild [events] [postgres]
                                a projection built again from the log under load, beside reading, parsing, COPY and the same indexes
              eventstore [n]    the same on EventStoreDB beside a bare pipelined BatchAppend; on a fake server unless ConnectionStrings__EventStoreDb is set
              payloads          checking payloads beside reading their tokens, hostile ones too
              queries [spans] [sqlite|pg|connection string] [folder]   p95 of searches through HTTP beside SQL by hand; a named folder is filled first and measured when it is there
              gateway [paused] [processor]
                                calls through the gateway beside a bare forwarder; paused leaves the read models where they are, processor gives only the µs a call takes
              stream [n]        n WebSocket subscribers of the stream, one in a hundred stalled: how late the others hear
              console [traces]  the console in Chromium: size, first load, from the first event to its trace, frames while scrolling
              lag [postgres]    from 2xx to readable at 5,000 events/s; with a connection string, on PostgreSQL
            """);
        return 2;
}

static int CountOf(string[] rest, int otherwise) => rest is [var count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : otherwise;

using System.Globalization;
using Hindcast.Bench.EventLogs;
using Hindcast.Bench.Gateway;
using Hindcast.Bench.Ingest;
using Hindcast.Bench.Payloads;

switch (args)
{
    case ["log-writer", ..]: await LogWriterBench.RunAsync(); return 0;
    case ["ingest", .. var rest]: await IngestBench.RunAsync(rest is [var n] ? int.Parse(n, CultureInfo.InvariantCulture) : 1_000_000); return 0;
    case ["lag", .. var rest]: await LagBench.RunAsync(rest is [var postgres] ? postgres : null); return 0;
    case ["payloads", ..]: PayloadBench.Run(); return 0;
    case ["send", var address, var events]: await IngestBench.SendToAsync(new Uri(address), int.Parse(events, CultureInfo.InvariantCulture)); return 0;
    case ["bare-server", var port, var path]: await BareServer.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), path); return 0;
    case ["gateway", .. var rest]: await GatewayBench.RunAsync(rest is ["paused"]); return 0;
    case ["bare-forwarder", var port, var upstream]: await BareForwarder.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), upstream); return 0;
    case ["instant-provider", var port]: await InstantProvider.RunAsync(int.Parse(port, CultureInfo.InvariantCulture)); return 0;
    default:
        Console.Error.WriteLine("""
            dotnet run -c Release --project bench -- <what>
              log-writer        appends to the log beside bare inserts
              ingest [events]   durable ingestion over HTTP beside raw SQLite, projections paused and running
              payloads          checking payloads beside reading their tokens, hostile ones too
              gateway [paused]  calls through the gateway beside a bare forwarder; paused leaves the read models where they are
              lag [postgres]    from 2xx to readable at 5,000 events/s; with a connection string, on PostgreSQL
            """);
        return 2;
}

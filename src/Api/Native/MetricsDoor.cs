using System.Globalization;
using System.Text;
using Hindcast.Application;
using Hindcast.Application.Gateway;
using Hindcast.Application.Operations;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>GET /metrics</c> in Prometheus' text form: log, projections, gateway's spool, counters, request durations (s), memory. It needs a key that may
/// read unless it is asked for from this machine, on a loopback address.
/// </summary>
internal static class MetricsDoor
{
    public static async Task<IResult> Get(HttpContext http, MetricsBook book, IMediator app, Spool spool, CancellationToken ct)
    {
        if (!SameSite.IsLocal(http))
        {
            var caller = Access.Whoever(http) ?? throw new Unauthenticated(true);
            if (!caller.May(Scopes.Read, null)) throw new NotAllowed("read");
        }
        var text = new StringBuilder();
        var projections = await app.Send(new ListProjections(), ct);
        Gauge("hindcast_log_head_position", "Position of the newest fact", [("", projections.Select(p => p.Head.Value).DefaultIfEmpty().Max())]);
        Gauge("hindcast_projection_position", "How far a projection has come", projections.Select(p => (Of(p), (double)p.Position.Value)));
        Gauge("hindcast_projection_lag_events", "Facts that cannot be read yet", projections.Select(p => (Of(p), (double)p.LagEvents)));
        Gauge("hindcast_projection_parked", "Facts that could not be applied", projections.Select(p => (Of(p), (double)p.Parked)));
        Gauge("hindcast_projection_stopped", "1 when it stopped", projections.Select(p => (Of(p), p.State == ProjectionState.Stopped ? 1.0 : 0)));
        Gauge("hindcast_gateway_spool_bytes", "Of calls that are not in the log yet", [("", spool.Bytes)]);
        Gauge("process_resident_memory_bytes", "Resident memory", [("", Environment.WorkingSet)]);
        book.Write(text);
        return Results.Text(text.ToString(), "text/plain; version=0.0.4", Encoding.UTF8);

        static string Of(ProjectionStatus projection) => $"{{projection=\"{projection.Name}\"}}";

        void Gauge(string name, string help, IEnumerable<(string Labels, double Value)> values)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
            foreach (var (labels, value) in values) text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
        }
    }
}

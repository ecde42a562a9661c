using Hindcast.Application;
using Hindcast.Application.Operations;
using Hindcast.Application.ReadModels;
using MediatR;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.Native;

/// <summary>How the projections stand, what they could not apply, and the limits in force (<c>native.md</c>, "Operating it").</summary>
internal static class OperationDoors
{
    public static async Task<IResult> Projections(IMediator app, CancellationToken ct)
    {
        var all = await app.Send(new ListProjections(), ct);
        return Results.Json(all.Select(p => new
        {
            p.Name,
            p.Version,
            Position = p.Position.Value,
            Head = p.Head.Value,
            p.LagEvents,
            p.LagMs,
            State = p.State switch
            {
                ProjectionState.Stopped => "stopped",
                _ when p.Rebuild is not null => "rebuilding",
                ProjectionState.Live => "live",
                _ => "catching_up",
            },
            p.Generation,
            p.Parked,
            p.Trouble,
            p.Owner,
            Rebuild = p.Rebuild is { } r ? new { p.Version, r.Generation, r.Position, r.Percent, r.EventsPerSecond, r.SecondsLeft } : null,
            LastRebuild = p.Rebuilt,
        }), Envelope.Json);
    }

    /// <summary>
    /// 202; progress stands in the list of projections. A build that could not apply every fact takes over only with
    /// <c>?accept_parked=true</c>.
    /// </summary>
    public static async Task<IResult> Rebuild(string name, bool? accept_parked, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new RebuildProjection(http.Caller(), name, accept_parked ?? false), ct);
        return Results.Json(new { status = "accepted" }, Envelope.Json, statusCode: StatusCodes.Status202Accepted);
    }

    /// <summary>Facts that could not be applied, oldest first, at most 1,000.</summary>
    public static async Task<IResult> Parked(string name, IMediator app, CancellationToken ct)
    {
        var parked = await app.Send(new ListParked(name, 1_000), ct);
        return Results.Json(parked.Select(p => new
        {
            p.Position,
            p.Stream,
            p.Revision,
            EventId = new Guid(p.EventId, bigEndian: true),
            p.Type,
            p.Reason,
            ParkedAt = Time.At(p.ParkedAt).UtcDateTime,
        }), Envelope.Json);
    }

    public static async Task<IResult> Replay(string name, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new ReplayParked(http.Caller(), name), ct);
        return Results.Json(new { status = "accepted" }, Envelope.Json, statusCode: StatusCodes.Status202Accepted);
    }

    public static IResult Limits(IOptions<HindcastOptions> options) => Results.Json(new
    {
        options.Value.Limits.RequestsPerMinute,
        options.Value.Limits.BytesPerMinute,
        options.Value.Limits.QueriesPerMinute,
        TimeTravelFacts = options.Value.TimeTravel.Facts,
        GatewayCallsAtOnce = options.Value.Gateway.CallsAtOnce,
        GatewayRequestBytes = options.Value.Gateway.MostRequestBytes,
        GatewayAnswerBytes = options.Value.Gateway.MostAnswerBytes,
        GatewayFirstByteSeconds = options.Value.Gateway.FirstByte.TotalSeconds,
        GatewayAnswerSeconds = options.Value.Gateway.Total.TotalSeconds,
        GatewaySpoolBytes = options.Value.Gateway.SpoolBytes,
        EventsPerTrace = Domain.Traces.TraceRules.MostEventsPerTrace,
        TraceIdCharacters = Domain.Traces.TraceRules.LongestTraceId,
        SpanIdCharacters = Domain.Traces.TraceRules.LongestSpanId,
        AttributesPerSpan = Domain.Traces.TraceRules.MostAttributes,
        AttributeKeyCharacters = Domain.Traces.TraceRules.LongestAttributeKey,
        EarliestTime = Domain.Traces.TraceRules.EarliestTime,
        FurthestFutureHours = Domain.Traces.TraceRules.FurthestFuture.TotalHours,
    }, Envelope.Json);
}

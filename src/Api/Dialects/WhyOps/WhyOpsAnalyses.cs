using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// What can be said of a trace without a model (WhyOps contract, 2.4 and 5): order, missing parents, unpaired tools, loops, repeated errors,
/// outliers. It follows from the trace, so nothing is stored: the same trace gives the same findings whenever it is asked, and the id of the one analysis
/// it has is its own.
/// </summary>
internal static class WhyOpsAnalyses
{
    const int MostBodyBytes = 64 * 1024;

    /// <summary><c>{traceId, mode?}</c>: 201; the one <c>mode</c> is <c>static</c>.</summary>
    public static async Task<IResult> Create(HttpContext http, IMediator app, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        var (request, sanitised) = (json.IsArray ? default : json.Elements[0], false);
        if (request.Get("traceId") is not { ValueKind: JsonValueKind.String } id) throw new BadRequest("traceId", "traceId is required");
        if (request.Get("mode") is var mode && mode.Says() && !(mode.ValueKind == JsonValueKind.String && mode.ValueEquals("static")))
            throw new BadRequest("mode", "mode must be static: there is no model here that could judge");
        return WhyOpsAnswers.Full(201, await AnalyseAsync(LenientText.Of(id, ref sanitised), http.Caller(), app, ct));
    }

    public static async Task<IResult> OfTrace(string traceId, HttpContext http, IMediator app, CancellationToken ct) =>
        WhyOpsAnswers.Full(200, await AnalyseAsync(traceId, http.Caller(), app, ct));

    static async Task<object> AnalyseAsync(string traceId, Caller caller, IMediator app, CancellationToken ct)
    {
        if (traceId.Contains('\0')) throw new NotFound("Trace not found");
        var analysis = await app.Send(new AnalyseTrace(caller, traceId), ct);
        return new
        {
            success = true,
            id = traceId,
            traceId,
            mode = "static",
            eventCount = analysis.Trace.Events.Count,
            summary = new
            {
                total = analysis.Findings.Count,
                errors = analysis.Findings.Count(f => f.Severity == Severity.Error),
                warnings = analysis.Findings.Count(f => f.Severity == Severity.Warning),
            },
            findings = analysis.Findings.Select(f => new
            {
                code = f.Code,
                severity = f.Severity.ToString().ToLowerInvariant(),
                message = f.Message,
                stepIds = f.Events.Select(e => e.Event.Step),
                spanIds = f.Events.Select(e => e.Event.SpanId).Distinct(),
                eventIds = f.Events.Select(e => e.Event.EventId),
            }),
        };
    }
}

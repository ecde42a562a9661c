using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Intake;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// OTLP over HTTP, in protobuf and in JSON. 200 when whatever can be kept is durable; items that cannot are counted in
/// <c>partial_success</c>. A body that is no export: 400 with <c>google.rpc.Status</c>; 429 and 503 may be sent again.
/// </summary>
internal static class OtlpDoors
{
    const string Protobuf = "application/x-protobuf";

    public static Task TracesAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Traces, http, mediator, dropped);

    /// <summary>Events of the GenAI conventions become facts of the trace they name; other records are counted and dropped.</summary>
    public static Task LogsAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Logs, http, mediator, dropped);

    /// <summary>Counted and dropped: traces have all that is computed here.</summary>
    public static Task MetricsAsync(HttpContext http, IMediator mediator, OtlpDropped dropped) => ExportAsync(OtlpSignal.Metrics, http, mediator, dropped);

    static async Task ExportAsync(OtlpSignal signal, HttpContext http, IMediator mediator, OtlpDropped dropped)
    {
        var json = IsJson(http);
        using var body = await RequestBody.ReadAsync(http, RequestBody.DefaultLimit, http.RequestAborted);
        var answer = await TakeAsync(signal, http, body.Bytes, json, mediator, dropped);
        await AnswerAsync(http, 200, answer, answer.PartialSuccess is not { } partly ? []
            : new JsonObject { ["partialSuccess"] = new JsonObject { [signal.Rejected] = $"{partly.Rejected}", ["errorMessage"] = partly.ErrorMessage } });
    }

    /// <summary>Reads an export and stores what can be stored; durable when this returns.</summary>
    internal static async Task<ExportAnswer> TakeAsync(OtlpSignal signal, HttpContext http, ReadOnlyMemory<byte> export, bool json, IMediator mediator, OtlpDropped dropped)
    {
        var (caller, intake) = (http.Caller(), new OtlpIntake(http.Caller()));
        foreach (var item in OtlpBatch.Of(signal, export, json)) intake.Take(signal, item);
        http.Counts(IntakeFate.Refused, intake.Refused);
        http.Counts(IntakeFate.Dropped, intake.Dropped);
        if (intake.Events.Count > 0)
        {
            var outcomes = await mediator.Send(new AppendEvents(caller, intake.Events), http.RequestAborted);
            intake.Take(outcomes);
            if (outcomes.Where(o => o.Refused is null).Select(o => o.Position.ToString()).LastOrDefault() is { } position)
                http.Response.Headers["X-Log-Position"] = position;
        }
        if (intake.Dropped > 0)
        {
            dropped.Count(signal, intake.Dropped);
            http.Response.Headers["X-Dropped"] = intake.Dropped.ToString(CultureInfo.InvariantCulture);
        }
        return new() { PartialSuccess = intake.Refused == 0 ? null : new() { Rejected = intake.Refused, ErrorMessage = intake.Faults } };
    }

    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        var status = GrpcStatus.Of(refusal);
        return AnswerAsync(http, refusal.Status, status, new JsonObject { ["code"] = status.Code, ["message"] = status.Message });
    }

    static bool IsJson(HttpContext http) => http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        Protobuf => false,
        "application/json" => true,
        _ => throw new BadRequestBody(415, "unsupported_media_type", $"OTLP comes as {Protobuf} or application/json."),
    };

    /// <summary>In the encoding of the request.</summary>
    static async Task AnswerAsync(HttpContext http, int status, IMessage message, JsonObject json)
    {
        var inJson = http.Request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) == true;
        var bytes = inJson ? Encoding.UTF8.GetBytes(json.ToJsonString()) : message.ToByteArray();
        http.Response.StatusCode = status;
        http.Response.ContentType = inJson ? "application/json" : Protobuf;
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }
}

/// <summary>Records and metrics that were taken and not kept, since the start; a singleton.</summary>
internal sealed class OtlpDropped(IMeterFactory meters)
{
    readonly Counter<long> _dropped = meters.Create("Hindcast.Otlp").CreateCounter<long>("hindcast.otlp.dropped", "{item}", "Log records and metrics that are no part of a trace");

    public void Count(OtlpSignal signal, int items) => _dropped.Add(items, new KeyValuePair<string, object?>("signal", signal.Name));
}

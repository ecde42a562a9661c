using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// OTLP over HTTP, in protobuf and in JSON. 200 when whatever can be kept is durable; spans that cannot are counted in
/// <c>partial_success</c>. A body that is no export: 400 with <c>google.rpc.Status</c>; 429 and 503 may be sent again.
/// </summary>
internal static class OtlpDoors
{
    static readonly OtlpPayload s_reader = new();

    const string Protobuf = "application/x-protobuf";

    public static async Task TracesAsync(HttpContext http, IMediator mediator)
    {
        using var body = await RequestBody.ReadAsync(http, RequestBody.DefaultLimit, http.RequestAborted);
        var (caller, events, faults, refused) = (http.Caller(), new List<NewEvent>(), new List<string>(), 0);
        foreach (var (resource, scope, raw, json) in IsProtobuf(http) ? OtlpBatch.OfProtobuf(body.Bytes) : OtlpBatch.OfJson(body.Bytes))
        {
            try
            {
                events.Add(EventOf(caller, resource, scope, raw, json));
            }
            catch (FormatException fault)
            {
                refused++;
                if (faults.Count < 10) faults.Add(fault.Message);
            }
        }
        var outcomes = events.Count == 0 ? [] : await mediator.Send(new AppendEvents(caller, events), http.RequestAborted);
        foreach (var rule in outcomes.Select(o => o.Refused).OfType<Domain.RuleBroken>())
        {
            refused++;
            if (faults.Count < 10) faults.Add(rule.Message);
        }
        if (outcomes.Where(o => o.Refused is null).Select(o => o.Position.ToString()).LastOrDefault() is { } position)
            http.Response.Headers["X-Log-Position"] = position;
        await AnswerAsync(http, 200,
            new ExportAnswer { PartialSuccess = refused == 0 ? null : new() { Rejected = refused, ErrorMessage = string.Join("; ", faults) } },
            refused == 0 ? [] : new JsonObject { ["partialSuccess"] = new JsonObject { ["rejectedSpans"] = $"{refused}", ["errorMessage"] = string.Join("; ", faults) } });
    }

    public static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        const int InvalidArgument = 3, Internal = 13, Unavailable = 14, Unauthenticated = 16, PermissionDenied = 7, ResourceExhausted = 8;
        var code = refusal.Status switch { 401 => Unauthenticated, 403 => PermissionDenied, 429 => ResourceExhausted, 503 => Unavailable, >= 500 => Internal, _ => InvalidArgument };
        return AnswerAsync(http, refusal.Status, new RpcStatus { Code = code, Message = refusal.Message },
            new JsonObject { ["code"] = code, ["message"] = refusal.Message });
    }

    static NewEvent EventOf(Caller caller, JsonObject resource, string scope, ReadOnlyMemory<byte> raw, JsonElement? json)
    {
        if (raw.Length > IngestedJson.MostBytes) throw new FormatException($"it is larger than {IngestedJson.MostBytes} bytes");
        if (json is not null && PayloadRules.Check(raw.Span) is { } fault) throw new FormatException(fault.Message);
        var span = json is { } element ? OtlpSpan.Of(element) : OtlpSpan.Of(raw.Span);
        var kept = new JsonObject { ["resource"] = resource.DeepClone(), ["scope"] = scope };
        if (json is null) kept["protobuf"] = Convert.ToBase64String(raw.Span);
        var content = Encoding.UTF8.GetBytes(kept.ToJsonString());
        if (json is not null) content = [.. content.AsSpan(0, content.Length - 1), .. ",\"json\":"u8, .. raw.Span, (byte)'}'];

        using var context = JsonDocument.Parse(resource.ToJsonString());
        var running = span.End == 0;
        return new()
        {
            Type = running ? "span_started" : "span_ended",
            TraceId = span.TraceId,
            SpanId = span.SpanId,
            ParentSpanId = span.ParentSpanId,
            EventId = EventIds.Of(
                Encoding.UTF8.GetBytes(caller.Project), Encoding.UTF8.GetBytes(span.TraceId), Encoding.UTF8.GetBytes(span.SpanId), SHA256.HashData(raw.Span)),
            At = (running ? span.Start : span.End) is > 0 and var nanos ? OtlpPayload.TimeOf(nanos) : null,
            Reading = OtlpPayload.Read(span, context.RootElement, texts: false),
            Reader = s_reader,
            Content = new(content, default),
        };
    }

    static bool IsProtobuf(HttpContext http) => http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        Protobuf => true,
        "application/json" => false,
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

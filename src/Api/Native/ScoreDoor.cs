using System.Buffers;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Intake;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>POST /api/v1/traces/{trace_id}/scores</c>: feedback on a trace or one of its spans, <c>{name, value, comment?, span_id?, source?}</c>. It is a fact like
/// any other, so it may come before the trace does; <c>event_id</c>, <c>at</c> and <c>user_id</c> mean what they mean at <c>/api/v1/events</c>.
/// </summary>
internal static class ScoreDoor
{
    public static async Task PostAsync(string traceId, HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        using var body = await RequestBody.ReadAsync(http, EventDoor.MostBytes, ct);
        using var score = EventBatch.Of(http.Request, body.Bytes);
        if (!score.IsSingle || score.Elements is not [{ Element: { ValueKind: JsonValueKind.Object } given, Raw: var sent, Fault: null }]) throw new MalformedBody("A score is one JSON object.");

        var (faults, tally) = (new List<Fault>(), new EventTally(isSingle: true));
        if (PayloadRules.Check(sent.Span) is { } fault) faults.Add(fault);
        else
        {
            var raw = Whole(traceId, given);
            using var whole = JsonDocument.Parse(raw, new JsonDocumentOptions { MaxDepth = 1024 });
            if (EventElement.Read(whole.RootElement, raw, null, faults) is { } element)
                tally.Add(0, element, (await app.Send(new AppendEvents(http.Caller(), [element.Event]), ct))[0]);
        }
        if (faults.Count > 0)
        {
            tally.Refuse(0, faults);
            http.Counts(IntakeFate.Refused, 1);
        }

        var answer = tally.Answer(clock.GetUtcNow());
        if (answer.Position is { } position) http.Response.Headers["X-Log-Position"] = position.ToString(System.Globalization.CultureInfo.InvariantCulture);
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = "application/json; charset=utf-8";
        await http.Response.Body.WriteAsync(answer.Body, ct);
    }

    /// <summary>The score as an event of our own door: what the path says wins.</summary>
    static ReadOnlyMemory<byte> Whole(string traceId, JsonElement given)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, TraceDoors.Deep);
        json.WriteStartObject();
        json.WriteString("type", "score");
        json.WriteString("trace_id", traceId);
        foreach (var member in given.EnumerateObject())
        {
            if (member.Name is "type" or "trace_id") continue;
            // As it was sent: half a surrogate pair could not be written anew.
            json.WritePropertyName(member.Name);
            json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true);
        }
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }
}

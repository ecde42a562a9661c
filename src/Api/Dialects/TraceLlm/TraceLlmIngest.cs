using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Intake;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>
/// <c>POST /traces</c> (contract 2.7, ours: the original writes into its database from the application's own process). One object or up to
/// 100; 201 with what is stored. The key gives the project, and the environment where the payload has none. The same <c>trace_id</c> again
/// replaces what stands there.
/// </summary>
/// <remarks>Any bad element: 422 names each, and <c>stored</c> the indexes that are durable all the same (ruling 10).</remarks>
internal static class TraceLlmIngest
{
    const int MostTraces = 100;
    const int MostSteps = 1_000;

    static readonly TraceLlmPayload Reader = new();

    public static async Task<IResult> PostAsync(HttpContext http, IMediator app, TimeProvider clock)
    {
        using var body = await RequestBody.ReadAsync(http, RequestBody.DefaultLimit, http.RequestAborted);
        using var batch = JsonBatch.Parse(body.Bytes);
        if (batch.Count > MostTraces)
        {
            http.Counts(IntakeFate.RefusedRequest, 1);
            return TraceLlmAnswers.Invalid([new("too_long", ["body"], $"List should have at most {MostTraces} items after validation, not {batch.Count}", null)]);
        }

        var caller = http.Caller();
        var now = Streams.Micros(clock.GetUtcNow());
        var faults = new List<TraceLlmFault>();
        var (events, saved) = (new List<NewEvent>(), new List<(int Index, TraceLlmTrace Trace, int Events)>());
        for (var i = 0; i < batch.Elements.Count; i++)
        {
            IReadOnlyList<object> at = batch.IsArray ? ["body", i] : ["body"];
            // Of two saves of one trace the later one stands: each has a moment of its own, also within a batch.
            var moment = now.AddTicks(i * TimeSpan.TicksPerMicrosecond);
            if (!IsSound(batch.Elements[i], batch.RawOf(i), at, faults)) continue;
            if (TraceLlmSave.Read(batch.Elements[i], moment, at, faults) is not { } trace) continue;
            trace = trace with
            {
                TraceId = trace.TraceId.Length > 0 ? trace.TraceId : Guid.NewGuid().ToString(),
                ProjectId = caller.Project,
                Environment = trace.Environment.Length > 0 ? trace.Environment : caller.Environment,
            };
            var facts = FactsOf(trace, batch.Elements[i], moment);
            events.AddRange(facts);
            saved.Add((i, trace, facts.Count));
        }

        http.Counts(IntakeFate.Refused, batch.Elements.Count - saved.Count);
        var stored = new List<(int Index, TraceLlmTrace Trace)>();
        if (events.Count > 0)
        {
            var outcomes = await app.Send(new AppendEvents(caller, events), http.RequestAborted);
            http.Response.Wrote(outcomes);
            var next = 0;
            foreach (var (index, trace, count) in saved)
            {
                if (outcomes.Skip(next).Take(count).FirstOrDefault(o => o.Refused is not null) is { } no)
                    faults.Add(new("value_error", batch.IsArray ? ["body", index] : ["body"], no.Refused!.Message, null));
                else stored.Add((index, trace));
                next += count;
            }
        }
        if (faults.Count > 0) return TraceLlmAnswers.Invalid(faults, [.. stored.Select(s => s.Index)]);
        return TraceLlmAnswers.Created(batch.IsArray ? stored.Select(s => s.Trace) : stored[0].Trace);
    }

    static bool IsSound(JsonElement element, ReadOnlyMemory<byte> raw, IReadOnlyList<object> at, List<TraceLlmFault> faults)
    {
        // Bytes first: an element that is too deep is not looked into.
        if (raw.Length > IngestedJson.MostBytes) faults.Add(new("bytes_too_long", at, $"Data should have at most {IngestedJson.MostBytes} bytes", null));
        else if (PayloadRules.Check(raw.Span) is { } fault) faults.Add(new("value_error", fault.Field.Length > 0 ? [.. at, fault.Field] : at, fault.Message, null));
        else if (element.ValueKind != JsonValueKind.Object)
            faults.Add(new("model_attributes_type", at, "Input should be a valid dictionary or object to extract fields from", null));
        else if (element.Member("steps") is { ValueKind: JsonValueKind.Array } steps && steps.GetArrayLength() > MostSteps)
            faults.Add(new("too_long", [.. at, "steps"], $"List should have at most {MostSteps} items after validation, not {steps.GetArrayLength()}", null));
        else return true;
        return false;
    }

    /// <summary>The trace's own fact, and one for each step under it.</summary>
    static List<NewEvent> FactsOf(TraceLlmTrace trace, JsonElement received, DateTimeOffset moment)
    {
        var save = Guid.CreateVersion7(moment);
        var facts = new List<NewEvent>(1 + trace.Steps.Count) { New("llm_response", TraceLlmPayload.TraceSpan, null, null, save, ContentOf(received, save, null)) };
        if (received.Member("steps") is not { ValueKind: JsonValueKind.Array } steps) return facts;
        foreach (var (i, step) in steps.EnumerateArray().Index())
            facts.Add(New("tool_call_response", TraceLlmPayload.StepSpan(i + 1), TraceLlmPayload.TraceSpan, i + 1, Guid.CreateVersion7(moment), ContentOf(step, save, i + 1)));
        return facts;

        NewEvent New(string type, string span, string? parent, int? step, Guid id, byte[] content)
        {
            using var payload = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 128 });
            return new()
            {
                Type = type,
                TraceId = trace.TraceId,
                EventId = id,
                At = moment,
                SpanId = span,
                ParentSpanId = parent,
                Step = step,
                Reading = Reader.Read(type, payload.RootElement, texts: false) with { Environment = trace.Environment },
                Reader = Reader,
                Content = new(content, default),
            };
        }

        byte[] ContentOf(JsonElement payload, Guid save, int? step)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
            {
                json.WriteStartObject();
                json.WriteString("saved_at", TraceLlmTrace.TimeOf(moment));
                json.WriteString("save", save);
                if (step is { } number) json.WriteNumber("step", number);
                json.WritePropertyName("received");
                if (payload.ValueKind == JsonValueKind.Object && payload.TryGetProperty("api_key", out _)) WriteMasked(json, payload);
                else json.WriteRawValue(JsonMarshal.GetRawUtf8Value(payload), skipInputValidation: true);
                json.WriteEndObject();
            }
            return buffer.WrittenSpan.ToArray();
        }
    }

    /// <summary>A key is a secret, and the log keeps none.</summary>
    static void WriteMasked(Utf8JsonWriter json, JsonElement payload)
    {
        json.WriteStartObject();
        foreach (var member in payload.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            if (member.Name == "api_key" && member.Value.ValueKind == JsonValueKind.String && LenientText.IsClean(member.Value))
                json.WriteStringValue(TraceLlmSave.Masked(member.Value.GetString()));
            else if (member.Name == "api_key") json.WriteNullValue();
            else json.WriteRawValue(JsonMarshal.GetRawUtf8Value(member.Value), skipInputValidation: true);
        }
        json.WriteEndObject();
    }
}

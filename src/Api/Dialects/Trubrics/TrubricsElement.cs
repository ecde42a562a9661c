using System.Globalization;
using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Trubrics;

/// <summary>
/// From an element of a batch to our events. Ids follow from the bytes of the element and its place in the batch, so that a batch that is
/// sent again is one effect and two equal elements of a batch are two facts: both SDKs send a batch again when the answer got lost, and
/// neither gives ids.
/// </summary>
internal sealed class TrubricsElement(string project, DateTimeOffset now, Subjects subjects)
{
    static readonly TimeSpan UntoldLatency = TimeSpan.FromSeconds(1);
    static readonly TrubricsPayload Reader = new();

    /// <summary>One product event; nothing when there were faults.</summary>
    public IReadOnlyList<NewEvent> Product(JsonElement element, ReadOnlyMemory<byte> raw, int index, List<TrubricsFault> faults)
    {
        if (!IsSound(element, raw, index, faults)) return [];
        var (before, fields) = (faults.Count, new TrubricsFields(element, index, faults));
        var user = fields.Id("user_id", TraceRules.LongestUser, required: true);
        fields.Text("event", TraceRules.LongestName, required: true);
        var at = fields.Timestamp(required: true);
        fields.Properties();
        if (faults.Count > before) return [];

        var traceId = TrubricsPayload.ThreadOfProperties(element)
            ?? $"events-{subjects.Of(project, user!)[..16]}-{at!.Value.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}";
        return [New("product_event", element, raw, traceId, at!.Value, IdOf("publish_events", raw, index))];
    }

    /// <summary>A prompt and the generation that answered it; nothing when there were faults.</summary>
    public IReadOnlyList<NewEvent> Llm(JsonElement element, ReadOnlyMemory<byte> raw, int index, List<TrubricsFault> faults)
    {
        if (!IsSound(element, raw, index, faults)) return [];
        var (before, fields) = (faults.Count, new TrubricsFields(element, index, faults));
        fields.Id("user_id", TraceRules.LongestUser, required: true);
        fields.Text("prompt", required: true);
        fields.Text("generation", required: true);
        fields.Id("assistant_id", TraceRules.LongestName);
        fields.Id("thread_id", TraceRules.LongestTraceId);
        fields.Text("prompt_event_name", TraceRules.LongestName);
        fields.Text("generation_event_name", TraceRules.LongestName);
        fields.Latency();
        fields.Properties();
        var at = fields.Timestamp(required: false) ?? now;
        if (faults.Count > before) return [];

        var took = TrubricsPayload.LatencyOf(element) is { } latency && latency > TimeSpan.Zero ? latency : UntoldLatency;
        // A time so early that nothing can lie before it; the append moves it to where times are believed.
        var asked = at - DateTimeOffset.MinValue > took ? at - took : at;
        var (prompt, generation) = (IdOf("publish_llm_events", raw, index, "prompt"), IdOf("publish_llm_events", raw, index, "generation"));
        var traceId = TrubricsPayload.ThreadOf(element) ?? $"trubrics-{prompt:D}";
        return [New("user_message", element, raw, traceId, asked, prompt), New("llm_response", element, raw, traceId, at, generation)];
    }

    static bool IsSound(JsonElement element, ReadOnlyMemory<byte> raw, int index, List<TrubricsFault> faults)
    {
        var fields = new TrubricsFields(element, index, faults);
        // Bytes first: an element that is too deep is not looked into.
        if (raw.Length > IngestedJson.MostBytes) fields.Add("bytes_too_long", $"Data should have at most {IngestedJson.MostBytes} bytes");
        else if (PayloadRules.Check(raw.Span) is { } fault) fields.Add("value_error", fault.Message, fault.Field.Length > 0 ? [fault.Field] : []);
        else if (element.ValueKind != JsonValueKind.Object) fields.Add(
            "model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
        else return true;
        return false;
    }

    Guid IdOf(string door, ReadOnlyMemory<byte> raw, int index, string half = "") => EventIds.Of(
        Encoding.UTF8.GetBytes(project), Encoding.UTF8.GetBytes(door), raw.ToArray(), BitConverter.GetBytes(index), Encoding.UTF8.GetBytes(half));

    static NewEvent New(string type, JsonElement element, ReadOnlyMemory<byte> raw, string traceId, DateTimeOffset at, Guid id) => new()
    {
        Type = type,
        TraceId = traceId,
        EventId = id,
        At = at,
        Reading = Reader.Read(type, element, texts: false),
        Reader = Reader,
        Content = new(raw, default),
    };
}

using System.Buffers;
using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Gateway;

/// <summary>
/// From calls and attempts to facts (WhyOps contract, 3.4): before the call what the model is told, after each attempt what it said, thought,
/// called and used, and how it failed. All texts are as they came; what could not be known is estimated where a started call must have used
/// something, and says so.
/// </summary>
public sealed class Recording(IEnumerable<IWire> wires, GatewayPayload reader)
{
    const int BytesPerToken = 4;
    const int MostErrorBytes = 64 * 1024;
    /// <summary>A buffer that one large call made larger is not kept for the small ones.</summary>
    const int LargestKept = 256 * 1024;
    static readonly JsonDocumentOptions s_deep = new() { MaxDepth = 1024 };
    static readonly JsonWriterOptions s_asItIs = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1024 };

    [ThreadStatic] static ArrayBufferWriter<byte>? t_bytes;

    readonly Dictionary<Protocol, IWire> _wires = wires.ToDictionary(w => w.Protocol);

    public IWire WireOf(Protocol protocol) => _wires[protocol];

    /// <summary>What goes to the model; a point in the trace beside the call, or the start of an embedding.</summary>
    public NewEvent Opening(GatewayCall call, Route route, DateTimeOffset at)
    {
        using var request = JsonDocument.Parse(call.Form.Body, s_deep);
        var embeds = call.Protocol == Protocol.Embeddings;
        var type = embeds ? "embedding_request" : _wires[call.Protocol].EndsWithToolResult(request.RootElement) ? "tool_result" : "user_message";
        var payload = Write(call, route, json =>
        {
            json.WriteBoolean("stream", call.Form.Stream);
            json.WritePropertyName("request");
            json.WriteRawValue(call.Form.Body.Span, skipInputValidation: true);
        });
        return EventOf(call, route, type, payload, Guid.CreateVersion7(at), at, embeds ? call.SpanId : null);
    }

    /// <summary>What the provider answered, read out of its bytes.</summary>
    public Answer AnswerTo(Attempt attempt)
    {
        var reader = _wires[attempt.Spoken].Read();
        if (attempt.IsStream)
        {
            new SseReader().Take(attempt.Received.Span, e =>
            {
                if (reader.TakeText(e.Data.Span) || TryParse(e.Data) is not { } json) return;
                using (json) reader.TakeEvent(e.Name, json.RootElement);
            });
        }
        else if (TryParse(attempt.Received) is { } json)
        {
            using (json) reader.TakeBody(json.RootElement);
        }
        return reader.Answer;
    }

    /// <summary>What an attempt used: as reported, else estimated, else null where the provider refused to begin.</summary>
    public static (Usage? Usage, bool Estimated) UsageOf(Attempt attempt, Answer answer)
    {
        if (attempt.CacheHit) return (new() { Input = 0, Output = 0 }, false);
        var refused = attempt.Status >= 400 || (answer.Error is not null && answer.Characters == 0) || (attempt.Status is null && attempt.Ending == Ending.ProviderCut);
        if (refused) return (answer.Usage, false);
        var whole = attempt.Ending == Ending.Answered && answer.Finished;
        if (whole && answer.Usage is { Output: not null } or { Input: not null } && attempt.Spoken == Protocol.Embeddings) return (answer.Usage, false);
        if (whole && answer.Usage is { Input: not null, Output: not null }) return (answer.Usage, false);

        // A stream that broke off told its input perhaps, and its output never to the end.
        var told = answer.Usage ?? new();
        var output = attempt.Spoken == Protocol.Embeddings ? told.Output : Math.Max(told.Output ?? 0, (answer.Characters + BytesPerToken - 1) / BytesPerToken);
        return (told with { Input = told.Input ?? Tokens(attempt.Call.Form.Body.Length), Output = output }, true);
    }

    /// <summary>Tokens in so many bytes of a request, roughly: what stands for a count that nobody took.</summary>
    public static long Tokens(long bytes) => (bytes + BytesPerToken - 1) / BytesPerToken;

    /// <summary>An attempt's facts: its thoughts, how it ended, and its error.</summary>
    public IEnumerable<NewEvent> Closing(Attempt attempt, Answer answer, Usage? usage, bool estimated)
    {
        var (call, at) = (attempt.Call, attempt.StartedAt + attempt.Latency);
        var n = 0;
        foreach (var thought in answer.Thinking)
        {
            var payload = Write(call, attempt.Route, json =>
            {
                json.WriteStartObject("content");
                json.WriteString("type", thought.Redacted ? "redacted_thinking" : "thinking");
                json.WriteString("thinking", thought.Text.ToString());
                if (thought.Signature is { } signature) json.WriteString("signature", signature);
                json.WriteEndObject();
            });
            yield return EventOf(call, attempt.Route, "llm_thinking", payload, IdOf(attempt, $"thinking {n++}"), at, null, parent: attempt.SpanId);
        }

        var error = ErrorOf(attempt, answer);
        var ended = Write(call, attempt.Route, json => WriteEnd(json, attempt, answer, usage, estimated, error));
        yield return EventOf(
            call, attempt.Route, call.Protocol == Protocol.Embeddings ? "embedding_response" : "llm_response", ended, attempt.EventId, at, attempt.SpanId, usage: usage);
        if (error is null) yield break;

        var failed = Write(call, attempt.Route, json =>
        {
            json.WriteString("error", error);
            json.WriteStartObject("content");
            json.WriteString("message", error);
            if (attempt.Status is { } status) json.WriteNumber("status", status);
            if (!attempt.IsStream && attempt.Received.Length > 0) json.WriteString("body", Shown(attempt.Received.Span));
            json.WriteEndObject();
        });
        yield return EventOf(call, attempt.Route, "error", failed, IdOf(attempt, "error"), at, attempt.SpanId);
    }

    static void WriteEnd(Utf8JsonWriter json, Attempt attempt, Answer answer, Usage? usage, bool estimated, string? error)
    {
        json.WriteNumber("latency_ms", Math.Round(attempt.Latency.TotalMilliseconds, 3));
        if (attempt.TimeToFirstToken is { } first) json.WriteNumber("ttft_ms", Math.Round(first.TotalMilliseconds, 3));
        if (error is not null) json.WriteString("error", error);
        if (usage is not null) WriteUsage(json, usage);

        json.WriteStartObject("content");
        if (answer.Text.Length > 0) json.WriteString("content", answer.Text.ToString());
        if (answer.ToolCalls.Count > 0)
        {
            json.WriteStartArray("toolCalls");
            foreach (var call in answer.ToolCalls)
            {
                json.WriteStartObject();
                if (call.Id is { } id) json.WriteString("id", id);
                json.WriteStartObject("function");
                json.WriteString("name", call.Name);
                json.WriteString("arguments", call.Arguments.ToString());
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        if (answer.FinishReason is { } reason) json.WriteString("finishReason", reason);
        if (answer.Refusal.Length > 0) json.WriteString("refusal", answer.Refusal.ToString());
        if (answer.Choices is { } choices)
        {
            json.WritePropertyName("choices");
            json.WriteRawValue(choices, skipInputValidation: true);
        }
        if (answer.Embeddings is { } count)
        {
            json.WriteString("object", "list");
            json.WriteNumber("embeddingCount", count);
            if (answer.Dimensions is { } dimensions) json.WriteNumber("firstEmbeddingDimensions", dimensions);
        }
        json.WriteEndObject();

        json.WriteStartObject("attributes");
        if (answer.Id is { } responseId) json.WriteString(ModelRequest.ResponseId, responseId);
        if (answer.Model is { } named && named != attempt.Route.Model) json.WriteString("gen_ai.response.model", named);
        if (answer.FinishReason is { } finish) json.WriteString("finishReason", finish);
        if (attempt.Status is { } status) json.WriteNumber("http_status", status);
        if (attempt.Superseded) json.WriteBoolean(ModelRequest.Superseded, true);
        if (attempt.CacheHit) json.WriteBoolean(ModelRequest.CacheHit, true);
        if (attempt.Number > 1) json.WriteNumber("attempt", attempt.Number);
        if (attempt.IsStream) json.WriteNumber("chunks", attempt.Chunks);
        if (usage is not null) json.WriteString("usage_source", attempt.CacheHit ? "cache" : estimated ? "estimated" : "reported");
        if (attempt.Ending != Ending.Answered) json.WriteString("ending", attempt.Ending switch
        {
            Ending.CallerGone => "caller_gone",
            Ending.ProviderCut => "provider_cut",
            Ending.TimedOut => "timed_out",
            Ending.TooLarge => "too_large",
            _ => "gateway_fault",
        });
        if (answer.ReportedUsage is { } reported)
        {
            json.WritePropertyName("reported_usage");
            json.WriteRawValue(reported, skipInputValidation: true);
        }
        json.WriteEndObject();
    }

    static void WriteUsage(Utf8JsonWriter json, Usage usage)
    {
        json.WriteStartObject("usage");
        Count("input", usage.Input);
        Count("cache_read", usage.CacheRead);
        Count("cache_write_5m", usage.CacheWrite5m);
        Count("cache_write_1h", usage.CacheWrite1h);
        Count("output", usage.Output);
        Count("reasoning", usage.Reasoning);
        Count("total", usage.Unsplit);
        json.WriteEndObject();

        void Count(string name, long? tokens)
        {
            if (tokens is { } known) json.WriteNumber(name, known);
        }
    }

    /// <summary>Why it failed, in a sentence; null when it did not. A caller that goes away is no failure of the model.</summary>
    static string? ErrorOf(Attempt attempt, Answer answer)
    {
        if (attempt.Failure is { } failure && attempt.Ending != Ending.CallerGone) return failure;
        if (answer.Error is { } told) return told;
        return attempt.Status >= 400 ? $"The provider answered {attempt.Status}." : null;
    }

    static string Shown(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, MostErrorBytes)]);

    static byte[] Write(GatewayCall call, Route route, Action<Utf8JsonWriter> rest)
    {
        var bytes = t_bytes ??= new(LargestKept);
        bytes.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(bytes, s_asItIs))
        {
            json.WriteStartObject();
            json.WriteString("protocol"u8, call.Protocol.Name());
            json.WriteString("provider"u8, route.Provider.Kind.Name());
            json.WriteString("provider_slug"u8, route.Provider.Slug);
            json.WriteString("model"u8, route.Model);
            if (call.UserId is { } user) json.WriteString("user_id"u8, user);
            if (call.SessionId is { } session) json.WriteString("session_id"u8, session);
            if (call.Agent is { } agent) json.WriteString("agent"u8, agent);
            rest(json);
            json.WriteEndObject();
        }
        var written = bytes.WrittenSpan.ToArray();
        if (bytes.Capacity > LargestKept) t_bytes = null;
        return written;
    }

    /// <summary>What stands in the header is known here; reading the payload back for it would cost as much as writing it.</summary>
    NewEvent EventOf(GatewayCall call, Route route, string type, byte[] payload, Guid id, DateTimeOffset at, string? span, string? parent = null, Usage? usage = null) => new()
    {
        Type = type,
        TraceId = call.TraceId,
        EventId = id,
        At = at,
        SpanId = span,
        ParentSpanId = parent ?? call.ParentSpanId,
        AssignStep = true,
        Reader = reader,
        Reading = new() { Kind = GatewayPayload.KindOf(type), Provider = route.Provider.Kind.Name(), Model = route.Model, Usage = usage, UserId = call.UserId },
        Content = new(payload, default),
    };

    static Guid IdOf(Attempt attempt, string what) => EventIds.Of(attempt.EventId.ToByteArray(), Encoding.UTF8.GetBytes(what));

    static JsonDocument? TryParse(ReadOnlyMemory<byte> bytes)
    {
        // "[DONE]" ends most streams: an exception for it would cost more than reading the rest.
        if (bytes.Span.TrimStart(" \t\r\n"u8) is not [(byte)'{', ..]) return null;
        try
        {
            return JsonDocument.Parse(bytes, s_deep);
        }
        catch (JsonException)
        {
            // Half an answer: nothing to read, and the status tells the rest.
            return null;
        }
    }
}

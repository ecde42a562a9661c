using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Traces;

/// <summary>From a stored fact to what happened: opens its content, lets its dialect read it, and names it.</summary>
public sealed class FactReader(IEnumerable<IPayloadReader> readers, ISeal? seal = null)
{
    readonly ISeal _seal = seal ?? new Unsealed();
    static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1024 };

    readonly Dictionary<string, IPayloadReader> _readers = readers.ToDictionary(r => r.Dialect, StringComparer.Ordinal);

    /// <summary>The types of fact a trace is made of.</summary>
    public static IReadOnlyList<string> Types { get; } =
        [.. typeof(SpanEvent).Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(SpanEvent)) && !t.IsAbstract)
            .Select(t => ((EventNameAttribute)Attribute.GetCustomAttribute(t, typeof(EventNameAttribute))!).Name)
            .Order(StringComparer.Ordinal)];

    /// <exception cref="UnreadableFact">Nobody here knows this type or dialect.</exception>
    public SpanEvent Read(Fact fact)
    {
        if (!_readers.TryGetValue(fact.Header.Source.Dialect, out var reader)) throw new UnreadableFact($"unknown dialect '{fact.Header.Source.Dialect}'");
        if (_seal.Open(fact.Header, fact.Content) is not { } opened) return Compose(fact.Header, new Reading());

        var content = Content.Split(opened, fact.Header.PayloadBytes);
        using var payload = Parse(content.Payload);
        return Compose(fact.Header, WithMarks(WithContext(reader.Read(fact.Header.Type, payload.RootElement, texts: true), content.Context), fact.Header.Marks));
    }

    /// <summary>For views, which show what can be read; null is parked in the read models.</summary>
    public TraceEvent? ReadOrNull(Fact fact)
    {
        try
        {
            return new(fact, Read(fact), PayloadOf(fact));
        }
        catch (UnreadableFact)
        {
            return null;
        }
    }

    static JsonDocument Parse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            return JsonDocument.Parse(payload, Deep);
        }
        catch (JsonException)
        {
            throw new UnreadableFact("its payload is no JSON");
        }
    }

    /// <summary>The payload of a fact as it was received, for those who ask for the raw form; null when it is erased.</summary>
    public ReadOnlyMemory<byte>? PayloadOf(Fact fact) =>
        _seal.Open(fact.Header, fact.Content) is { } opened ? Content.Split(opened, fact.Header.PayloadBytes).Payload : null;

    /// <summary>Lets a pass look through the payload of a fact, as it would have on its way in; an erased one holds nothing.</summary>
    public void Redact(Fact fact, Redaction.RedactionPass pass)
    {
        if (_readers.TryGetValue(fact.Header.Source.Dialect, out var reader) && PayloadOf(fact) is { } payload) reader.Redact(payload, pass);
    }

    static Reading WithContext(Reading reading, ReadOnlyMemory<byte> context)
    {
        if (context.IsEmpty) return reading;
        using var json = JsonDocument.Parse(context);
        return reading with { UserId = reading.UserId ?? (json.RootElement.TryGetProperty("user_id", out var user) ? user.GetString() : null) };
    }

    /// <summary>What redaction found is shown with the span, as <c>redaction.email: "replaced"</c> or <c>"flagged"</c>.</summary>
    static Reading WithMarks(Reading reading, IReadOnlyList<Mark>? marks)
    {
        if (marks is null) return reading;
        var attributes = new Dictionary<string, string>(reading.Attributes ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (var mark in marks) attributes[$"redaction.{mark.Rule}"] = mark.Replaced ? "\"replaced\"" : "\"flagged\"";
        return reading with { Attributes = attributes };
    }

    static SpanEvent Compose(Header h, Reading r)
    {
        var traceId = h.TraceId ?? throw new UnreadableFact("no trace");
        var (id, at) = (h.EventId, h.At);
        SpanEvent e = h.Type switch
        {
            "span_started" => new SpanStarted { EventId = id, TraceId = traceId, At = at, Input = r.Input },
            "llm_request" => new LlmRequest { EventId = id, TraceId = traceId, At = at, Input = r.Input },
            "embedding_request" => new EmbeddingRequest { EventId = id, TraceId = traceId, At = at, Input = r.Input },
            "tool_call_request" => new ToolCallRequest { EventId = id, TraceId = traceId, At = at, Input = r.Input },
            "span_ended" => Close(new SpanEnded { EventId = id, TraceId = traceId, At = at }, r),
            "llm_response" => Close(new LlmResponse { EventId = id, TraceId = traceId, At = at }, r),
            "embedding_response" => Close(new EmbeddingResponse { EventId = id, TraceId = traceId, At = at }, r),
            "tool_call_response" => Close(new ToolCallResponse { EventId = id, TraceId = traceId, At = at }, r),
            "user_message" => new UserMessage { EventId = id, TraceId = traceId, At = at, Input = r.Input },
            "llm_thinking" => new LlmThinking { EventId = id, TraceId = traceId, At = at, Thinking = r.Output },
            "tool_result" => new ToolResult { EventId = id, TraceId = traceId, At = at, Output = r.Output },
            "error" => new ErrorRaised { EventId = id, TraceId = traceId, At = at, Message = r.Error ?? "error", Detail = r.ErrorDetail },
            "span_noted" => new SpanNoted { EventId = id, TraceId = traceId, At = at, Input = r.Input, Output = r.Output },
            "product_event" => new ProductEvent { EventId = id, TraceId = traceId, At = at, Properties = r.Input },
            "score" => new ScoreGiven
            {
                EventId = id, TraceId = traceId, At = at, Value = r.Output ?? "null", Comment = r.Comment, Source = r.ScoreSource,
            },
            _ => throw new UnreadableFact($"unknown type '{h.Type}'"),
        };
        return e with
        {
            SpanId = h.SpanId,
            ParentSpanId = h.ParentSpanId,
            Step = h.Step,
            ParentStep = h.ParentStepGiven ? h.ParentStep : null,
            Name = r.Name,
            Kind = r.Kind ?? h.Kind,
            Provider = r.Provider ?? h.Provider,
            Model = r.Model ?? h.Model,
            Usage = r.Usage ?? h.Usage,
            Environment = h.Environment,
            UserId = r.UserId,
            SessionId = r.SessionId,
            Agent = r.Agent ?? h.Running.Agent,
            Latency = r.Latency,
            TimeToFirstToken = r.TimeToFirstToken,
            Attributes = r.Attributes ?? e.Attributes,
            Sanitised = r.Sanitised,
        };
    }

    static Closing Close(Closing e, Reading r) => e with { StartedAt = r.StartedAt, Input = r.Input, Output = r.Output, Status = r.Status ?? SpanStatus.Success, Error = r.Error };
}

/// <summary>A fact this release cannot read. Projections park it; a later release may read it.</summary>
public sealed class UnreadableFact(string why) : Exception($"The fact cannot be read: {why}.");

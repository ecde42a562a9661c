namespace Hindcast.Domain.Traces;

/// <summary>The fields of a span that facts speak of. The order is part of the read models' shape.</summary>
public enum SpanField
{
    Name,
    Kind,
    ParentSpanId,
    Step,
    ParentStep,
    StartedAt,
    EndedAt,
    TimeToFirstToken,
    Status,
    Error,
    ErrorDetail,
    Provider,
    Model,
    Usage,
    UserId,
    SessionId,
    Environment,
    Agent,
    Input,
    Output,
    Sanitised,
}

/// <summary>The part a fact plays in its span; it decides who is believed when two facts speak of one field.</summary>
public enum FactRole : byte
{
    Moment,
    Opening,
    Closing,
    Error,
}

/// <summary>What a fact says of its span: the one table from kinds of fact to fields.</summary>
public static class SpanFacts
{
    public static FactRole RoleOf(SpanEvent e) => e switch
    {
        Opening => FactRole.Opening,
        Closing => FactRole.Closing,
        ErrorRaised => FactRole.Error,
        _ => FactRole.Moment,
    };

    /// <summary>
    /// Ended beats started, and either beats a moment that only shares the span. An error settles how the span went, and nothing else.
    /// </summary>
    public static int Weight(FactRole role, SpanField field) => role switch
    {
        FactRole.Error => field is SpanField.Status or SpanField.Error or SpanField.ErrorDetail ? 3 : 0,
        _ => (int)role,
    };

    /// <summary>Every field that <paramref name="e"/> speaks of; null says nothing.</summary>
    public static IEnumerable<(SpanField Field, object? Value)> Of(SpanEvent e)
    {
        yield return (SpanField.Name, e.Name);
        yield return (SpanField.Kind, e.Kind ?? DefaultKind(e));
        yield return (SpanField.ParentSpanId, e.ParentSpanId);
        yield return (SpanField.Step, e.Step);
        yield return (SpanField.ParentStep, e.ParentStep);
        yield return (SpanField.TimeToFirstToken, e.TimeToFirstToken);
        yield return (SpanField.Provider, e.Provider);
        yield return (SpanField.Model, e.Model);
        yield return (SpanField.Usage, e.Usage);
        yield return (SpanField.UserId, e.UserId);
        yield return (SpanField.SessionId, e.SessionId);
        yield return (SpanField.Environment, e.Environment);
        yield return (SpanField.Agent, e.Agent);
        yield return (SpanField.Sanitised, e.Sanitised ? true : null);

        switch (e)
        {
            case Opening opening:
                yield return (SpanField.StartedAt, e.At);
                yield return (SpanField.Status, SpanStatus.Running);
                yield return (SpanField.Input, opening.Input);
                break;
            case Closing closing:
                yield return (SpanField.StartedAt, e.Latency is { } took ? e.At - took : null);
                yield return (SpanField.EndedAt, e.At);
                yield return (SpanField.Status, closing.Status);
                yield return (SpanField.Error, closing.Error);
                yield return (SpanField.Input, closing.Input);
                yield return (SpanField.Output, closing.Output);
                break;
            case Moment:
                yield return (SpanField.StartedAt, e.At);
                yield return (SpanField.EndedAt, e.At);
                yield return (SpanField.Status, e is ErrorRaised ? SpanStatus.Error : SpanStatus.Success);
                foreach (var said in OfMoment(e)) yield return said;
                break;
        }
    }

    static IEnumerable<(SpanField, object?)> OfMoment(SpanEvent e) => e switch
    {
        UserMessage m => [(SpanField.Input, m.Input)],
        LlmThinking t => [(SpanField.Output, t.Thinking)],
        ToolResult r => [(SpanField.Output, r.Output)],
        ProductEvent p => [(SpanField.Input, p.Properties)],
        ErrorRaised x => [(SpanField.Error, x.Message), (SpanField.ErrorDetail, x.Detail)],
        _ => [],
    };

    /// <summary>What the type of a fact says of its span's kind; a bare start or end says nothing, so that it does not outvote who does.</summary>
    static string? DefaultKind(SpanEvent e) => e switch
    {
        LlmRequest or LlmResponse => "llm",
        EmbeddingRequest or EmbeddingResponse => "embedding",
        ToolCallRequest or ToolCallResponse => "tool",
        ToolResult => "tool_result",
        UserMessage => "message",
        LlmThinking => "thinking",
        ErrorRaised => "error",
        ProductEvent => "event",
        _ => null,
    };
}

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

    static readonly object s_true = true;
    static readonly object[] s_statuses = [.. Enum.GetValues<SpanStatus>().Cast<object>()];

    /// <summary>Writes into <paramref name="said"/>, one place for each <see cref="SpanField"/>, what <paramref name="e"/> says; null says nothing.</summary>
    public static void Read(SpanEvent e, Span<object?> said)
    {
        said.Clear();
        said[(int)SpanField.Name] = e.Name;
        said[(int)SpanField.Kind] = e.Kind ?? DefaultKind(e);
        said[(int)SpanField.ParentSpanId] = e.ParentSpanId;
        said[(int)SpanField.Step] = e.Step;
        said[(int)SpanField.ParentStep] = e.ParentStep;
        said[(int)SpanField.TimeToFirstToken] = e.TimeToFirstToken;
        said[(int)SpanField.Provider] = e.Provider;
        said[(int)SpanField.Model] = e.Model;
        said[(int)SpanField.Usage] = e.Usage;
        said[(int)SpanField.UserId] = e.UserId;
        said[(int)SpanField.SessionId] = e.SessionId;
        said[(int)SpanField.Environment] = e.Environment;
        said[(int)SpanField.Agent] = e.Agent;
        said[(int)SpanField.Sanitised] = e.Sanitised ? s_true : null;

        switch (e)
        {
            case Opening opening:
                said[(int)SpanField.StartedAt] = e.At;
                said[(int)SpanField.Status] = s_statuses[(int)SpanStatus.Running];
                said[(int)SpanField.Input] = opening.Input;
                break;
            case Closing closing:
                said[(int)SpanField.StartedAt] = closing.StartedAt ?? (e.Latency is { } took ? e.At - took : null);
                said[(int)SpanField.EndedAt] = closing.StartedAt is { } began ? began + (e.Latency ?? TimeSpan.Zero) : e.At;
                said[(int)SpanField.Status] = s_statuses[(int)closing.Status];
                said[(int)SpanField.Error] = closing.Error;
                said[(int)SpanField.Input] = closing.Input;
                said[(int)SpanField.Output] = closing.Output;
                break;
            // It does not say how the span went, nor that it is over: those who open and close it do.
            case SpanNoted noted:
                said[(int)SpanField.StartedAt] = e.At;
                (said[(int)SpanField.Input], said[(int)SpanField.Output]) = (noted.Input, noted.Output);
                break;
            case Moment:
                said[(int)SpanField.StartedAt] = said[(int)SpanField.EndedAt] = e.At;
                said[(int)SpanField.Status] = s_statuses[(int)(e is ErrorRaised ? SpanStatus.Error : SpanStatus.Success)];
                ReadMoment(e, said);
                break;
        }
    }

    static void ReadMoment(SpanEvent e, Span<object?> said)
    {
        switch (e)
        {
            case UserMessage m: said[(int)SpanField.Input] = m.Input; break;
            case LlmThinking t: said[(int)SpanField.Output] = t.Thinking; break;
            case ToolResult r: said[(int)SpanField.Output] = r.Output; break;
            case ProductEvent p: said[(int)SpanField.Input] = p.Properties; break;
            case ErrorRaised x: (said[(int)SpanField.Error], said[(int)SpanField.ErrorDetail]) = (x.Message, x.Detail); break;
        }
    }

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

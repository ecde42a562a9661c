namespace Hindcast.Domain.Traces;

/// <summary>
/// What a trace adds up to. Status: error beats running beats warning beats success. User and session are the root's where there
/// is one root, else the first named ones; so is the agent. Totals add what is known and are null when nothing is.
/// </summary>
public sealed record TraceSummary
{
    public required SpanStatus Status { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>Null while any span runs.</summary>
    public DateTimeOffset? EndedAt { get; init; }
    public TimeSpan? Duration => EndedAt - StartedAt;
    /// <summary>The latest that is known of it, running or not.</summary>
    public DateTimeOffset LastAt { get; init; }
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Environment { get; init; }
    public string? Agent { get; init; }
    /// <summary>Provider and model of the last LLM call.</summary>
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public required Usage Usage { get; init; }
    public long? TotalTokens { get; init; }
    public int Spans { get; init; }
    public int Errors { get; init; }
    /// <summary>From the first start to the last end, running or not.</summary>
    public TimeSpan Latency { get; init; }
    /// <summary>Calls of a tool that was called before; or as many as the sender says.</summary>
    public int Retries { get; init; }
    /// <summary>It took <see cref="SlowFrom"/> or longer; or the sender says so.</summary>
    public bool Slow { get; init; }
    public string? ProjectName { get; init; }
    /// <summary>The span whose input is the first thing a user said.</summary>
    public string? PromptSpanId { get; init; }
    /// <summary>The span whose output is the last thing a model said.</summary>
    public string? ResponseSpanId { get; init; }

    public static readonly TimeSpan SlowFrom = TimeSpan.FromMilliseconds(1500);

    /// <summary>One pass and no sorting: every fact of a trace asks for it again.</summary>
    public static TraceSummary Of(IReadOnlyCollection<Span> spans)
    {
        var (running, warnings, errors) = (false, false, 0);
        var (started, ended) = (DateTimeOffset.MaxValue, DateTimeOffset.MinValue);
        Told<object?>? user = null, session = null, environment = null, agent = null;
        TraceClaims? claims = null;
        var (tools, toolNames) = (0, (HashSet<string>?)null);
        Span? message = null, firstInput = null, lastModel = null, lastCall = null, lastOutput = null;
        var usage = new Usage();
        long? tokens = null;
        var (root, roots) = ((Span?)null, 0);
        foreach (var span in spans)
        {
            running |= span.Status == SpanStatus.Running;
            warnings |= span.Status == SpanStatus.Warning;
            if (span.Status == SpanStatus.Error) errors++;
            if (span.StartedAt < started) started = span.StartedAt;
            if ((span.EndedAt ?? span.StartedAt) is var end && end > ended) ended = end;
            user = Earlier(user, span.Told(SpanField.UserId));
            session = Earlier(session, span.Told(SpanField.SessionId));
            environment = Earlier(environment, span.Told(SpanField.Environment));
            agent = Earlier(agent, span.Told(SpanField.Agent));

            claims = TraceClaims.Later(claims, span);
            if (span.Kind == "tool" && ++tools > 0) (toolNames ??= new(StringComparer.Ordinal)).Add(span.Name);

            var isCall = span.Kind == "llm";
            if (span.Kind == "message" && IsBefore(span, message)) message = span;
            if (span.Told(SpanField.Input) is not null && IsBefore(span, firstInput)) firstInput = span;
            if (span.Model is not null && IsAfter(span, lastModel)) lastModel = span;
            if (isCall && span.Model is not null && IsAfter(span, lastCall)) lastCall = span;
            if (isCall && span.Told(SpanField.Output) is not null && IsAfter(span, lastOutput)) lastOutput = span;

            if (IsRoot(span)) (root, roots) = (span, roots + 1);
        }
        foreach (var span in CountedUsage.Of(spans))
        {
            usage = usage.Plus(span.Usage!);
            tokens = Usage.Add(tokens, span.Usage!.Total);
        }
        if (roots == 1)
        {
            // A single root speaks for its trace, however late it comes.
            user = root!.Told(SpanField.UserId) ?? user;
            session = root.Told(SpanField.SessionId) ?? session;
            environment = root.Told(SpanField.Environment) ?? environment;
            agent = root.Told(SpanField.Agent) ?? agent;
        }
        if (spans.Count == 0) started = ended = default;
        if (claims?.Speaker is { } speaker)
        {
            // Whoever speaks for the trace says when it was, and what went in and came out.
            (started, ended) = (speaker.StartedAt, speaker.EndedAt ?? ended);
            message = lastOutput = lastCall = speaker;
            environment = speaker.Told(SpanField.Environment) ?? environment;
            running = false;
        }
        var latency = ended > started ? ended - started : TimeSpan.Zero;
        return new()
        {
            Status = claims?.ClaimedStatus
                ?? (errors > 0 ? SpanStatus.Error : running ? SpanStatus.Running : warnings ? SpanStatus.Warning : SpanStatus.Success),
            StartedAt = started,
            EndedAt = running || spans.Count == 0 ? null : ended,
            LastAt = spans.Count == 0 ? default : ended,
            UserId = user?.Value as string,
            SessionId = session?.Value as string,
            Environment = environment?.Value as string,
            Agent = agent?.Value as string,
            Provider = (lastCall ?? lastModel)?.Provider,
            Model = (lastCall ?? lastModel)?.Model,
            Usage = usage,
            TotalTokens = tokens,
            Spans = spans.Count,
            Errors = errors,
            Latency = latency,
            Retries = claims?.ClaimedRetries ?? tools - (toolNames?.Count ?? 0),
            Slow = claims?.ClaimedSlow ?? latency >= SlowFrom,
            ProjectName = claims?.ClaimedProjectName,
            PromptSpanId = (message ?? firstInput)?.Id,
            ResponseSpanId = lastOutput?.Id,
        };
    }

    static bool IsRoot(Span span) => span.ParentSpanId is null && span.ParentStep is null;

    /// <summary>What was told first stands.</summary>
    static Told<object?>? Earlier(Told<object?>? held, Told<object?>? told) =>
        held is null || (told is { } mine && mine.By < held.Value.By) ? told ?? held : held;

    static bool IsBefore(Span span, Span? other) => other is null || Compare(span, other) < 0;

    static bool IsAfter(Span span, Span? other) => other is null || Compare(span, other) > 0;

    static int Compare(Span a, Span b) => a.StartedAt != b.StartedAt ? a.StartedAt.CompareTo(b.StartedAt) : string.CompareOrdinal(a.Id, b.Id);
}

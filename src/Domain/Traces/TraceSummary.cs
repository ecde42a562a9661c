namespace Hindcast.Domain.Traces;

/// <summary>
/// What a trace adds up to. Status: error beats running beats warning beats success. User and session are the first named ones;
/// the agent is the first event's. Totals add what is known and are null when nothing is.
/// </summary>
public sealed record TraceSummary
{
    public required SpanStatus Status { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>Null while any span runs.</summary>
    public DateTimeOffset? EndedAt { get; init; }
    public TimeSpan? Duration => EndedAt - StartedAt;
    public string? UserId { get; init; }
    public string? SessionId { get; init; }
    public string? Environment { get; init; }
    public string? Agent { get; init; }
    /// <summary>The model of the last LLM call.</summary>
    public string? Model { get; init; }
    public required Usage Usage { get; init; }
    public long? TotalTokens { get; init; }
    public int Spans { get; init; }
    public int Errors { get; init; }
    /// <summary>The span whose input is the first thing a user said.</summary>
    public string? PromptSpanId { get; init; }
    /// <summary>The span whose output is the last thing a model said.</summary>
    public string? ResponseSpanId { get; init; }

    public static TraceSummary Of(IReadOnlyCollection<Span> spans)
    {
        var ordered = spans.OrderBy(s => s.StartedAt).ThenBy(s => s.Id, StringComparer.Ordinal).ToList();
        var running = ordered.Any(s => s.Status == SpanStatus.Running);
        var used = ordered.Where(CountsUsage).Select(s => s.Usage!).ToList();
        return new()
        {
            Status = ordered.Any(s => s.Status == SpanStatus.Error) ? SpanStatus.Error
                : running ? SpanStatus.Running
                : ordered.Any(s => s.Status == SpanStatus.Warning) ? SpanStatus.Warning
                : SpanStatus.Success,
            StartedAt = ordered.Count == 0 ? default : ordered[0].StartedAt,
            EndedAt = running || ordered.Count == 0 ? null : ordered.Max(s => s.EndedAt ?? s.StartedAt),
            UserId = First(ordered, SpanField.UserId),
            SessionId = First(ordered, SpanField.SessionId),
            Environment = First(ordered, SpanField.Environment),
            Agent = First(ordered, SpanField.Agent),
            Model = ordered.LastOrDefault(s => s is { Kind: "llm", Model: not null })?.Model ?? ordered.LastOrDefault(s => s.Model is not null)?.Model,
            Usage = Sum(used),
            TotalTokens = Sum(used, u => u.Total),
            Spans = ordered.Count,
            Errors = ordered.Count(s => s.Status == SpanStatus.Error),
            PromptSpanId = ordered.FirstOrDefault(s => s.Kind == "message")?.Id ?? ordered.FirstOrDefault(s => s.Told(SpanField.Input) is not null)?.Id,
            ResponseSpanId = ordered.LastOrDefault(s => s.Kind == "llm" && s.Told(SpanField.Output) is not null)?.Id,
        };
    }

    /// <summary>Only model calls use tokens: an agent's span that repeats its children's usage counts nothing.</summary>
    public static bool CountsUsage(Span span) => span.Kind is "llm" or "embedding" && span.Usage is not null;

    static string? First(List<Span> ordered, SpanField field) => ordered
        .Select(s => s.Told(field))
        .Where(told => told is not null)
        .OrderBy(told => told!.Value.By)
        .FirstOrDefault()?.Value as string;

    static Usage Sum(List<Usage> used) => new()
    {
        Input = Sum(used, u => u.Input),
        CacheRead = Sum(used, u => u.CacheRead),
        CacheWrite5m = Sum(used, u => u.CacheWrite5m),
        CacheWrite1h = Sum(used, u => u.CacheWrite1h),
        Output = Sum(used, u => u.Output),
        Reasoning = Sum(used, u => u.Reasoning),
    };

    static long? Sum(List<Usage> used, Func<Usage, long?> part) => used.Aggregate((long?)null, (sum, usage) => Usage.Add(sum, part(usage)));
}

using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>A span as it stands: what the tree and the list show.</summary>
[Table("spans"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(SpanId), nameof(Day))]
[Index(nameof(Project), nameof(StartedAt), nameof(TraceId), nameof(SpanId), Name = "spans_by_time")]
[Index(nameof(Project), nameof(UserId), nameof(StartedAt), Name = "spans_by_user")]
[Index(nameof(Project), nameof(SessionId), nameof(StartedAt), Name = "spans_by_session")]
[Index(nameof(Project), nameof(Model), nameof(StartedAt), Name = "spans_by_model")]
[Index(nameof(Project), nameof(Environment), nameof(StartedAt), Name = "spans_by_environment")]
[Index(nameof(Project), nameof(Status), nameof(StartedAt), Name = "spans_by_status")]
public sealed class SpanRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    /// <summary>On which its trace was first recorded; see <see cref="Time.Day"/>.</summary>
    [ByArrival, Partition] public int Day { get; set; }
    public string? ParentSpanId { get; set; }
    [ByArrival] public int? Step { get; set; }
    public int? ParentStep { get; set; }
    public string Kind { get; set; } = "";
    public string Name { get; set; } = "";
    public int Status { get; set; }
    public string? Error { get; set; }
    [KeepWhenNull] public string? ErrorDetail { get; set; }
    public string? Provider { get; set; }
    public string? Model { get; set; }
    /// <summary>µs UTC.</summary>
    public long StartedAt { get; set; }
    public long? EndedAt { get; set; }
    /// <summary>µs; null when unknown.</summary>
    public long? Duration { get; set; }
    public long? TimeToFirstToken { get; set; }
    public long? InputTokens { get; set; }
    public long? CacheReadTokens { get; set; }
    public long? CacheWrite5mTokens { get; set; }
    public long? CacheWrite1hTokens { get; set; }
    public long? OutputTokens { get; set; }
    public long? ReasoningTokens { get; set; }
    public long? TotalTokens { get; set; }
    /// <summary>pico-USD; null when tokens or price are unknown.</summary>
    public long? InputCost { get; set; }
    public long? CacheReadCost { get; set; }
    public long? CacheWriteCost { get; set; }
    public long? OutputCost { get; set; }
    public long? TotalCost { get; set; }
    public string? Environment { get; set; }
    /// <summary>Its own, else its trace's.</summary>
    public string? UserId { get; set; }
    public string? SessionId { get; set; }
    public string? Agent { get; set; }
    /// <summary>JSON text.</summary>
    [KeepWhenNull] public string? Input { get; set; }
    [KeepWhenNull] public string? Output { get; set; }
    /// <summary>A JSON object, or null.</summary>
    public string? Attributes { get; set; }
    public bool Sanitised { get; set; }
    /// <summary>It counts as one; see <see cref="ModelRequest"/>.</summary>
    public bool Request { get; set; }
    public bool CacheHit { get; set; }
    /// <summary>Who told which field; see <see cref="SpanMerge"/>.</summary>
    public byte[] Merge { get; set; } = [];

    public static SpanRow Of(string project, string traceId, Span span, TraceSummary trace, PriceBook prices)
    {
        var row = new SpanRow
        {
            Project = project,
            TraceId = traceId,
            SpanId = span.Id,
            ParentSpanId = span.ParentSpanId,
            Step = span.Step,
            ParentStep = span.ParentStep,
            Kind = span.Kind,
            Name = span.Name,
            Status = (int)span.Status,
            Error = span.Error,
            ErrorDetail = span.ErrorDetail,
            Provider = span.Provider,
            Model = span.Model,
            StartedAt = span.StartedAt.Micros(),
            EndedAt = span.EndedAt?.Micros(),
            Duration = span.Duration?.Micros(),
            TimeToFirstToken = span.TimeToFirstToken?.Micros(),
            InputTokens = span.Usage?.Input,
            CacheReadTokens = span.Usage?.CacheRead,
            CacheWrite5mTokens = span.Usage?.CacheWrite5m,
            CacheWrite1hTokens = span.Usage?.CacheWrite1h,
            OutputTokens = span.Usage?.Output,
            ReasoningTokens = span.Usage?.Reasoning,
            TotalTokens = span.Usage?.Total,
            Environment = span.Environment,
            UserId = span.UserId ?? trace.UserId,
            SessionId = span.SessionId ?? trace.SessionId,
            Agent = span.Agent,
            Input = span.Input,
            Output = span.Output,
            Attributes = AttributesOf(span),
            Sanitised = span.Sanitised,
            Request = span.IsRequest(),
            CacheHit = span.IsCacheHit(),
            Merge = SpanMerge.Write(span),
        };
        row.Pay(prices.CostOf(span));
        return row;
    }

    public Cost Cost() => new(InputCost, CacheReadCost, CacheWriteCost, OutputCost);

    public void Pay(Cost cost) =>
        (InputCost, CacheReadCost, CacheWriteCost, OutputCost, TotalCost) = (cost.Input, cost.CacheRead, cost.CacheWrite, cost.Output, cost.Total);

    public Usage? Usage()
    {
        var usage = new Usage
        {
            Input = InputTokens,
            CacheRead = CacheReadTokens,
            CacheWrite5m = CacheWrite5mTokens,
            CacheWrite1h = CacheWrite1hTokens,
            Output = OutputTokens,
            Reasoning = ReasoningTokens,
        };
        return usage.Total is null ? usage with { Unsplit = TotalTokens } : usage;
    }

    static string? AttributesOf(Span span) => span.Attributes.Count == 0
        ? null
        : $"{{{string.Join(',', span.Attributes.Select(a => $"{System.Text.Json.JsonSerializer.Serialize(a.Key)}:{a.Value.Value}"))}}}";
}

using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>A whole trace in one row.</summary>
[Table("runs"), PrimaryKey(nameof(Project), nameof(TraceId))]
[Index(nameof(Project), nameof(StartedAt), nameof(TraceId), Name = "runs_by_time")]
[Index(nameof(Project), nameof(Agent), nameof(StartedAt), Name = "runs_by_agent")]
[Index(nameof(Project), nameof(UserId), nameof(StartedAt), Name = "runs_by_user")]
[Index(nameof(Project), nameof(SessionId), nameof(StartedAt), Name = "runs_by_session")]
public sealed class RunRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public int Status { get; set; }
    /// <summary>µs UTC.</summary>
    public long StartedAt { get; set; }
    public long? EndedAt { get; set; }
    public long? Duration { get; set; }
    /// <summary>µs UTC: the latest that is known of it, running or not.</summary>
    public long LastAt { get; set; }
    public string? UserId { get; set; }
    public string? SessionId { get; set; }
    public string? Environment { get; set; }
    public string? Agent { get; set; }
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public int Events { get; set; }
    public int Spans { get; set; }
    public int Errors { get; set; }
    public long? InputTokens { get; set; }
    public long? CacheReadTokens { get; set; }
    public long? CacheWriteTokens { get; set; }
    public long? OutputTokens { get; set; }
    public long? ReasoningTokens { get; set; }
    public long? TotalTokens { get; set; }
    /// <summary>pico-USD; null when no span's cost is known.</summary>
    public long? InputCost { get; set; }
    public long? CacheReadCost { get; set; }
    public long? CacheWriteCost { get; set; }
    public long? OutputCost { get; set; }
    public long? TotalCost { get; set; }
    /// <summary>Model calls whose cost is unknown and therefore not in the sum.</summary>
    public int Unpriced { get; set; }
    /// <summary>µs; unlike <see cref="Duration"/> it is there while the trace runs.</summary>
    public long Latency { get; set; }
    public int Retries { get; set; }
    public bool Slow { get; set; }
    public string? ProjectName { get; set; }
    public string? PromptSpanId { get; set; }
    public string? ResponseSpanId { get; set; }
    [ByArrival] public int Day { get; set; }
    /// <summary>The first prompt, where a search read it along; it stands with the texts.</summary>
    [NotMapped] public string? Prompt { get; set; }
    [ByArrival] public long LastPosition { get; set; }
    [ByArrival] public long LastRevision { get; set; }

    public static RunRow Of(string project, Trace trace, TraceSummary summary, PriceBook prices)
    {
        var (cost, unpriced) = Sum(CountedUsage.Of([.. trace.Spans.Values]).Select(prices.CostOf));
        // Feedback makes no span: a trace of which there is nothing else was when that was given.
        var alone = summary.Spans == 0 ? trace.FirstAt : null;
        var run = new RunRow
        {
            Project = project,
            TraceId = trace.Id,
            Status = (int)summary.Status,
            StartedAt = (alone ?? summary.StartedAt).Micros(),
            EndedAt = summary.EndedAt?.Micros(),
            Duration = summary.Duration?.Micros(),
            LastAt = (alone ?? summary.LastAt).Micros(),
            UserId = summary.UserId,
            SessionId = summary.SessionId,
            Environment = summary.Environment,
            Agent = summary.Agent,
            Provider = summary.Provider,
            Model = summary.Model,
            Events = trace.EventCount,
            Spans = summary.Spans,
            Errors = summary.Errors,
            InputTokens = summary.Usage.Input,
            CacheReadTokens = summary.Usage.CacheRead,
            CacheWriteTokens = summary.Usage.CacheWrite,
            OutputTokens = summary.Usage.Output,
            ReasoningTokens = summary.Usage.Reasoning,
            TotalTokens = summary.TotalTokens,
            Latency = summary.Latency.Micros(),
            Retries = summary.Retries,
            Slow = summary.Slow,
            ProjectName = summary.ProjectName,
            PromptSpanId = summary.PromptSpanId,
            ResponseSpanId = summary.ResponseSpanId,
        };
        run.Pay(cost, unpriced);
        return run;
    }

    /// <summary>The sum of the costs that are known, and how many model calls it leaves out.</summary>
    public static (Cost Known, int Unpriced) Sum(IEnumerable<Cost> costs)
    {
        var (sum, unpriced) = (Cost.Unknown, 0);
        foreach (var cost in costs)
        {
            if (cost.Total is null) unpriced++;
            sum = sum.Plus(cost);
        }
        return (sum, unpriced);
    }

    /// <summary>Prices the whole anew, from the prices of its spans.</summary>
    public void Pay(Cost cost, int unpriced) =>
        (InputCost, CacheReadCost, CacheWriteCost, OutputCost, TotalCost, Unpriced) = (cost.Input, cost.CacheRead, cost.CacheWrite, cost.Output, cost.Total, unpriced);
}

using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>One row for each span that failed; gone again when a later word says it did not.</summary>
[Table("failures"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(SpanId))]
[Index(nameof(Project), nameof(At), Name = "failures_by_time")]
public sealed class FailureRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    /// <summary>µs UTC: when it ended.</summary>
    public long At { get; set; }
    public string Kind { get; set; } = "";
    public string Name { get; set; } = "";
    public string Message { get; set; } = "";
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public string? Environment { get; set; }
    public string? Agent { get; set; }
    public string? UserId { get; set; }
    [ByArrival] public int Week { get; set; }

    public static FailureRow Of(string project, string traceId, Span span, TraceSummary trace) => new()
    {
        Project = project,
        TraceId = traceId,
        SpanId = span.Id,
        At = (span.EndedAt ?? span.StartedAt).Micros(),
        Kind = span.Kind,
        Name = span.Name,
        Message = span.Error ?? "",
        Provider = span.Provider,
        Model = span.Model,
        Environment = span.Environment,
        Agent = span.Agent,
        UserId = span.UserId ?? trace.UserId,
    };
}

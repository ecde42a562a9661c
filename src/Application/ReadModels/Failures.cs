using System.ComponentModel.DataAnnotations.Schema;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>One row for each span that something is wrong with; gone again when a later word says it is not.</summary>
[Table("failures"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(SpanId))]
[Index(nameof(Project), nameof(At), Name = "failures_by_time")]
public sealed class FailureRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    /// <summary><see cref="Failed"/>, <see cref="Retried"/> or <see cref="Warning"/>.</summary>
    public string Category { get; set; } = "";
    /// <summary>What it has in common with others of its kind; see <see cref="Domain.Analytics.Fingerprint"/>.</summary>
    public string Fingerprint { get; set; } = "";
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
    [ByArrival] public int Day { get; set; }

    public const string Failed = "failed";
    /// <summary>An attempt that another one followed.</summary>
    public const string Retried = "retried";
    public const string Warning = "warning";

    /// <summary>Null when nothing is wrong with it.</summary>
    public static string? CategoryOf(Span span) =>
        span.IsSuperseded() ? Retried : span.Status == SpanStatus.Error ? Failed : span.Status == SpanStatus.Warning ? Warning : null;

    public static FailureRow Of(string project, string traceId, Span span, TraceSummary trace) => new()
    {
        Project = project,
        TraceId = traceId,
        SpanId = span.Id,
        Category = CategoryOf(span) ?? "",
        Fingerprint = Domain.Analytics.Fingerprint.Of($"{CategoryOf(span)} {span.Kind} {span.Name}", span.Error ?? ""),
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

using System.ComponentModel.DataAnnotations.Schema;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// One row for each fact of a trace: the key on the event id by which a fact that stands twice in the log has one effect, and the list of
/// what happened in a span.
/// </summary>
[Table("facts"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(EventId), nameof(Day))]
public sealed class FactRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    public byte[] EventId { get; set; } = [];
    [ByArrival, Partition] public int Day { get; set; }
    public string? SpanId { get; set; }
    public string Type { get; set; } = "";
    /// <summary>µs UTC.</summary>
    public long At { get; set; }
    /// <summary>What a score, an error or a note says, as JSON: the span's own columns have no place for the second one.</summary>
    public string? Detail { get; set; }
    [ByArrival] public int? Step { get; set; }
    [ByArrival] public long Position { get; set; }
    [ByArrival] public long Revision { get; set; }
    [ByArrival] public long RecordedAt { get; set; }
    /// <summary>Of a score, what filters and figures read.</summary>
    [NotMapped] public ScoreRow? Score { get; init; }

    public static FactRow Of(Fact fact, SpanEvent e) => new()
    {
        Project = fact.Header.Project,
        TraceId = e.TraceId,
        EventId = e.EventId.ToByteArray(bigEndian: true),
        SpanId = e.SpanId,
        Type = fact.Header.Type,
        At = e.At.Micros(),
        Detail = DetailOf(e),
        Step = e.Step,
        Position = fact.Position.Value,
        Revision = fact.Revision,
        RecordedAt = fact.Header.RecordedAt.Micros(),
        Score = e is ScoreGiven score ? ScoreRow.Of(fact.Header.Project, score) : null,
    };

    public static string? DetailOf(SpanEvent e) => e switch
    {
        ScoreGiven s => $$"""{"name":{{Text(s.Name)}},"value":{{s.Value}},"comment":{{Text(s.Comment)}},"source":{{Text(s.Source)}},"user_id":{{Text(s.UserId)}}}""",
        ErrorRaised x => $$"""{"message":{{Text(x.Message)}},"detail":{{x.Detail ?? "null"}}}""",
        SpanNoted n => $$"""{"name":{{Text(n.Name)}},"input":{{n.Input ?? "null"}},"output":{{n.Output ?? "null"}}}""",
        _ => null,
    };

    static string Text(string? text) => JsonSerializer.Serialize(text);
}

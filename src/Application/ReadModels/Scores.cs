using System.ComponentModel.DataAnnotations.Schema;
using System.Globalization;
using System.Text.Json;
using Hindcast.Domain.Traces;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// One row for each score, as filters and figures read it: on its span, or on the whole trace. Of several from one user or source under one name on
/// the same thing the last counts; which one that is follows from the rows, whatever order they came in.
/// </summary>
[Table("scores"), PrimaryKey(nameof(Project), nameof(TraceId), nameof(EventId))]
[Index(nameof(Project), nameof(At), Name = "scores_by_time")]
[Index(nameof(Project), nameof(Name), nameof(Number), Name = "scores_by_name")]
public sealed class ScoreRow
{
    public string Project { get; set; } = "";
    public string TraceId { get; set; } = "";
    /// <summary>32 hexadecimal digits: their order is that of the id's bytes.</summary>
    public string EventId { get; set; } = "";
    /// <summary>Empty: the whole trace.</summary>
    public string SpanId { get; set; } = "";
    public string Name { get; set; } = "";
    /// <summary>µs UTC: when it was given.</summary>
    public long At { get; set; }
    /// <summary>The value: a text as it is, a number by its shortest digits, <c>true</c> or <c>false</c>.</summary>
    public string Text { get; set; } = "";
    /// <summary>What <see cref="NumberOf"/> makes of it.</summary>
    public double? Number { get; set; }
    public string Source { get; set; } = "";
    public string UserId { get; set; } = "";
    [ByArrival] public int Day { get; set; }

    /// <summary>A score without name or value, because it was erased, says nothing; its row goes.</summary>
    [NotMapped] public bool Says => Name.Length > 0 && Text.Length > 0;

    public static ScoreRow Of(string project, ScoreGiven score)
    {
        var text = TextOf(score.Value);
        return new()
        {
            Project = project,
            TraceId = score.TraceId,
            EventId = score.EventId.ToString("N"),
            SpanId = score.SpanId ?? "",
            Name = score.Name ?? "",
            At = score.At.Micros(),
            Text = text ?? "",
            Number = text is null ? null : NumberOf(text),
            Source = score.Source ?? "",
            UserId = score.UserId ?? "",
        };
    }

    /// <summary>A value as it is compared; null when it is none.</summary>
    /// <param name="json">JSON text.</param>
    public static string? TextOf(string json)
    {
        using var value = JsonDocument.Parse(json, new() { MaxDepth = 1_024 });
        return value.RootElement.ValueKind switch
        {
            JsonValueKind.String => Plain(value.RootElement.GetString()!),
            JsonValueKind.Number => Plain(json),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => null,
        };
    }

    /// <summary>Numbers are the same however they are written.</summary>
    public static string Plain(string text) => NumberIn(text) is { } number ? number.ToString("R", CultureInfo.InvariantCulture) : text;

    /// <summary>A number, in digits too; yes is 1 and no is 0; null for any other text.</summary>
    public static double? NumberOf(string text) => text switch
    {
        "true" => 1,
        "false" => 0,
        _ => NumberIn(text),
    };

    static double? NumberIn(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number + 0.0 : null;
}

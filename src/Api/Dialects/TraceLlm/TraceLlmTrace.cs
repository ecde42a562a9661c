using System.Globalization;
using System.Text.Json;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>
/// A trace as TraceLLM shows it (contract 2.1): 17 members, always all of them, in this order. Latency and durations in ms; times with
/// microseconds and offset, because its dashboard would take a bare time for local.
/// </summary>
public sealed record TraceLlmTrace(
    string TraceId, string Prompt, string? Response, double Latency, long TokenCount, string? ModelName, string ProjectId, string? ProjectName, string? ApiKey,
    string Environment, string Status, IReadOnlyList<TraceLlmStep> Steps, long RetryCount, bool SlowRequest, string? FailureReason, string CreatedAt, string UpdatedAt)
{
    public const string NoModel = "unknown";

    /// <summary>Any trace of the store (ruling 34). One that was saved through this dialect gives back what was saved.</summary>
    public static TraceLlmTrace Of(WholeTrace whole)
    {
        var run = whole.Run;
        var saved = whole.Response is { } speaker ? TraceLlmSaved.Of(speaker) : null;
        // What an earlier save of the same trace left is not part of it any more.
        var steps = whole.Tools.Where(t => saved is null || TraceLlmSaved.Of(t)?.Save == saved.Save).Select(TraceLlmStep.Of).ToList();
        return new(
            run.TraceId,
            PlainText.Of(whole.Prompt?.Input) ?? "",
            whole.Response?.Output is null or "null" ? null : PlainText.Of(whole.Response.Output),
            saved?.Latency ?? run.Latency / 1000.0,
            run.TotalTokens ?? 0,
            run.Model ?? NoModel,
            run.Project,
            run.ProjectName,
            saved?.ApiKey,
            run.Environment ?? "development",
            StatusOf((SpanStatus)run.Status),
            steps,
            run.Retries,
            run.Slow,
            saved is not null ? saved.FailureReason : steps.Find(s => !s.Success)?.Failure ?? whole.Failed.Select(s => s.Error).FirstOrDefault(),
            TimeOf(Time.At(run.StartedAt)),
            saved?.UpdatedAt ?? TimeOf(Time.At(run.StartedAt + run.Latency)));
    }

    public static string TimeOf(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture) + "+00:00";

    /// <summary>What still runs has not failed.</summary>
    public static string StatusOf(SpanStatus status) => status switch { SpanStatus.Error => "failed", SpanStatus.Warning => "warning", _ => "success" };

    /// <summary>The other way; none for a word that is no status.</summary>
    public static IReadOnlyList<SpanStatus> StatusesOf(string word) => word switch
    {
        "success" => [SpanStatus.Success, SpanStatus.Running],
        "warning" => [SpanStatus.Warning],
        "failed" => [SpanStatus.Error],
        _ => [],
    };
}

public sealed record TraceLlmStep(string StepId, string ToolName, JsonElement Input, JsonElement Output, double Duration, bool Success, string Timestamp)
{
    /// <summary>Why it failed, in a sentence (contract 2.3, rule 4).</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Failure => Sentence("error") ?? Sentence("message") ?? ToolName;

    public static TraceLlmStep Of(SpanRow row)
    {
        var saved = TraceLlmSaved.Of(row);
        return new(
            saved?.StepId ?? row.SpanId, row.Name, ObjectOf(row.Input), ObjectOf(row.Output), saved?.Latency ?? (row.Duration ?? 0) / 1000.0,
            row.Status != (int)SpanStatus.Error, TraceLlmTrace.TimeOf(Time.At(row.StartedAt)));
    }

    /// <summary>A step's input and output are objects; anything else is the value of one.</summary>
    public static JsonElement ObjectOf(JsonElement? value) => value switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => JsonSerializer.SerializeToElement(new { }),
        { ValueKind: JsonValueKind.Object } o => o.Clone(),
        { } other => JsonSerializer.SerializeToElement(new { value = other }),
    };

    static JsonElement ObjectOf(string? json)
    {
        if (json is null) return ObjectOf((JsonElement?)null);
        using var parsed = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1024 });
        return ObjectOf(parsed.RootElement);
    }

    string? Sentence(string name) => Output.Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString() is { Length: > 0 } said ? said : null,
        { ValueKind: JsonValueKind.False } => null,
        { } other => other.GetRawText(),
    };
}

/// <summary>What only this dialect says of a span, kept in one attribute of it: which save it belongs to, and figures finer than a row holds.</summary>
/// <param name="Latency">ms, of the trace or of the step.</param>
public sealed record TraceLlmSaved(Guid Save, double Latency, string? ApiKey = null, string? FailureReason = null, string? UpdatedAt = null, string? StepId = null)
{
    public const string Attribute = "tracellm";

    public static TraceLlmSaved? Of(SpanRow row)
    {
        if (row.Attributes?.Contains($"\"{Attribute}\"", StringComparison.Ordinal) != true) return null;
        using var attributes = JsonDocument.Parse(row.Attributes, new JsonDocumentOptions { MaxDepth = 1024 });
        try
        {
            return attributes.RootElement.Member(Attribute) is { ValueKind: JsonValueKind.Object } mine ? mine.Deserialize<TraceLlmSaved>(TraceLlmAnswers.Json) : null;
        }
        catch (JsonException)
        {
            // Somebody else's attribute of that name.
            return null;
        }
    }
}

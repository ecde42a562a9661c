using System.Text.Json;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>A whole trace in one row (<c>native.md</c>). Times ISO 8601 in UTC, durations ms, money USD; what is unknown is left out.</summary>
internal static class RunJson
{
    const int LongestPrompt = 500;

    public static void Write(Utf8JsonWriter json, RunRow run) => JsonSerializer.Serialize(json, new
    {
        Ts = Time.At(run.StartedAt).UtcDateTime,
        run.TraceId,
        ProjectId = run.Project,
        Status = TreeJson.StatusName(run.Status),
        StatusCode = (SpanStatus)run.Status switch { SpanStatus.Error => "ERROR", SpanStatus.Running => "UNSET", _ => "SUCCESS" },
        StartedAt = Time.At(run.StartedAt).UtcDateTime,
        EndedAt = run.EndedAt is { } ended ? Time.At(ended).UtcDateTime : (DateTime?)null,
        DurationMs = (run.Duration + 500) / 1000,
        run.UserId,
        run.SessionId,
        run.Environment,
        run.Agent,
        run.Provider,
        run.Model,
        FirstPrompt = run.Prompt is { Length: > LongestPrompt } longer ? longer[..(char.IsHighSurrogate(longer[LongestPrompt - 1]) ? LongestPrompt - 1 : LongestPrompt)] : run.Prompt,
        SpanCount = run.Spans,
        ErrorCount = run.Errors,
        EventCount = run.Events,
        PromptTokens = Usage.Add(Usage.Add(run.InputTokens, run.CacheReadTokens), run.CacheWriteTokens),
        CompletionTokens = run.OutputTokens,
        run.TotalTokens,
        PromptCostUsd = TreeJson.UsdOf(Usage.Add(Usage.Add(run.InputCost, run.CacheReadCost), run.CacheWriteCost)),
        CompletionCostUsd = TreeJson.UsdOf(run.OutputCost),
        TotalCostUsd = TreeJson.UsdOf(run.TotalCost),
        UnpricedCalls = run.Unpriced,
    }, Envelope.Json);
}

using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>
/// Reads what a save left in the log: the trace as an <c>llm_response</c> that speaks for the whole, and each step as a
/// <c>tool_call_response</c> under it. The content is <c>{"received", "saved_at", "save", "step"?}</c>: the payload as it was received but for
/// its API key, and the moment and id of the save, from which all that the payload leaves open follows.
/// </summary>
internal sealed class TraceLlmPayload : IPayloadReader
{
    public const string TraceSpan = "trace";

    public string Dialect => "tracellm";

    public int Version => 1;

    public static string StepSpan(int number) => $"step-{number}";

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var (received, save) = (payload.GetProperty("received"), payload.GetProperty("save").GetGuid());
        var now = At(payload.GetProperty("saved_at").GetString()!);
        return type == "llm_response"
            ? OfTrace(TraceLlmSave.Read(received, now, [], []) ?? throw new UnreadableFact("it is no trace as TraceLLM saves them"), save, texts)
            : OfStep(TraceLlmSave.StepOf(received, payload.GetProperty("step").GetInt32(), now), save, texts);
    }

    static Reading OfTrace(TraceLlmTrace trace, Guid save, bool texts)
    {
        var claims = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [TraceClaims.Status] = trace.Status switch { "failed" => "\"error\"", var same => $"\"{same}\"" },
            [TraceClaims.Retries] = JsonSerializer.Serialize(trace.RetryCount),
            [TraceClaims.Slow] = JsonSerializer.Serialize(trace.SlowRequest),
            [TraceClaims.ProjectName] = JsonSerializer.Serialize(trace.ProjectName),
            [TraceLlmSaved.Attribute] = JsonSerializer.Serialize(
                new TraceLlmSaved(save, trace.Latency, trace.ApiKey, trace.FailureReason, trace.UpdatedAt), TraceLlmAnswers.Json),
        };
        return new()
        {
            Kind = "llm",
            Model = trace.ModelName,
            Usage = new Usage { Unsplit = trace.TokenCount },
            StartedAt = At(trace.CreatedAt),
            Latency = Micros(trace.Latency),
            Status = trace.Status switch { "failed" => SpanStatus.Error, "warning" => SpanStatus.Warning, _ => SpanStatus.Success },
            Error = trace.FailureReason,
            Input = texts ? JsonSerializer.Serialize(trace.Prompt, TraceLlmAnswers.Json) : null,
            Output = texts ? JsonSerializer.Serialize(trace.Response, TraceLlmAnswers.Json) : null,
            Attributes = claims,
        };
    }

    static Reading OfStep(TraceLlmStep step, Guid save, bool texts) => new()
    {
        Kind = "tool",
        Name = step.ToolName,
        StartedAt = At(step.Timestamp),
        Latency = Micros(step.Duration),
        Status = step.Success ? SpanStatus.Success : SpanStatus.Error,
        Error = step.Success ? null : step.Failure,
        Input = texts ? Json(step.Input) : null,
        Output = texts ? Json(step.Output) : null,
        Attributes = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [TraceLlmSaved.Attribute] = JsonSerializer.Serialize(new TraceLlmSaved(save, step.Duration, StepId: step.StepId), TraceLlmAnswers.Json),
        },
    };

    static string Json(JsonElement value)
    {
        var sanitised = false;
        return LenientText.JsonOf(value, ref sanitised);
    }

    static DateTimeOffset At(string time) => Times.TryParseAsUtc(time, out var at) ? at : default;

    static TimeSpan Micros(double ms) => TimeSpan.FromMicroseconds(Math.Round(ms * 1000));
}

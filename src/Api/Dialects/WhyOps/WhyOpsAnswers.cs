using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>The form of this dialect's answers: camelCase, absent rather than null.</summary>
internal static class WhyOpsAnswers
{
    /// <summary>Where the last fact of the request stands; a reader who waits for it sees what was written.</summary>
    public const string LogPosition = "X-Log-Position";
    public const string ValidationFailed = "Validation failed";

    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The read doors show what is unknown as null.</summary>
    static readonly JsonSerializerOptions s_full = new(Options) { DefaultIgnoreCondition = JsonIgnoreCondition.Never, MaxDepth = 256 };

    public static IResult Full<T>(int status, T answer) => Results.Json(answer, s_full, statusCode: status);

    public static IResult Json<T>(int status, T answer) => Results.Json(answer, Options, statusCode: status);
}

/// <summary>What became of one event. A skipped one carries the first one's ids.</summary>
/// <param name="ParentStepId">Null, and absent, on the first step of a trace.</param>
internal sealed record WhyOpsResult(Guid Id, string Status, int? StepId, int? ParentStepId, string? SpanId, string? Message)
{
    public static WhyOpsResult Of(Outcome outcome)
    {
        var fact = outcome.Header!;
        return outcome.Duplicate
            ? new(fact.EventId, "skipped", fact.Step, fact.ParentStep, fact.SpanId, "An event with this idempotencyKey is already stored")
            : new(fact.EventId, "saved", fact.Step, fact.ParentStep, fact.SpanId, null);
    }
}

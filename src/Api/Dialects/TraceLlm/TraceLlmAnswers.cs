using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hindcast.Api.Dialects.TraceLlm;

/// <summary>One thing that is wrong, in FastAPI's words.</summary>
public sealed record TraceLlmFault(
    string Type, IReadOnlyList<object> Loc, string Msg, object? Input, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] object? Ctx = null);

/// <summary>The request means nothing: 422, each fault named.</summary>
internal sealed class TraceLlmInvalid(IReadOnlyList<TraceLlmFault> faults) : Exception
{
    public IReadOnlyList<TraceLlmFault> Faults => faults;
}

/// <summary>How TraceLLM answers: members in snake case and always there; refusals as <c>{"detail":…}</c>.</summary>
internal static class TraceLlmAnswers
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        MaxDepth = 256,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static IResult Ok(object answer) => Results.Json(answer, Json);

    public static IResult Created(object answer) => Results.Json(answer, Json, statusCode: StatusCodes.Status201Created);

    /// <param name="stored">Of a batch: the indexes that are durable all the same.</param>
    public static IResult Invalid(IReadOnlyList<TraceLlmFault> faults, IReadOnlyList<int>? stored = null) =>
        Results.Json(stored is null ? new { detail = faults } : (object)new { detail = faults, stored }, Json, statusCode: StatusCodes.Status422UnprocessableEntity);

    public static Task RefuseAsync(HttpContext http, Refusal refusal) => http.Response.WriteAsJsonAsync(
        new { detail = refusal.Status switch { 404 when refusal.Message.StartsWith("There is no", StringComparison.Ordinal) => "Not Found", 405 => "Method Not Allowed", _ => refusal.Message } }, Json);

    /// <summary>Lets a door refuse a request as FastAPI does.</summary>
    public static T RefusesInvalid<T>(this T door) where T : IEndpointConventionBuilder => door.AddEndpointFilter(async (context, next) =>
    {
        try
        {
            return await next(context);
        }
        catch (TraceLlmInvalid e)
        {
            return Invalid(e.Faults);
        }
    });
}

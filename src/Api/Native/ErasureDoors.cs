using Hindcast.Application.Erasure;
using Hindcast.Domain.Projects;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>DELETE /api/v1/users/{id}</c> and <c>/api/v1/traces/{trace_id}</c>: when they answer, the log, its exports and the caches hold nothing
/// readable of it. <c>forgotten</c> says that no door shows it any more, <c>scrubbed</c> that no file of the read models holds it.
/// </summary>
internal static class ErasureDoors
{
    public static async Task<IResult> User(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Answer(http, await app.Send(new EraseUser(http.Caller(), project_id, id), ct));

    public static async Task<IResult> Trace(string traceId, string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Answer(http, await app.Send(new EraseTrace(http.Caller(), project_id, traceId), ct));

    /// <summary>For administrators of the project <c>default</c>: the files are everybody's.</summary>
    public static async Task<IResult> Scrub(HttpContext http, Erasures erasures, CancellationToken ct)
    {
        if (http.Caller().Project != Project.Default) throw new Forbidden("FOREIGN_PROJECT", "The files are seen to by administrators of the project 'default'.");
        await erasures.ScrubAsync(ct);
        return Results.Json(new { scrubbed = true }, Envelope.Json);
    }

    static IResult Answer(HttpContext http, Erased erased)
    {
        http.Response.Headers["X-Log-Position"] = erased.Position.ToString();
        return Results.Json(
            new { erased.Traces, SharedTraces = erased.Shared, erased.ClearFacts, erased.Forgotten, erased.Scrubbed }, Envelope.Json,
            statusCode: erased.Forgotten ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }
}

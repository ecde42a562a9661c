using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Domain;
using Microsoft.AspNetCore.Http.Features;

namespace Hindcast.Api;

/// <summary>A no to a whole request, before it takes the form its dialect gives it.</summary>
/// <param name="Field">What it is about: a header, a query parameter, a member of the body.</param>
public sealed record Refusal(int Status, string Code, string Message, string? Field = null, TimeSpan? RetryAfter = null);

/// <summary>How a dialect words a refusal; endpoint metadata.</summary>
public delegate Task RefusalForm(HttpContext http, Refusal refusal);

/// <param name="missing">Nothing was shown; else what was shown opens nothing.</param>
public sealed class Unauthenticated(bool missing) : Exception("Invalid or missing API key")
{
    public bool Missing => missing;
}

public sealed class NotAllowed(string scope) : Exception($"This key lacks the scope '{scope}'.");

/// <summary>The caller may do this, but not there.</summary>
/// <param name="code">The finer code of the Observatory contract (4.9).</param>
public sealed class Forbidden(string code, string message) : Exception(message)
{
    public string Code => code;
}

/// <summary>The one table from exceptions to answers, and the one place that writes it.</summary>
internal sealed class Problems(RequestDelegate next, ILogger<Problems> logger)
{
    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: 404 or 405, ContentLength: null, ContentType: null })
                await Form(http)(http, new(
                    http.Response.StatusCode, http.Response.StatusCode == 404 ? "NOT_FOUND" : "METHOD_NOT_ALLOWED", $"There is no {http.Request.Method} {http.Request.Path} here."));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
        }
        catch (Exception e)
        {
            var refusal = Of(e);
            // Where the log did not answer, each event was counted.
            if (refusal.Status < 500 || e is BadRequestBody) http.Counts(Application.Intake.IntakeFate.RefusedRequest, 1);
            // The message of a surprise may quote what somebody sent; its type and place do not.
            if (refusal.Status == 500)
                logger.LogError("Unexpected {Exception} at {Method} {Route}, trace {TraceIdentifier}: {Stack}",
                    e.GetType().Name, http.Request.Method, http.GetEndpoint()?.DisplayName, http.TraceIdentifier, e.StackTrace);
            // What a door began to say cannot be taken back, sent or not: half an answer with a refusal behind it would be neither.
            if (http.Response.HasStarted || http.Response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 })
            {
                http.Abort();
                return;
            }
            Reset(http.Response);
            if (refusal.RetryAfter is { } wait) http.Response.Headers.RetryAfter = $"{Math.Max(1, Math.Ceiling(wait.TotalSeconds))}";
            if (refusal.Status == 500) refusal = refusal with { Message = $"Internal error; correlation id {http.TraceIdentifier}" };
            http.Response.StatusCode = refusal.Status;
            await Form(http)(http, refusal);
        }
    }

    /// <summary>MalformedBody and its kin: 400; no key: 401; no scope: 403; nothing there: 404; a rule: 409; not now: 503; else 500.</summary>
    static Refusal Of(Exception e) => e switch
    {
        MalformedBody => new(400, "MALFORMED_BODY", e.Message),
        BadRequestBody x => new(
            x.Status, x.Code.ToUpperInvariant(), x.Message, RetryAfter: x.RetryAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null),
        Application.Gateway.GatewayRefusal x => new(x.Status, x.Code, x.Message, RetryAfter: x.RetryAfter),
        BadRequest x => new(400, "BAD_REQUEST", x.Message, x.Field),
        Unauthenticated x => new(401, "UNAUTHORIZED", e.Message, x.Missing ? "MISSING_AUTHORIZATION" : "INVALID_TOKEN"),
        NotAllowed => new(403, "FORBIDDEN", e.Message),
        Forbidden x => new(403, "FORBIDDEN", e.Message, x.Code),
        Unprocessable x => new(422, x.Code.ToUpperInvariant(), e.Message, x.Code),
        OfAnotherLog => new(410, "GONE", e.Message, "cursor_of_another_log"),
        NotFound => new(404, "NOT_FOUND", e.Message),
        Application.Projects.IdempotencyKeyReused => new(422, "IDEMPOTENCY_KEY_REUSED", e.Message, "Idempotency-Key"),
        QueryTooSlow => new(422, "QUERY_TIMEOUT", e.Message),
        RuleBroken => new(409, "CONFLICT", e.Message),
        TooMany x => new(429, "RATE_LIMIT_EXCEEDED", x.Message, RetryAfter: x.RetryAfter),
        Unavailable x => new(503, "UNAVAILABLE", x.Message, RetryAfter: x.RetryAfter),
        LogUnavailable x => new(503, "UNAVAILABLE", x.Message, RetryAfter: x.RetryAfter),
        BadHttpRequestException x => new(x.StatusCode, x.StatusCode == 413 ? "PAYLOAD_TOO_LARGE" : "BAD_REQUEST", x.Message),
        _ => new(500, "INTERNAL_ERROR", "Internal error"),
    };

    /// <summary>Forgets what a door began to say, but not the headers that hold for every answer.</summary>
    static void Reset(HttpResponse response)
    {
        var kept = response.Headers.Where(h => h.Key.StartsWith("X-RateLimit-", StringComparison.Ordinal) || h.Key.StartsWith("Access-Control-", StringComparison.Ordinal)).ToList();
        response.Clear();
        foreach (var (name, value) in kept) response.Headers[name] = value;
    }

    static RefusalForm Form(HttpContext http) =>
        (http.GetEndpoint() ?? http.Features.Get<IEndpointFeature>()?.Endpoint)?.Metadata.GetMetadata<RefusalForm>()
        ?? (Dialects.OpenTelemetry.GrpcStatus.IsCall(http.Request) ? Dialects.OpenTelemetry.GrpcStatus.RefuseAsync : FormOf(http.Request.Path));

    /// <summary>Where there is no door, or none for this method, the path says whose clients come there.</summary>
    static RefusalForm FormOf(PathString path) => Dialects.TraceLlm.TraceLlmPaths.Owns(path.Value ?? "") ? Dialects.TraceLlm.TraceLlmAnswers.RefuseAsync
        : path.StartsWithSegments("/api/ingestion") ? Dialects.Trubrics.TrubricsDoors.RefuseAsync
        : path.StartsWithSegments("/v1/analytics") ? Dialects.Trops.TropsRefusals.RefuseAsync
        : path.StartsWithSegments("/v1") ? Dialects.OpenAi.OpenAiErrors.RefuseAsync
        : Dialects.WhyOps.WhyOpsPaths.FormOf(path.Value ?? "") ?? Native.Envelope.RefuseAsync;
}

using Hindcast.Application;
using Hindcast.Application.Intake;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// The doors events come in by (WhyOps contract, 2.2). Unlike the original's queue, every door answers after the commit: what is answered
/// with success is durable, nothing is sampled or lost, and a repeat is one only by its <c>idempotencyKey</c>.
/// </summary>
internal static class WhyOpsEvents
{
    public const int MostBodyBytes = 16 << 20;
    public const int MostEventBytes = 15 << 20;
    public const int MostEvents = 5_000;
    const int MostDetails = 100;

    /// <summary>202 <c>{success, accepted, queuedCount}</c>.</summary>
    public static Task<IResult> IngestAsync(HttpContext http, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
        TakeAsync(http, mediator, clock, type: null, Accepted, withResults: false, ct);

    /// <summary>201 with what became of the event, or of each event of an array in order.</summary>
    public static Task<IResult> SaveAsync(HttpContext http, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
        TakeAsync(http, mediator, clock, type: null, Created, withResults: true, ct);

    /// <summary>As <see cref="SaveAsync"/>; whatever <c>eventType</c> says, it is the answer of a tool.</summary>
    public static Task<IResult> SaveToolResultAsync(HttpContext http, IMediator mediator, TimeProvider clock, CancellationToken ct) =>
        TakeAsync(http, mediator, clock, WhyOpsEvent.ToolCallResponse, Created, withResults: true, ct);

    static async Task<IResult> TakeAsync(
        HttpContext http, IMediator mediator, TimeProvider clock, string? type,
        Func<WhyOpsBatch, bool, IResult> success, bool withResults, CancellationToken ct)
    {
        if (RequestFault(http.Request) is { } wrong)
        {
            http.Counts(IntakeFate.RefusedRequest, 1);
            return Invalid([wrong]);
        }
        var user = UserOf(http.Request);
        using var body = await RequestBody.ReadAsync(http, MostBodyBytes, ct);
        using var json = JsonBatch.Parse(body.Bytes);
        if (json.Count > MostEvents) throw new BadRequest("", $"An array must hold at most {MostEvents} events; this one holds {json.Count}.");
        if (!json.IsArray && json.RawOf(0).Length > MostEventBytes)
            throw new BadHttpRequestException($"An event must be at most {MostEventBytes} bytes.", StatusCodes.Status413PayloadTooLarge);

        var batch = new WhyOpsBatch(http.Caller(), user, clock.GetUtcNow());
        for (var i = 0; i < json.Count; i++) batch.Take(i, json.Elements[i], json.RawOf(i), type);
        http.Counts(IntakeFate.Refused, batch.Faults.Count);
        if (batch.Facts.Count > 0) batch.Settle(await mediator.Send(new AppendEvents(http.Caller(), batch.Facts), ct));

        var stored = batch.Faults.Count == 0 || batch.Stored.Count > 0;
        if (stored) http.Response.Headers[WhyOpsAnswers.LogPosition] = batch.Last.ToString();
        if (batch.Faults.Count == 0) return success(batch, json.IsArray);
        return json.IsArray ? Partly(batch, withResults) : Refused(batch);
    }

    static IResult Accepted(WhyOpsBatch batch, bool isArray) =>
        WhyOpsAnswers.Json(202, new { success = true, accepted = true, queuedCount = batch.Stored.Count });

    static IResult Created(WhyOpsBatch batch, bool isArray) => isArray
        ? WhyOpsAnswers.Json(201, batch.Stored.Values.Select(WhyOpsResult.Of))
        : WhyOpsAnswers.Json(201, WhyOpsResult.Of(batch.Stored[0]));

    /// <summary>The one event of an object body did not make it: the original's answers to that.</summary>
    static IResult Refused(WhyOpsBatch batch)
    {
        if (batch.Refusal is { } rule) return WhyOpsAnswers.Json(rule is TraceBoundToAnotherAgent ? 409 : 400, new { error = rule.Message });
        var faults = batch.Faults[0];
        return faults[0].Code is WhyOpsRules.MissingModel or WhyOpsRules.MissingProvider
            ? WhyOpsAnswers.Json(400, new { error = faults[0].Message })
            : Invalid(faults);
    }

    /// <summary>
    /// 400 with every bad element by its index, and what is durable all the same. Of more than 100 faults each element shows its first, and
    /// of more than 100 elements the first hundred are named; <c>failedCount</c> tells them all.
    /// </summary>
    static IResult Partly(WhyOpsBatch batch, bool withResults)
    {
        var all = batch.Faults.Sum(element => element.Value.Count) <= MostDetails;
        return WhyOpsAnswers.Json(400, new
        {
            error = WhyOpsAnswers.ValidationFailed,
            details = batch.Faults
                .SelectMany(
                    element => element.Value.Take(all ? element.Value.Count : 1),
                    (element, f) => new { index = element.Key, field = f.Field, message = f.Message, code = f.Code })
                .Take(MostDetails),
            failedCount = batch.Faults.Count,
            stored = batch.Stored.Keys,
            results = withResults ? batch.Stored.Values.Select(WhyOpsResult.Of) : null,
        });
    }

    static IResult Invalid(IEnumerable<Fault> faults) => WhyOpsAnswers.Json(400, new
    {
        error = WhyOpsAnswers.ValidationFailed,
        details = faults.Select(f => new { field = f.Field, message = f.Message, code = f.Code }),
    });

    /// <summary>What is wrong with the request around its body. A body without a content type is taken for JSON.</summary>
    static Fault? RequestFault(HttpRequest request)
    {
        if (!string.IsNullOrEmpty(request.ContentType) && !request.HasJsonContentType())
            return new("Content-Type", "invalid_union", "Invalid input: the body must be application/json");
        foreach (var (field, name) in WhyOpsRules.ScopeIds)
            foreach (var id in request.Query[field])
                if (WhyOpsRules.UuidFault(field, name, id) is { } fault) return fault;
        return null;
    }

    /// <summary>The user of the events that name none.</summary>
    static string? UserOf(HttpRequest request)
    {
        const string Header = "X-External-User-Id";
        var user = request.Headers[Header].ToString();
        if (user.Length > WhyOpsRules.LongestUser) throw new BadRequest(Header, $"{Header} must be at most {WhyOpsRules.LongestUser} characters.");
        return user.Length == 0 ? null : user;
    }
}

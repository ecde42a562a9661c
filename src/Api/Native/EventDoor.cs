using System.Globalization;
using System.Text;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Intake;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>POST /api/v1/events</c>, our own ingest door: a JSON array, one object, or lines of JSON (<c>application/x-ndjson</c>).
/// </summary>
/// <remarks>
/// Each element gets its own answer. All good: 202. Any bad: 400 that names each bad index and field, and the good ones are stored all the
/// same; 409 when the one event of the request is known with another content. With an <c>Idempotency-Key</c> the ids of events that bring
/// none follow from it, so that a retry has one effect even where the first answer was lost with the process.
/// </remarks>
internal static class EventDoor
{
    public const int MostBytes = RequestBody.DefaultLimit;

    public static async Task PostAsync(HttpContext http, IMediator mediator, IdempotencyKeys keys, TimeProvider clock)
    {
        var caller = http.Caller();
        var key = KeyOf(http.Request);
        using var body = await RequestBody.ReadAsync(http, MostBytes, http.RequestAborted);
        using var batch = EventBatch.Of(http.Request, body.Bytes);

        var isFirst = false;
        // Others with the same key may be waiting for this one's work, and the work reads this one's body: a caller that leaves ends neither.
        var answer = key is null
            ? await AppendAsync(http.RequestAborted)
            : await keys.RunAsync(caller.Project, key, body.Bytes, AppendAsync, CancellationToken.None);
        if (!isFirst)
        {
            http.Counts(IntakeFate.Duplicate, EventTally.Kept(answer));
            http.Counts(IntakeFate.Refused, batch.Elements.Count - EventTally.Kept(answer));
        }

        if (answer.Position is { } position) http.Response.Headers["X-Log-Position"] = position.ToString(CultureInfo.InvariantCulture);
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = answer.Body.Length;
        await http.Response.Body.WriteAsync(answer.Body, http.RequestAborted);

        async Task<StoredAnswer> AppendAsync(CancellationToken ct)
        {
            isFirst = true;
            var tally = new EventTally(batch.IsSingle);
            var good = new List<(int Index, EventElement Element)>();
            for (var i = 0; i < batch.Elements.Count; i++)
            {
                var (element, raw, broken) = batch.Elements[i];
                var faults = new List<Fault>();
                if (broken is { } line) faults.Add(line);
                if (faults.Count == 0 && EventElement.Read(element, raw, IdOf(caller.Project, key, i), faults) is { } read) good.Add((i, read));
                else tally.Refuse(i, faults);
            }
            http.Counts(IntakeFate.Refused, batch.Elements.Count - good.Count);
            if (good.Count > 0)
            {
                var outcomes = await mediator.Send(new AppendEvents(caller, good.ConvertAll(x => x.Element.Event)), ct);
                foreach (var ((index, element), outcome) in good.Zip(outcomes)) tally.Add(index, element, outcome);
            }
            return tally.Answer(clock.GetUtcNow());
        }
    }

    static Guid? IdOf(string project, string? key, int index) => key is null
        ? null
        : EventIds.Of("native"u8.ToArray(), Encoding.UTF8.GetBytes(project), Encoding.UTF8.GetBytes(key), BitConverter.GetBytes(index));

    /// <summary>Two keys are none: which one is meant is a guess.</summary>
    static string? KeyOf(HttpRequest request) => request.Headers["Idempotency-Key"] switch
    {
        [] => null,
        [{ } key] => key,
        _ => throw new BadRequest("Idempotency-Key", "Must be one text."),
    };
}

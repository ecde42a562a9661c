using System.Text.Json;
using Hindcast.Application.Intake;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Dialects.Trubrics;

/// <summary>Trubrics' two doors (contract: Trubrics, 3.1 to 3.4). They only take in; nothing is read through them.</summary>
/// <remarks>
/// 200 <c>{"status":"success"}</c> when every element is durable, an empty list too. Any bad element: 422 in FastAPI's form, which names each
/// bad index and field, with the indexes that are durable as <c>stored</c>. The SDKs send a refused batch once more: what is stored stays one fact.
/// </remarks>
internal static class TrubricsDoors
{
    const int MostEvents = 100;
    const int MostBytes = RequestBody.DefaultLimit;

    delegate IReadOnlyList<NewEvent> Reads(
        TrubricsElement elements, JsonElement element, ReadOnlyMemory<byte> raw, int index, List<TrubricsFault> faults);

    public static Task PublishEventsAsync(HttpContext http, IMediator mediator, Subjects subjects, TimeProvider clock) =>
        PublishAsync(http, mediator, new(http.Caller().Project, clock.GetUtcNow(), subjects), (all, element, raw, index, faults) => all.Product(element, raw, index, faults));

    public static Task PublishLlmEventsAsync(HttpContext http, IMediator mediator, Subjects subjects, TimeProvider clock) =>
        PublishAsync(http, mediator, new(http.Caller().Project, clock.GetUtcNow(), subjects), (all, element, raw, index, faults) => all.Llm(element, raw, index, faults));

    static async Task PublishAsync(HttpContext http, IMediator mediator, TrubricsElement elements, Reads read)
    {
        using var body = await RequestBody.ReadAsync(http, MostBytes, http.RequestAborted);
        var faults = new List<TrubricsFault>();
        using var batch = Parse(body.Bytes, faults);
        if (batch is null)
        {
            http.Counts(IntakeFate.RefusedRequest, 1);
            await AnswerAsync(http, faults, []);
            return;
        }

        var events = new List<NewEvent>();
        var places = new List<(int Index, int Count)>();
        for (var i = 0; i < batch.Elements.Count; i++)
        {
            var made = read(elements, batch.Elements[i], batch.RawOf(i), i, faults);
            if (made.Count == 0) continue;
            places.Add((i, made.Count));
            events.AddRange(made);
        }
        http.Counts(IntakeFate.Refused, batch.Elements.Count - places.Count);
        if (events.Count == 0)
        {
            await AnswerAsync(http, faults, []);
            return;
        }

        var outcomes = await mediator.Send(new AppendEvents(http.Caller(), events), http.RequestAborted);
        http.Response.Wrote(outcomes);
        var stored = new List<int>();
        var next = 0;
        foreach (var (index, count) in places)
        {
            // An element is stored when all that was made of it is.
            if (outcomes.Skip(next).Take(count).FirstOrDefault(o => o.Refused is not null) is { } no)
                faults.Add(new(["body", index], no.Refused!.Message, "value_error"));
            else stored.Add(index);
            next += count;
        }
        await AnswerAsync(http, faults, stored);
    }

    static BatchBody? Parse(ReadOnlyMemory<byte> body, List<TrubricsFault> faults)
    {
        BatchBody batch;
        try
        {
            batch = JsonBatch.Parse(body);
        }
        catch (MalformedBody e)
        {
            faults.Add(new(["body"], e.Message, "json_invalid"));
            return null;
        }
        if (batch.IsArray && batch.Elements.Count <= MostEvents) return batch;
        faults.Add(batch.IsArray
            ? new(["body"], $"List should have at most {MostEvents} items after validation, not {batch.Elements.Count}", "too_long")
            : new(["body"], "Input should be a valid list", "list_type"));
        batch.Dispose();
        return null;
    }

    static Task AnswerAsync(HttpContext http, List<TrubricsFault> faults, List<int> stored)
    {
        if (faults.Count == 0) return http.Response.WriteAsJsonAsync(new TrubricsAnswer("success"), Native.Envelope.Json);

        http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
        return http.Response.WriteAsJsonAsync(
            new TrubricsRefused([.. faults.OrderBy(f => f.Loc is [_, int index, ..] ? index : -1)], stored), Native.Envelope.Json);
    }

    /// <summary>Refusals of a whole request: a sentence. Both SDKs show <c>detail</c> as it stands.</summary>
    public static Task RefuseAsync(HttpContext http, Refusal refusal) =>
        http.Response.WriteAsJsonAsync(
            new { detail = refusal.Status == StatusCodes.Status401Unauthorized ? "Invalid API key" : refusal.Message }, Native.Envelope.Json);
}

public sealed record TrubricsAnswer(string Status);

/// <param name="Stored">Indexes of the elements that are durable all the same.</param>
public sealed record TrubricsRefused(IReadOnlyList<TrubricsFault> Detail, IReadOnlyList<int> Stored);

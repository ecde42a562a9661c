using System.Text.Json;
using System.Text.Json.Serialization;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Projects;
using Hindcast.Domain;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>Every element stored, or known before.</summary>
public sealed record EventsAnswer(int Accepted, IReadOnlyList<EventResult> Results);

/// <summary>Our envelope, and beside it every fault (the first 100 of <c>ErrorCount</c>), the indexes that are durable, and their places.</summary>
public sealed record EventsRefused(
    EventsError Error, EventsMeta Meta,
    IReadOnlyList<EventFault> Errors, int ErrorCount, IReadOnlyList<int> Stored, IReadOnlyList<EventResult> Results);

public sealed record EventsError(string Code, string Message);

public sealed record EventsMeta(DateTimeOffset Timestamp);

/// <param name="Field">Dotted path inside the element; empty when the element itself is meant.</param>
public sealed record EventFault(int Index, string Field, string Code, string Message);

/// <param name="Status"><c>stored</c> or <c>duplicate</c>; of a duplicate, the places are the first one's.</param>
/// <param name="EventId">As the sender gave it, else the id it was given here.</param>
/// <param name="SpanId">Null for a score of the whole trace.</param>
public sealed record EventResult(
    int Index, string Status, string EventId, string TraceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? SpanId,
    long Revision, long Position);

/// <summary>Collects what became of each element and words the answer. <paramref name="isSingle"/>: the body was one object.</summary>
internal sealed class EventTally(bool isSingle)
{
    const int MostErrors = 100;

    readonly List<EventFault> _faults = [];
    readonly List<EventResult> _results = [];

    public void Refuse(int index, IEnumerable<Fault> faults) =>
        _faults.AddRange(faults.Select(f => new EventFault(index, f.Field, f.Code, f.Message)));

    public void Add(int index, EventElement element, Outcome outcome)
    {
        if (outcome.Refused is { } why)
        {
            _faults.Add(FaultOf(index, why));
            return;
        }
        var header = outcome.Header!;
        _results.Add(new(
            index, outcome.Duplicate ? "duplicate" : "stored", element.GivenId ?? header.EventId.ToString("D"),
            element.Event.TraceId, header.SpanId, outcome.Revision, outcome.Position.Value));
    }

    /// <summary>202 when nothing was refused, else 400, or 409 for one event that is known with another content.</summary>
    public StoredAnswer Answer(DateTimeOffset now)
    {
        long? position = _results.Count > 0 ? _results.Max(r => r.Position) : null;
        // Of an empty batch nothing is to be waited for, and the start of the log is always there.
        if (_faults.Count == 0)
            return new(StatusCodes.Status202Accepted, Json(new EventsAnswer(_results.Count, _results)), position ?? LogPosition.Start.Value);

        var faults = _faults.OrderBy(f => f.Index).ToList();
        var conflict = isSingle && faults is [{ Code: "conflict" }];
        var error = conflict
            ? new EventsError("CONFLICT", faults[0].Message)
            : new("VALIDATION_FAILED",
                $"{faults.Select(f => f.Index).Distinct().Count()} of the events were refused; errors names them, stored those that are kept.");
        return new(
            conflict ? StatusCodes.Status409Conflict : StatusCodes.Status400BadRequest,
            Json(new EventsRefused(error, new(now), [.. faults.Take(MostErrors)], faults.Count, [.. _results.Select(r => r.Index)], _results)),
            position);
    }

    /// <summary>How many events an answer says are there.</summary>
    public static int Kept(StoredAnswer answer)
    {
        using var said = JsonDocument.Parse(answer.Body);
        return said.RootElement.GetProperty("results").GetArrayLength();
    }

    static EventFault FaultOf(int index, RuleBroken why) => why switch
    {
        EventIdTaken => new(index, "event_id", "conflict", why.Message),
        TraceTooLarge => new(index, "trace_id", "trace_too_large", why.Message),
        TraceIsErased => new(index, "trace_id", "trace_erased", why.Message),
        TraceBoundToAnotherAgent => new(index, "agent", "agent_conflict", why.Message),
        _ => new(index, "", "refused", why.Message),
    };

    static byte[] Json<T>(T answer) => JsonSerializer.SerializeToUtf8Bytes(answer, Envelope.Json);
}

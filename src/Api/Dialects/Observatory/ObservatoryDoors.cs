using System.Buffers;
using System.Text.Json;
using AutoMapper;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using MediatR;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>
/// The reading doors of the LLM Observatory contract (4.3 to 4.8): spans listed, searched and one by one; and whole traces the same way,
/// which are ours.
/// </summary>
internal static class ObservatoryDoors
{
    static readonly TimeSpan KeepOne = TimeSpan.FromSeconds(300);

    /// <summary><c>GET /api/v1/traces</c>: spans, the newest first unless sorted otherwise.</summary>
    public static async Task List(HttpContext http, IMediator app, IMapper mapper, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        await SpansAsync(answer, ObservatoryQuery.OfParameters(http, SpanCatalogue.Instance, answer.Now), app, mapper, ct);
    }

    /// <summary><c>POST /api/v1/traces/search</c>: the same by a filter of any depth.</summary>
    public static async Task Search(HttpContext http, IMediator app, IMapper mapper, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        await SpansAsync(answer, await ObservatoryQuery.OfBodyAsync(http, SpanCatalogue.Instance, answer.Now, ct), app, mapper, ct);
    }

    /// <summary><c>GET /api/v1/events</c>: product events, Trubrics' among them: spans of the kind <c>event</c>. Which is ours.</summary>
    public static async Task ListEvents(HttpContext http, IMediator app, IMapper mapper, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        var query = ObservatoryQuery.OfParameters(http, SpanCatalogue.Instance, answer.Now);
        var events = Conditions.Of(SpanCatalogue.Instance.Field("operation_type"), FilterOperator.Eq, "event");
        await SpansAsync(answer, query with { Name = $"{query.Name}\nevents", Search = query.Search with { Filter = query.Search.Filter.And(events) } }, app, mapper, ct);
    }

    /// <summary><c>GET /api/v1/runs</c>: whole traces.</summary>
    public static async Task ListRuns(HttpContext http, IMediator app, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        await RunsAsync(answer, ObservatoryQuery.OfParameters(http, RunCatalogue.Instance, answer.Now), app, ct);
    }

    /// <summary><c>POST /api/v1/runs/search</c>.</summary>
    public static async Task SearchRuns(HttpContext http, IMediator app, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        await RunsAsync(answer, await ObservatoryQuery.OfBodyAsync(http, RunCatalogue.Instance, answer.Now, ct), app, ct);
    }

    /// <summary><c>GET /api/v1/traces/{trace_id}</c>: the newest span of that trace.</summary>
    /// <exception cref="NotFound">None that the caller may see.</exception>
    public static async Task One(string traceId, HttpContext http, IMediator app, IMapper mapper, CancellationToken ct)
    {
        var answer = new ObservatoryAnswer(http);
        var caller = http.Caller();
        var absent = new NotFound($"Trace with ID '{traceId}' not found");
        if (caller.Projects is [] || traceId.Contains('\0')) throw absent;
        var name = string.Join('\n', caller.Projects is null ? "*" : string.Join(',', caller.Projects), "trace", caller.KeyId, caller.Role, traceId);
        if (await answer.FromCacheAsync(caller.Projects, name, ct)) return;

        var filter = Conditions.Of(SpanCatalogue.Instance.Field("trace_id"), FilterOperator.Eq, traceId.Length <= Conditions.LongestText ? traceId : throw absent);
        var found = await app.Send(new SearchSpans(new(SpanCatalogue.Instance, caller.Projects, filter, new(SpanCatalogue.Instance.SortField("ts"), true), null, 1)), ct);
        if (found.Rows is not [var newest, ..]) throw absent;
        await answer.WriteAsync(caller.Projects, name, KeepOne, json =>
        {
            json.WritePropertyName("data");
            JsonSerializer.Serialize(json, mapper.Map<ObservatoryTrace>(newest), Envelope.Json);
        }, ct);
    }

    static Task SpansAsync(ObservatoryAnswer answer, ObservatoryQuery query, IMediator app, IMapper mapper, CancellationToken ct) => PageAsync(
        answer, query, async search => await app.Send(new SearchSpans(search), ct), (json, row) => WriteTrace(json, mapper.Map<ObservatoryTrace>(row), query.Fields), ct);

    static Task RunsAsync(ObservatoryAnswer answer, ObservatoryQuery query, IMediator app, CancellationToken ct) => PageAsync(
        answer, query, async search => await app.Send(new SearchRuns(search), ct), RunJson.Write, ct);

    static async Task PageAsync<T>(ObservatoryAnswer answer, ObservatoryQuery query, Func<Search, Task<Found<T>>> find, Action<Utf8JsonWriter, T> write, CancellationToken ct)
    {
        var search = query.Search;
        if (search.Filter.Conditions.Any(c => c.UsesTexts)) await answer.ReachTextsAsync(ct);
        // First pages only: what is behind a cursor is read once.
        var name = query.Cursor is null ? $"{query.Name}\n{search.Limit}\n{(query.Fields is null ? "" : string.Join(',', query.Fields.Order(StringComparer.Ordinal)))}" : null;
        if (await answer.FromCacheAsync(search.Projects, name, ct)) return;

        if (query.Cursor is not null) search = search with { After = answer.PlaceOf(query.Cursor, query.Name) };
        var found = await find(search);
        // Who finds nothing yet is likely to look again for what is on its way.
        await answer.WriteAsync(search.Projects, found.Rows.Count == 0 ? null : name, query.Keep, json =>
        {
            json.WriteStartArray("data");
            foreach (var row in found.Rows) write(json, row);
            json.WriteEndArray();
            json.WriteStartObject("pagination");
            if (found.Next is { } next) json.WriteString("cursor", answer.CursorTo(next, query.Name));
            json.WriteBoolean("has_more", found.Next is not null);
            json.WriteNumber("limit", search.Limit);
            json.WriteEndObject();
        }, ct);
    }

    internal static void WriteTrace(Utf8JsonWriter json, ObservatoryTrace trace, IReadOnlySet<string>? fields)
    {
        if (fields is null)
        {
            JsonSerializer.Serialize(json, trace, Envelope.Json);
            return;
        }
        json.WriteStartObject();
        foreach (var member in JsonSerializer.SerializeToElement(trace, Envelope.Json).EnumerateObject())
            if (fields.Contains(member.Name)) member.WriteTo(json);
        json.WriteEndObject();
    }
}

using System.Text.Json;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application;
using Hindcast.Application.Analytics;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/sessions</c> and <c>/api/v1/users</c>: the last active first, with the Observatory's envelope, paging and cursor. Parameters: <c>from</c> and
/// <c>to</c> (when a trace started), <c>project_id</c>, <c>session_id</c> or <c>user_id</c> for one of them, <c>limit</c> (1 to 1000, default 50), <c>cursor</c>. Tokens and
/// cost are null where nothing is known of them; cost in USD, and <c>unpriced_calls</c> says how many calls it leaves out.
/// </summary>
internal static class PeopleDoors
{
    public static Task Sessions(HttpContext http, IMediator app, CancellationToken ct) => ListAsync(http, RunGroupBy.Session, app, ct);

    public static Task Users(HttpContext http, IMediator app, CancellationToken ct) => ListAsync(http, RunGroupBy.User, app, ct);

    static async Task ListAsync(HttpContext http, RunGroupBy by, IMediator app, CancellationToken ct)
    {
        var (answer, given, caller) = (new ObservatoryAnswer(http), new QueryValues(http.Request.Query), http.Caller());
        var projects = ObservatoryQuery.Reach(caller, given.Text("project_id"));
        var (from, to, only) = (Moment("from"), Moment("to"), given.Text(by == RunGroupBy.Session ? "session_id" : "user_id"));
        var name = string.Join('\n', projects is null ? "*" : string.Join(',', projects), by, caller.KeyId, caller.Role, from, to, only);
        var after = given.Text("cursor") is { } cursor ? answer.PlaceOf(cursor, name) : null;
        var limit = given.Whole("limit", 50, 1, 1_000);
        var found = await app.Send(new ListRunGroups(by, projects, from?.Micros(), to?.Micros(), only, after, limit), ct);
        await answer.WriteAsync(projects, null, default, json =>
        {
            json.WriteStartArray("data");
            foreach (var group in found.Rows) Write(json, by, group);
            json.WriteEndArray();
            json.WriteStartObject("pagination");
            if (found.Next is { } next) json.WriteString("cursor", answer.CursorTo(next, name));
            json.WriteBoolean("has_more", found.Next is not null);
            json.WriteNumber("limit", limit);
            json.WriteEndObject();
        }, ct);

        DateTimeOffset? Moment(string parameter) => given.Text(parameter) is not { } text ? null
            : ObservatoryTimes.TryParse(text, answer.Now, out var time) ? time
            : throw new BadRequest(parameter, $"{parameter} must be an ISO 8601 time, or one like now-1h");
    }

    static void Write(Utf8JsonWriter json, RunGroupBy by, RunGroup group)
    {
        json.WriteStartObject();
        json.WriteString(by == RunGroupBy.Session ? "session_id" : "user_id", group.Id);
        if (by == RunGroupBy.Session) json.WriteString("user_id", group.User);
        json.WriteString("project_id", group.Project);
        TreeJson.Time(json, by == RunGroupBy.Session ? "started_at" : "first_at", group.FirstAt);
        TreeJson.Time(json, "last_at", group.LastAt);
        json.WriteNumber("trace_count", group.Traces);
        json.WriteNumber(by == RunGroupBy.Session ? "user_count" : "session_count", group.Others);
        json.WriteNumber("error_count", group.Errors);
        json.WritePropertyName("total_tokens");
        JsonSerializer.Serialize(json, group.Tokens, Envelope.Json);
        json.WritePropertyName("total_cost_usd");
        JsonSerializer.Serialize(json, TreeJson.UsdOf(group.Cost), Envelope.Json);
        json.WriteNumber("unpriced_calls", group.Unpriced);
        json.WriteNumber("feedback_count", group.Scores);
        json.WriteEndObject();
    }
}

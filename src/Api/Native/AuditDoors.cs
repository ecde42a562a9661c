using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/audit</c>: who did what, the newest first, and nothing that changes it. Parameters: <c>actor</c>, <c>action</c>, <c>from</c> (inclusive), <c>to</c>
/// (exclusive), <c>project_id</c>, <c>limit</c> (1 to 1000, default 50), <c>cursor</c>. An admin key sees its own project; one of the project <c>default</c> all.
/// </summary>
internal static class AuditDoors
{
    public static async Task<IResult> List(HttpContext http, SearchCursors cursors, KeyRing keys, Members members, IMediator app, CancellationToken ct)
    {
        var (given, caller) = (new QueryValues(http.Request.Query), http.Caller());
        var (project, actor, action, from, to) = (given.Text("project_id"), given.Text("actor"), given.Text("action"), given.Moment("from"), given.Moment("to"));
        var limit = given.Whole("limit", 50, 1, 1_000);
        var name = string.Join('\n', "audit", caller.Project, caller.KeyId, project, actor, action, from?.Micros(), to?.Micros());
        var before = given.Text("cursor") is { } cursor ? (long?)cursors.Read(cursor, name).Sort : null;

        var (rows, more) = await app.Send(new ListDeeds(caller, new(project, actor, action, from, to, before, limit)), ct);
        http.Response.Headers.CacheControl = "private, no-store";
        return Results.Json(new
        {
            data = rows.Select(row => new
            {
                id = row.Position, at = row.At.UtcDateTime, row.Actor, ActorName = row.Actor is { } id ? keys.Row(id)?.Name ?? members.All.FirstOrDefault(m => m.Id == id)?.Name : null, row.Action, row.Target,
                ProjectId = row.Project, row.Outcome, row.Address,
            }),
            pagination = new { cursor = more ? cursors.Write(new(rows[^1].Position, rows[^1].At.Micros(), "", "", rows[^1].Project), name) : null, has_more = more, limit },
        }, Envelope.Json);
    }
}

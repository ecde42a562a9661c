using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/members</c>: sign-in names with a role. A new member's secret is in the answer that makes it and nowhere else; name and secret are for
/// <c>/app/login</c> and <c>/auth/token</c>. An admin sees to the members of its own project; one of the project <c>default</c> to all.
/// </summary>
internal static class MemberDoors
{
    public static async Task<IResult> List(string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        Private(http);
        return Results.Json(new { data = (await app.Send(new ListMembers(http.Caller(), project_id), ct)).Select(m => Shown(m, null)) }, Envelope.Json);
    }

    /// <summary>201: <c>{name, role}</c>, answered with the <c>secret</c>.</summary>
    public static Task<IResult> Create(HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(null, http, app, StatusCodes.Status201Created, ct);

    /// <summary>What is not named stays; <c>renew_secret</c> makes another secret.</summary>
    public static Task<IResult> Change(string id, HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(id, http, app, StatusCodes.Status200OK, ct);

    public static async Task<IResult> Remove(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new RemoveMember(http.Caller(), id), ct);
        return Results.NoContent();
    }

    static async Task<IResult> SaveAsync(string? id, HttpContext http, IMediator app, int status, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var (member, secret) = await app.Send(
            new SaveMember(http.Caller(), body.Text("project_id"), id, body.Text("name"), body.Text("role"), body.Flag("renew_secret") ?? false), ct);
        Private(http);
        return Results.Json(Shown(member, secret), Envelope.Json, statusCode: status);
    }

    static object Shown(Member m, string? secret) =>
        new { m.Id, secret, m.Name, m.Role, ProjectId = m.Project, CreatedAt = m.Created.UtcDateTime, UpdatedAt = m.Updated.UtcDateTime };

    static void Private(HttpContext http) => http.Response.Headers.CacheControl = "private, no-store";
}

using Hindcast.Application;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/keys</c>: issue, list, replace and end keys. An admin key sees to the keys of its own project; one of the project
/// <c>default</c> to all.
/// </summary>
internal static class KeyDoors
{
    public static async Task<IResult> List(string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        Private(http);
        var keys = await app.Send(new ListKeys(http.Caller(), project_id), ct);
        return Results.Json(keys.Select(KeyJson.Of), Envelope.Json);
    }

    public static async Task<IResult> Create(HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var command = new CreateKey(http.Caller()) { Project = body.Text("project_id"), Name = body.Text("name"), Scopes = body.Scopes() };
        command = command with
        {
            Environment = body.Text("environment") ?? command.Environment,
            Plan = body.Text("plan") ?? command.Plan,
            MonthlyQuota = body.Whole("monthly_quota"),
            Expires = body.Moment("expires_at"),
            Prefix = body.Text("prefix") ?? command.Prefix,
        };
        var issued = await app.Send(command, ct);
        return Issued(http, issued, clock);
    }

    public static async Task<IResult> Rotate(string id, HttpContext http, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var hours = (await KeyBody.ReadAsync(http, ct)).Number("overlap_hours") ?? RotateKey.DefaultOverlap.TotalHours;
        if (hours < 0 || hours > RotateKey.LongestOverlap.TotalHours)
            throw new BadRequest("overlap_hours", $"overlap_hours must be from 0 to {RotateKey.LongestOverlap.TotalHours}.");
        return Issued(http, await app.Send(new RotateKey(http.Caller(), id, TimeSpan.FromHours(hours)), ct), clock);
    }

    public static async Task<IResult> Revoke(string id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new RevokeKey(http.Caller(), id), ct);
        return Results.NoContent();
    }

    static IResult Issued(HttpContext http, IssuedKey issued, TimeProvider clock)
    {
        Private(http);
        var now = clock.GetUtcNow();
        var listed = KeyJson.Of(new(issued.Row, issued.Row.IsExpired(now), Old: false));
        return Results.Json(listed with { Key = issued.Secret }, Envelope.Json, statusCode: StatusCodes.Status201Created);
    }

    static void Private(HttpContext http) => http.Response.Headers.CacheControl = "private, no-store";
}

/// <summary>A key as it is shown.</summary>
/// <param name="Key">The key itself, in the answer that issues it; absent ever after.</param>
/// <param name="Status"><c>active</c>, <c>rotated</c> (works until <c>valid_until</c>), <c>expired</c> or <c>revoked</c>.</param>
/// <param name="RotationDue">Older than 90 days.</param>
internal sealed record KeyJson(
    string Id, string? Key, string Masked, string ProjectId, string? Name, IReadOnlyList<string> Scopes, string Environment, string Plan, long? MonthlyQuota,
    string Status, DateTime CreatedAt, DateTime? ExpiresAt, DateTime? RevokedAt, DateTime? LastUsedAt, string? RotatedTo, DateTime? ValidUntil, bool RotationDue)
{
    public static KeyJson Of(ListedKey listed)
    {
        var row = listed.Row;
        return new(
            row.Id, null, row.Masked, row.Project, row.Name, ScopeNames.List(row.Scopes), row.Environment, row.Plan, row.MonthlyQuota,
            row.Revoked is not null ? "revoked" : listed.Expired ? "expired" : row.RotatedTo is not null ? "rotated" : "active",
            row.Created.UtcDateTime, row.Expires?.UtcDateTime, row.Revoked?.UtcDateTime, row.LastUsed?.UtcDateTime, row.RotatedTo, row.ValidUntil?.UtcDateTime,
            listed.Old);
    }
}

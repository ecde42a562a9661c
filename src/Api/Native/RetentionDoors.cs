using Hindcast.Application;
using Hindcast.Application.Retention;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>/api/v1/retention</c>: how many days a project keeps its traces after their last fact was recorded; null keeps them.</summary>
internal static class RetentionDoors
{
    public static async Task<IResult> Get(string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Answer(await app.Send(new GetRetention(http.Caller(), project_id), ct), null);

    /// <summary><c>{days, confirm?, project_id?}</c>. <c>?dry_run=true</c> only answers what would go; more than a tenth of the project goes only with <c>confirm: true</c>.</summary>
    public static async Task<IResult> Put(bool? dry_run, HttpContext http, IMediator app, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        var days = body.Whole("days") is not { } whole ? null : (int?)Math.Clamp(whole, 0, int.MaxValue);
        return Answer(await app.Send(new SetRetention(http.Caller(), body.Text("project_id"), days, dry_run ?? false, body.Flag("confirm") ?? false), ct), dry_run ?? false);
    }

    static IResult Answer(RetentionState state, bool? dryRun) => Results.Json(new
    {
        state.Set.Days, DryRun = dryRun, state.Count.Traces, state.Count.Expired, state.Count.NeedsConfirmation, ConfirmedAt = state.Set.ConfirmedAt?.UtcDateTime,
        Sweep = state.Sweep is { } s ? new { BeganAt = s.Began.UtcDateTime, s.Running, s.Held, s.Gone, s.Of } : null,
    }, Envelope.Json);
}

using System.Text.Json;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application;
using Hindcast.Application.Alerts;
using Hindcast.Application.Search;
using Hindcast.Domain.Alerts;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>/api/v1/alerts</c>: rules, looked at once for each minute that has finished. <c>{name, filter?, metric, window_minutes?, comparison?,
/// threshold, cooldown_minutes?, enabled?, webhook_url, secret?}</c>: the filter is that of a search, the metric one of error_rate (0 to 1),
/// p95_ms, cost_usd, requests, absence (needs no threshold), the comparison gt, gte, lt or lte.
/// </summary>
internal static class AlertDoors
{
    /// <summary>A filter of the deepest kind within a body.</summary>
    const int Deepest = 128;

    public static async Task<IResult> List(string? project_id, HttpContext http, IMediator app, CancellationToken ct) =>
        Results.Json((await app.Send(new ListAlerts(http.Caller(), project_id), ct)).Select(a => Shown(a.Alert, a.State)), Envelope.Json);

    public static async Task<IResult> Get(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var (alert, state) = await app.Send(new GetAlert(http.Caller(), project_id, id), ct);
        return Results.Json(Shown(alert, state), Envelope.Json);
    }

    /// <summary>201, with the secret that its messages are signed with: the one that was given, else a new one.</summary>
    public static Task<IResult> Create(HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(null, http, app, StatusCodes.Status201Created, ct);

    /// <summary>What is not named stays; the filter <c>{}</c> takes every request.</summary>
    public static Task<IResult> Change(string id, HttpContext http, IMediator app, CancellationToken ct) => SaveAsync(id, http, app, StatusCodes.Status200OK, ct);

    public static async Task<IResult> Delete(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        await app.Send(new DeleteAlert(http.Caller(), project_id, id), ct);
        return Results.NoContent();
    }

    /// <summary><c>from</c> and <c>to</c> bound the ends of the windows. 422 where it would take too much reading.</summary>
    public static async Task<IResult> Try(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new QueryValues(http.Request.Query);
        var tried = await app.Send(new TryAlert(http.Caller(), project_id, id, given.Moment("from"), given.Moment("to")), ct);
        return Results.Json(new
        {
            from = tried.From.UtcDateTime,
            to = tried.To.UtcDateTime,
            tried.Windows,
            fired = tried.Turns.Count(t => t.Turn == AlertTurn.Firing),
            turns = tried.Turns.Select(t => new { at = t.To.UtcDateTime, type = t.Turn.Name(), t.Value, window = new { from = t.From.UtcDateTime, to = t.To.UtcDateTime } }),
            last_value = tried.Last.Value,
        }, Envelope.Json);
    }

    /// <summary><c>limit</c> is 1 to 500 (100); <c>before</c> takes <c>next_before</c> of the page before.</summary>
    public static async Task<IResult> Deliveries(string id, string? project_id, HttpContext http, IMediator app, CancellationToken ct)
    {
        var given = new QueryValues(http.Request.Query);
        var (limit, before) = (given.Whole("limit", 100, 1, 500), given.Whole("before", int.MaxValue, 1, int.MaxValue));
        var deliveries = await app.Send(new ListDeliveries(http.Caller(), project_id, id, before, limit + 1), ct);
        return Results.Json(new
        {
            items = deliveries.Take(limit).Select(d => new
            {
                d.Position, d.Id, type = d.Turn.Name(), State = d.State.Name(), d.Attempts, d.Status, d.Error, CreatedAt = d.Created.UtcDateTime,
                NextAttemptAt = d.State == DeliveryState.Pending ? d.Due.UtcDateTime : (DateTime?)null, EndedAt = d.Ended?.UtcDateTime,
                body = JsonElement.Parse(d.Body, new() { MaxDepth = Deepest }),
            }),
            next_before = deliveries.Count > limit ? deliveries[limit - 1].Position : (long?)null,
        }, Envelope.Json);
    }

    /// <summary>The filter of a search, from its JSON.</summary>
    public static Filter FilterOf(string json, DateTimeOffset now) =>
        new ObservatoryFilter(SpanCatalogue.Instance, now).Read(JsonElement.Parse(json, new() { MaxDepth = Deepest }));

    static async Task<IResult> SaveAsync(string? id, HttpContext http, IMediator app, int status, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct, Deepest);
        var (alert, state, secret) = await app.Send(
            new SaveAlert(http.Caller(), body.Text("project_id"), id)
            {
                Name = body.Text("name"), Filter = body.Raw("filter"), Metric = Named<AlertMetric>(body, "metric"), WindowMinutes = body.Whole("window_minutes"),
                Comparison = Named<AlertComparison>(body, "comparison"), Threshold = body.Number("threshold"), CooldownMinutes = body.Whole("cooldown_minutes"),
                Enabled = body.Flag("enabled"), WebhookUrl = body.Text("webhook_url"), Secret = body.Text("secret"),
            }, ct);
        return Results.Json(Shown(alert, state, status == StatusCodes.Status201Created ? secret : null), Envelope.Json, statusCode: status);
    }

    static T? Named<T>(KeyBody body, string name) where T : struct, Enum => body.Text(name) is not { } text ? null
        : AlertJson.Named<T>(text) ?? throw new BadRequest(name, $"{name} must be one of {string.Join(", ", Enum.GetValues<T>().Select(v => v.Name()))}.");

    static object Shown(Alert a, AlertState s, string? secret = null) => new
    {
        a.Id, a.Name, filter = a.Filter is { } json ? JsonElement.Parse(json, new() { MaxDepth = Deepest }) : (JsonElement?)null,
        metric = a.Metric.Name(), a.WindowMinutes,
        comparison = a.Metric == AlertMetric.Absence ? null : a.Comparison.Name(), threshold = a.Metric == AlertMetric.Absence ? (double?)null : a.Threshold,
        a.CooldownMinutes, a.Enabled, a.WebhookUrl, Secret = secret,
        s.Firing, s.Value, s.Trouble, EvaluatedAt = s.Evaluated.UtcDateTime, FiredAt = s.FiredAt?.UtcDateTime,
        CreatedAt = a.Created.UtcDateTime, UpdatedAt = a.Updated.UtcDateTime,
    };
}

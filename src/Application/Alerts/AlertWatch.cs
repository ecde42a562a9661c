using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Alerts;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Alerts;

/// <summary>Looks at each rule once for each minute that has finished, and writes down what has to be told.</summary>
/// <remarks>
/// Rules are in the vault, which one process has, so no other looks at them. A minute is looked at when the read models hold everything that
/// was in the log after it; while they cannot, it waits. Minutes that were missed are looked at later, in order, up to an hour of them.
/// </remarks>
public sealed class AlertWatch(
    IAlertStore store, IServiceScopeFactory scopes, IEventLog log, ServingModels models, TimeProvider clock, IOptions<HindcastOptions> options, ILogger<AlertWatch> logger)
{
    static readonly string[] s_read = ["traces", "texts"];
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    static readonly TimeSpan s_mostMissed = TimeSpan.FromHours(1);

    /// <exception cref="Unavailable">The read models do not hold it yet.</exception>
    public async Task LookAsync(CancellationToken ct)
    {
        var finished = AlertHistory.Minute(clock.GetUtcNow() - options.Value.Alerts.Settle);
        var due = (await store.AlertsAsync(ct)).Where(a => a.Alert.Enabled && a.State.Evaluated < finished).ToList();
        if (due.Count == 0) return;
        var head = await log.HeadAsync(ct);
        foreach (var projection in s_read) await models.ReachAsync(projection, head, s_patience, clock, ct);
        foreach (var (alert, state) in due)
        {
            var begin = state.Evaluated < finished - s_mostMissed ? state with { Evaluated = finished - s_mostMissed } : state;
            await LookAsync(alert, state, begin, finished, ct);
        }
    }

    async Task LookAsync(Alert alert, AlertState stored, AlertState begin, DateTimeOffset last, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            var (state, turns) = await AlertHistory.SeeAsync(scope.ServiceProvider.GetRequiredService<IMediator>(), alert, begin, last, ct);
            await store.MoveAsync(alert.Id, stored.Evaluated, state, [.. turns.Select(t => Told(alert, t, clock.GetUtcNow()))], ct);
        }
        catch (Exception e) when (e is Unprocessable or QueryTooSlow or BadRequest)
        {
            // It would be so again in a second: these minutes are passed, and the rule says why.
            logger.LogWarning("Alert {Alert} could not be measured: {Why}", alert.Id, e.Message);
            await store.MoveAsync(alert.Id, stored.Evaluated, begin with { Evaluated = last, Value = null, Trouble = e.Message }, [], ct);
        }
        catch (Exception e) when (e is not (Unavailable or LogUnavailable or OperationCanceledException))
        {
            // One rule holds up no other.
            logger.LogError(e, "Alert {Alert} could not be looked at; it is tried again", alert.Id);
        }
    }

    static Delivery Told(Alert alert, Turned turned, DateTimeOffset now)
    {
        var id = $"dlv_{EventIds.Of(Encoding.UTF8.GetBytes(alert.Id), BitConverter.GetBytes(turned.To.Micros()), [(byte)turned.Turn]):n}";
        var body = JsonSerializer.Serialize(
            new
            {
                id,
                type = turned.Turn == AlertTurn.Firing ? "alert.firing" : "alert.resolved",
                project_id = alert.Project,
                alert = new
                {
                    alert.Id, alert.Name,
                    Filter = alert.Filter is { } filter ? JsonElement.Parse(filter, new() { MaxDepth = 128 }) : (JsonElement?)null,
                    alert.Metric, alert.WindowMinutes,
                    Comparison = alert.Metric == AlertMetric.Absence ? (AlertComparison?)null : alert.Comparison,
                    Threshold = alert.Metric == AlertMetric.Absence ? (double?)null : alert.Threshold,
                },
                value = turned.Value,
                window = new { from = turned.From.UtcDateTime, to = turned.To.UtcDateTime },
            }, AlertJson.Options);
        return new(0, id, alert.Id, turned.Turn, body, now, now);
    }
}

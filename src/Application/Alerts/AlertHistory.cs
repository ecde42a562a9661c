using Hindcast.Domain.Alerts;
using MediatR;

namespace Hindcast.Application.Alerts;

/// <summary>A rule turning, with the window that turned it.</summary>
public sealed record Turned(AlertTurn Turn, DateTimeOffset From, DateTimeOffset To, double Value);

/// <summary>The one evaluation: a rule over consecutive windows, one a minute. What runs now and what is tried on the past both go through here.</summary>
static class AlertHistory
{
    /// <param name="last">The end of the last window; the first is a minute behind what was seen already.</param>
    public static async Task<(AlertState State, IReadOnlyList<Turned> Turns)> SeeAsync(IMediator app, Alert rule, AlertState state, DateTimeOffset last, CancellationToken ct)
    {
        var minutes = await app.Send(new MeasureRequests(rule.Project, rule.Filter, state.Evaluated.AddMinutes(1 - rule.WindowMinutes), last), ct);
        var turns = new List<Turned>();
        while (state.Evaluated < last)
        {
            var end = state.Evaluated.AddMinutes(1);
            (state, var turn) = state.See(rule, end, minutes.ValueOf(rule, end));
            if (turn is { } turned) turns.Add(new(turned, end.AddMinutes(-rule.WindowMinutes), end, state.Value!.Value));
        }
        return (state, turns);
    }

    /// <summary>The minute that a moment lies in.</summary>
    public static DateTimeOffset Minute(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
}

using Hindcast.Application.Projects;
using Hindcast.Domain.Alerts;
using MediatR;

namespace Hindcast.Application.Alerts;

/// <summary>When a rule would have fired between two moments, had it been looked at each minute and nothing been known of it before. Nothing is sent.</summary>
/// <param name="From">Null: an hour and the window before <paramref name="To"/>.</param>
/// <param name="To">Null: the last finished minute.</param>
/// <exception cref="NotFound">There is no such rule in the project.</exception>
/// <exception cref="Unprocessable">It would take too much reading.</exception>
public sealed record TryAlert(Caller By, string? Project, string Id, DateTimeOffset? From, DateTimeOffset? To) : IRequest<TriedAlert>
{
    /// <summary>Windows times minutes in each.</summary>
    const int MostMinutes = 200_000;

    internal sealed class Handler(IAlertStore store, IMediator app, TimeProvider clock) : IRequestHandler<TryAlert, TriedAlert>
    {
        public async Task<TriedAlert> Handle(TryAlert query, CancellationToken ct)
        {
            var (rule, _) = await store.FindAsync(query.By.Managed(query.Project), query.Id, ct);
            var finished = AlertHistory.Minute(clock.GetUtcNow());
            var to = query.To is { } asked && asked < finished ? AlertHistory.Minute(asked) : finished;
            if (to < DateTimeOffset.UnixEpoch) throw new BadRequest("to", "to must lie after 1970");
            var from = AlertHistory.Minute(query.From ?? to.AddMinutes(-60 - rule.WindowMinutes));
            if (from >= to) throw new BadRequest("to", "to must lie at least a finished minute after from");
            var windows = (to - from).Ticks / TimeSpan.TicksPerMinute;
            if (windows * rule.WindowMinutes > MostMinutes)
                throw new Unprocessable("too_many_windows", $"{windows} windows of {rule.WindowMinutes} minutes are too many to try at once; choose a shorter time range");
            var (state, turns) = await AlertHistory.SeeAsync(app, rule, new(from), to, ct);
            return new(from, to, (int)windows, turns, state);
        }
    }
}

/// <param name="Windows">How many were looked at: those that end in (from, to].</param>
/// <param name="Last">As it would stand at the end.</param>
public sealed record TriedAlert(DateTimeOffset From, DateTimeOffset To, int Windows, IReadOnlyList<Turned> Turns, AlertState Last);

using Hindcast.Application.Projects;
using Hindcast.Domain.Alerts;
using MediatR;

namespace Hindcast.Application.Alerts;

/// <summary>Rules and how they stand, the oldest first.</summary>
public sealed record ListAlerts(Caller By, string? Project) : IRequest<IReadOnlyList<(Alert Alert, AlertState State)>>
{
    internal sealed class Handler(IAlertStore store) : IRequestHandler<ListAlerts, IReadOnlyList<(Alert Alert, AlertState State)>>
    {
        public async Task<IReadOnlyList<(Alert Alert, AlertState State)>> Handle(ListAlerts query, CancellationToken ct)
        {
            var project = query.By.Managed(query.Project);
            return [.. (await store.AlertsAsync(ct)).Where(a => a.Alert.Project == project)];
        }
    }
}

/// <exception cref="NotFound">There is no such rule in the project.</exception>
public sealed record GetAlert(Caller By, string? Project, string Id) : IRequest<(Alert Alert, AlertState State)>
{
    internal sealed class Handler(IAlertStore store) : IRequestHandler<GetAlert, (Alert Alert, AlertState State)>
    {
        public Task<(Alert Alert, AlertState State)> Handle(GetAlert query, CancellationToken ct) => store.FindAsync(query.By.Managed(query.Project), query.Id, ct);
    }
}

/// <summary>What was told of a rule and how it was taken, the newest first; those that ended are kept for 30 days.</summary>
/// <param name="Before">A position; null: from the newest on.</param>
/// <exception cref="NotFound">There is no such rule in the project.</exception>
public sealed record ListDeliveries(Caller By, string? Project, string Id, long? Before, int Limit) : IRequest<IReadOnlyList<Delivery>>
{
    internal sealed class Handler(IAlertStore store) : IRequestHandler<ListDeliveries, IReadOnlyList<Delivery>>
    {
        public async Task<IReadOnlyList<Delivery>> Handle(ListDeliveries query, CancellationToken ct)
        {
            var (alert, _) = await store.FindAsync(query.By.Managed(query.Project), query.Id, ct);
            return await store.DeliveriesAsync(alert.Id, query.Before ?? long.MaxValue, query.Limit, ct);
        }
    }
}

static class AlertsFound
{
    /// <exception cref="NotFound">The project has none of that id.</exception>
    public static async Task<(Alert Alert, AlertState State)> FindAsync(this IAlertStore store, string project, string id, CancellationToken ct) =>
        (await store.AlertsAsync(ct)).FirstOrDefault(a => a.Alert.Project == project && a.Alert.Id == id) is { Alert: not null } found ? found : throw new NotFound($"There is no alert '{id}'.");
}

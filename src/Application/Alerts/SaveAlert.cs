using System.Buffers.Text;
using System.Security.Cryptography;
using Hindcast.Application.Audit;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Alerts;
using MediatR;

namespace Hindcast.Application.Alerts;

/// <summary>Adds a rule, or changes one: members that are null stay as they are. A rule is looked at from the next minute on.</summary>
/// <returns>The rule, and its secret where this command gave it one: it is not shown again.</returns>
/// <exception cref="BadRequest">A member has no meaning.</exception>
/// <exception cref="NotFound">There is no such rule in the project.</exception>
public sealed record SaveAlert(Caller By, string? Project, string? Id) : IRequest<(Alert Alert, AlertState State, string? Secret)>, IAudited
{
    const int MostAlerts = 100;
    const int LongestName = 255;
    const int LongestUrl = 2_000;
    const int ShortestSecret = 16, LongestSecret = 255;

    public string? Name { get; init; }
    /// <summary>JSON; an empty object: every request.</summary>
    public string? Filter { get; init; }
    public AlertMetric? Metric { get; init; }
    public long? WindowMinutes { get; init; }
    public AlertComparison? Comparison { get; init; }
    public double? Threshold { get; init; }
    public long? CooldownMinutes { get; init; }
    public bool? Enabled { get; init; }
    public string? WebhookUrl { get; init; }
    public string? Secret { get; init; }

    public Deed? Deed(object? answer) => new(
        By, Id is null ? "alert.create" : "alert.change", Id ?? (answer is ValueTuple<Alert, AlertState, string?> made ? made.Item1.Id : null), Project);

    internal sealed class Handler(IAlertStore store, IWebhooks webhooks, FilterWords words, Streams streams, TimeProvider clock)
        : IRequestHandler<SaveAlert, (Alert Alert, AlertState State, string? Secret)>
    {
        public async Task<(Alert Alert, AlertState State, string? Secret)> Handle(SaveAlert command, CancellationToken ct)
        {
            var (project, now) = (command.By.Managed(command.Project), Streams.Micros(clock.GetUtcNow()));
            var known = command.Id is { } id ? (await store.FindAsync(project, id, ct)).Alert : null;
            var alert = Changed(command, known, project, now);
            if (known is null && (await store.AlertsAsync(ct)).Count(a => a.Alert.Project == project) >= MostAlerts)
                throw new BadRequest("name", $"A project has at most {MostAlerts} alerts.");
            if (command.Secret is { } own && (own.Length is < ShortestSecret or > LongestSecret || own.AsSpan().ContainsAnyExceptInRange('!', '~')))
                throw new BadRequest("secret", $"secret must have {ShortestSecret} to {LongestSecret} printable ASCII characters.");
            var secret = command.Secret ?? (known is null ? $"whsec_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}" : null);

            await streams.DecideAsync(StreamName.Of("alerts", project, "settings"), _ =>
            [
                KeyStream.Draft(
                    new AlertSet(
                        alert.Id, alert.Name, alert.Filter, alert.Metric.Name(), alert.WindowMinutes, alert.Comparison.Name(), alert.Threshold,
                        alert.CooldownMinutes, alert.Enabled, new Uri(alert.WebhookUrl).Host, secret is not null), command.By, project, now),
            ], ct);
            // Minutes before the change are not looked at by the rule it became.
            var state = await store.SaveAsync(alert, AlertHistory.Minute(now), secret, ct);
            return (alert, state, secret);
        }

        Alert Changed(SaveAlert command, Alert? known, string project, DateTimeOffset now)
        {
            var name = command.Name ?? known?.Name;
            if (name is not { Length: > 0 and <= LongestName }) throw new BadRequest("name", $"name must have 1 to {LongestName} characters.");
            var metric = command.Metric ?? known?.Metric ?? throw new BadRequest("metric", "metric must be error_rate, p95_ms, cost_usd, requests or absence.");
            var threshold = command.Threshold ?? known?.Threshold ?? (metric == AlertMetric.Absence ? 0 : throw new BadRequest("threshold", "threshold must be a number."));
            return (known ?? new() { Id = $"alert_{Guid.CreateVersion7(now):n}", Project = project, Name = name, Metric = metric, WindowMinutes = 1, WebhookUrl = "", Created = now }) with
            {
                Name = name, Metric = metric, Threshold = threshold, Updated = now,
                Filter = command.Filter is { } filter ? Checked(filter, now) : known?.Filter,
                WindowMinutes = In("window_minutes", command.WindowMinutes ?? known?.WindowMinutes ?? 5, 1, Alert.LongestWindow),
                CooldownMinutes = In("cooldown_minutes", command.CooldownMinutes ?? known?.CooldownMinutes ?? 0, 0, Alert.LongestCooldown),
                Comparison = command.Comparison ?? known?.Comparison ?? AlertComparison.Gt,
                Enabled = command.Enabled ?? known?.Enabled ?? true,
                WebhookUrl = command.WebhookUrl is null && known is not null ? known.WebhookUrl : Checked(command.WebhookUrl),
            };
        }

        /// <summary>It is read here once, so that nobody is told at night that it cannot be.</summary>
        string? Checked(string filter, DateTimeOffset now)
        {
            if (filter == "{}") return null;
            _ = words(filter, now);
            return filter;
        }

        string Checked(string? url)
        {
            if (url is not { Length: <= LongestUrl } || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http")
                || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || uri.Host.Length == 0)
                throw new BadRequest("webhook_url", $"webhook_url must be an https address of at most {LongestUrl} characters, without user and fragment.");
            return webhooks.Refuses(uri) is { } why ? throw new BadRequest("webhook_url", why) : uri.AbsoluteUri;
        }

        static int In(string name, long value, int least, int most) =>
            value >= least && value <= most ? (int)value : throw new BadRequest(name, $"{name} must be from {least} to {most}.");
    }
}

/// <exception cref="NotFound">There is no such rule in the project.</exception>
public sealed record DeleteAlert(Caller By, string? Project, string Id) : IRequest, IAudited
{
    public Deed? Deed(object? answer) => new(By, "alert.delete", Id, Project);

    internal sealed class Handler(IAlertStore store, Streams streams, TimeProvider clock) : AsyncRequestHandler<DeleteAlert>
    {
        protected override async Task Handle(DeleteAlert command, CancellationToken ct)
        {
            var (alert, _) = await store.FindAsync(command.By.Managed(command.Project), command.Id, ct);
            await streams.DecideAsync(
                StreamName.Of("alerts", alert.Project, "settings"), _ => [KeyStream.Draft(new AlertDeleted(alert.Id), command.By, alert.Project, clock.GetUtcNow())], ct);
            await store.DeleteAsync(alert.Id, ct);
        }
    }
}

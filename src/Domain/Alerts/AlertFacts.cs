namespace Hindcast.Domain.Alerts;

/// <summary>A rule was added or changed. Addresses of webhooks are often secrets themselves: here is the host alone.</summary>
[EventName("alert_set")]
public sealed record AlertSet(
    string AlertId, string Name, string? Filter, string Metric, int WindowMinutes, string Comparison, double Threshold, int CooldownMinutes, bool Enabled,
    string WebhookHost, bool SecretChanged);

[EventName("alert_deleted")]
public sealed record AlertDeleted(string AlertId);

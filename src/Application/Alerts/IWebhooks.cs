namespace Hindcast.Application.Alerts;

/// <summary>The way out to webhooks: by the same rules as to providers, within a time, and reading no more of an answer than its status.</summary>
public interface IWebhooks
{
    /// <summary>Why nothing is sent to an address, as far as it can be told from its text; null: it can.</summary>
    string? Refuses(Uri address);

    /// <returns>The status, or why there is none. It does not throw for what the other side does.</returns>
    Task<(int? Status, string? Error)> PostAsync(Uri address, ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken ct);
}

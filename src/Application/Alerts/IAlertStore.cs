using Hindcast.Domain.Alerts;

namespace Hindcast.Application.Alerts;

/// <summary>Rules, how far each has been looked at, and what has to be told of them: a backlog with positions, in the vault.</summary>
/// <remarks>
/// A turn and the deliveries it makes are stored in one transaction, and what was stored survives the death of the machine; so a crash
/// neither loses a firing nor makes it a second time. A delivery whose answer a crash took away is sent again under the same id.
/// </remarks>
public interface IAlertStore
{
    Task<IReadOnlyList<(Alert Alert, AlertState State)>> AlertsAsync(CancellationToken ct);

    /// <summary>Inserts or replaces a rule. What is known of one that is there stays, but for where it is looked at from.</summary>
    /// <param name="from">Windows that end by then are not looked at.</param>
    /// <param name="secret">Null: the one it has.</param>
    /// <exception cref="NotFound">Without a secret there has to be one, and it was deleted meanwhile.</exception>
    Task<AlertState> SaveAsync(Alert alert, DateTimeOffset from, string? secret, CancellationToken ct);

    /// <summary>Deletes a rule with its deliveries, sent or not.</summary>
    Task DeleteAsync(string id, CancellationToken ct);

    /// <summary>Moves a rule on from where it stood, and adds what has to be told; nothing happens when it stands elsewhere by now.</summary>
    Task MoveAsync(string id, DateTimeOffset from, AlertState to, IReadOnlyList<Delivery> deliveries, CancellationToken ct);

    /// <summary>What is due, the oldest of each rule: a resolution is never told before its firing.</summary>
    Task<IReadOnlyList<DueDelivery>> DueAsync(DateTimeOffset now, int limit, CancellationToken ct);

    /// <summary>Writes down how an attempt went, and forgets deliveries that ended before <paramref name="olderThan"/>.</summary>
    Task AttemptedAsync(Delivery delivery, DateTimeOffset olderThan, CancellationToken ct);

    /// <summary>The newest first.</summary>
    /// <param name="before">A position; none of these or later.</param>
    Task<IReadOnlyList<Delivery>> DeliveriesAsync(string alert, long before, int limit, CancellationToken ct);
}

public enum DeliveryState { Pending, Delivered, Failed }

/// <summary>A message to a webhook.</summary>
/// <param name="Position">Its place in the backlog; 0 until it has one.</param>
/// <param name="Id">Follows from the rule, the window and the turn.</param>
/// <param name="Body">JSON.</param>
/// <param name="Due">When it is tried next.</param>
/// <param name="Status">What the last attempt was answered; null: nothing.</param>
public sealed record Delivery(
    long Position, string Id, string Alert, AlertTurn Turn, string Body, DateTimeOffset Created, DateTimeOffset Due, int Attempts = 0,
    DeliveryState State = DeliveryState.Pending, int? Status = null, string? Error = null, DateTimeOffset? Ended = null);

/// <summary>One that is to be sent now, to where and under which secret.</summary>
public sealed record DueDelivery(Delivery Delivery, string Url, string Secret);

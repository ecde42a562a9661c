using Hindcast.Application.Gateway;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// A follower rests while calls of models keep the processors busy, and what has gathered by then costs less. Not for ever: it goes on when it is a
/// second behind, and at once for who asks for a position.
/// </summary>
sealed class GivingWay(CallsAtOnce calls, TimeProvider clock)
{
    readonly Rush _rush = new(calls, clock);

    /// <param name="recordedAt">When the newest fact that can be read was recorded.</param>
    public async Task RestAsync(ProjectionProgress progress, DateTimeOffset? recordedAt, CancellationToken ct)
    {
        while (Rests(progress.IsWaitedFor, recordedAt)) await progress.WokenAsync(Rush.Look, clock, ct);
    }

    internal bool Rests(bool waitedFor, DateTimeOffset? recordedAt) => _rush.IsOn() && !waitedFor && clock.GetUtcNow() - recordedAt < Rush.MostBehind;
}

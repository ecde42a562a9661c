using Hindcast.Application.Operations;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Projects;

/// <summary>
/// Writes down in the background when keys were last used, and lets go of old answers to Idempotency-Keys. Neither is worth a request's
/// time; a use that a crash takes away is one that people are not shown.
/// </summary>
public sealed class KeyCare(KeyRing ring, IVault vault, IdempotencyKeys answers, TimeProvider clock, ILogger<KeyCare> logger)
    : Chore(TimeSpan.FromSeconds(5), "The times of last use of keys could not be saved", clock, logger)
{
    const int RoundsToSweep = 120;

    int _round;

    protected override async Task DoAsync(CancellationToken ct)
    {
        await SaveUsesAsync(ct);
        if (_round++ % RoundsToSweep == 0) await answers.SweepAsync(ct);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await SaveUsesAsync(cancellationToken);
    }

    internal async Task SaveUsesAsync(CancellationToken ct)
    {
        if (ring.TakeUses() is { Count: > 0 } uses) await vault.SaveUseAsync(uses, ct);
    }
}

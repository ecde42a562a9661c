using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Projects;

/// <summary>
/// Writes down in the background when keys were last used, and lets go of old answers to Idempotency-Keys. Neither is worth a request's
/// time; a use that a crash takes away is one that people are not shown.
/// </summary>
public sealed class KeyCare(KeyRing ring, IVault vault, IdempotencyKeys answers, TimeProvider clock, ILogger<KeyCare> logger) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    const int RoundsToSweep = 120;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        for (var round = 0; ; round++)
        {
            try
            {
                if (round % RoundsToSweep == 0) await answers.SweepAsync(stoppingToken);
                if (!await timer.WaitForNextTickAsync(stoppingToken)) return;
                await SaveUsesAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogWarning("The times of last use of keys could not be saved: {Reason}", e.Message);
            }
        }
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

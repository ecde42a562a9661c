using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Gateway;

/// <summary>Writes down what is used of budgets. What a crash takes away is the last second; what was reserved then counts as used.</summary>
public sealed class LedgerCare(Ledger ledger, TimeProvider clock, ILogger<LedgerCare> logger) : BackgroundService
{
    static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_every, clock);
        while (true)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(stoppingToken)) return;
                await ledger.SaveAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogWarning("What is used of budgets could not be saved: {Reason}", e.GetType().Name);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await ledger.SaveAsync(cancellationToken);
    }
}

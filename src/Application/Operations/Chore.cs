using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Operations;

/// <summary>Something small that is done again and again while the process runs. What fails is said and done again the next time.</summary>
/// <param name="failed">What it means for people that it could not be done.</param>
public abstract class Chore(TimeSpan every, string failed, TimeProvider clock, ILogger logger) : BackgroundService
{
    protected abstract Task DoAsync(CancellationToken ct);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(every, clock);
        while (true)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(stoppingToken)) return;
                await DoAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogWarning("{What}: {Reason}", failed, e.Message);
            }
        }
    }
}

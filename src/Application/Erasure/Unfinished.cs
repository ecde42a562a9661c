using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Erasure;

/// <summary>Goes on with erasures that a crash interrupted between the vault and the log.</summary>
public sealed class Unfinished(ISubjectKeys keys, Erasures erasures, TimeProvider clock, ILogger<Unfinished> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var erasure in keys.Begun())
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await erasures.FinishAsync(erasure, stoppingToken);
                    break;
                }
                catch (EventSourcing.LogUnavailable away)
                {
                    logger.LogWarning("An erasure waits for the log: {Reason}", away.Message);
                    await Task.Delay(away.RetryAfter, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
    }
}

public static class ErasureModule
{
    public static IServiceCollection AddErasure(this IServiceCollection services) => services.AddSingleton<Erasures>().AddHostedService<Unfinished>();
}

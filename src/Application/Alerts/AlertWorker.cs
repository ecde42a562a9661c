using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Application.Alerts;

/// <summary>Looks each second whether a minute has finished or a delivery is due. Neither waits for the other: a webhook that hangs holds up no evaluation.</summary>
public sealed class AlertWorker(AlertWatch watch, AlertPost post, TimeProvider clock, ILogger<AlertWorker> logger) : BackgroundService
{
    static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        Task.Run(() => KeepAsync(watch.LookAsync, "looked at", stoppingToken), CancellationToken.None), Task.Run(() => KeepAsync(post.SendAsync, "told", stoppingToken), CancellationToken.None));

    async Task KeepAsync(Func<CancellationToken, Task> work, string what, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await work(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogWarning("Alerts could not be {What}, and will be later: {Why}", what, e is Unavailable ? e.Message : e.GetType().Name);
            }
            await Task.Delay(s_every, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <summary>Alerts, looked at in the background.</summary>
public static class AlertsModule
{
    /// <param name="watch">There are followers of the log, without which there is nothing to look at.</param>
    public static IServiceCollection AddAlerts(this IServiceCollection services, bool watch)
    {
        services.AddSingleton<AlertWatch>().AddSingleton<AlertPost>();
        return watch ? services.AddHostedService<AlertWorker>() : services;
    }
}

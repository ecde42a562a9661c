using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.CommandLine;

/// <summary>
/// Serves until it is told to stop. The data directory is taken before anything in it is opened and let go after everything is closed; the
/// first admin key is minted before the first request; the address is written into the lock file when there is one to write.
/// </summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string[] args, Func<string[], WebApplication> build, Terminal terminal)
    {
        DataDirectoryLock? held = null;
        try
        {
            await using var app = build(args);
            OpenMode.Check(app.Services);
            held = DataDirectoryLock.Take(app.Services.GetRequiredService<IOptions<HindcastOptions>>().Value.DataDirectory);
            var minted = await MintAsync(app.Services, terminal);
            await app.StartAsync();
            var address = Reachable(app.Urls);
            held.Announce(address);
            terminal.Out.WriteLine($"Console: {address}/app/login#{app.Services.GetRequiredService<LoginLinks>().Make()} (signs in once, within the hour)");
            terminal.Out.Flush();
            if (!minted) _ = MintWhenPossibleAsync(app.Services, terminal, app.Lifetime.ApplicationStopping);
            await app.WaitForShutdownAsync();
            return 0;
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>False: the log is away, and with it the place where a key's making is written down. The server starts all the same.</summary>
    static async Task<bool> MintAsync(IServiceProvider services, Terminal terminal)
    {
        await using var scope = services.CreateAsyncScope();
        try
        {
            if (await scope.ServiceProvider.GetRequiredService<FirstStart>().RunAsync(CancellationToken.None) is not { } issued) return true;
            terminal.Out.WriteLine($"Admin key, shown this once (only its hash is kept): {issued.Secret}");
        }
        catch (LogUnavailable away)
        {
            terminal.Out.WriteLine($"No admin key yet: {away.Message} It is made as soon as the log can be reached.");
            terminal.Out.Flush();
            return false;
        }
        terminal.Out.Flush();
        return true;
    }

    static async Task MintWhenPossibleAsync(IServiceProvider services, Terminal terminal, CancellationToken stopping)
    {
        var log = services.GetRequiredService<IEventLog>();
        while (true)
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1), services.GetRequiredService<TimeProvider>(), stopping);
                await log.HeadAsync(stopping);
                if (await MintAsync(services, terminal)) return;
            }
            catch (LogUnavailable)
            {
                // Still away.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>An address somebody on this machine can call: cleartext first, and no wildcard for a host.</summary>
    internal static string? Reachable(IEnumerable<string> urls)
    {
        if (urls.OrderBy(u => u.StartsWith("https", StringComparison.OrdinalIgnoreCase)).FirstOrDefault() is not { } url) return null;
        var address = BindingAddress.Parse(url);
        var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "127.0.0.1" : address.Host;
        return $"{address.Scheme}://{host}:{address.Port}";
    }
}

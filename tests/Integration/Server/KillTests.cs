using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>F1: what was acknowledged is there once, however the process died. Ten times here; <c>HINDCAST_TEST_KILLS=200</c> for a night.</summary>
public sealed class KillTests
{
    const int LeastEach = 1_000;
    static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_KILLS") ?? "10", System.Globalization.CultureInfo.InvariantCulture);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task F1_every_acknowledged_event_is_read_back_once_after_every_kill()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-kill-").FullName;
        var load = new CrashLoad();
        var random = new Random(1);
        await using (var server = await HindcastProcess.StartAsync(folder))
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                using var stop = new CancellationTokenSource();
                var (writing, before) = (load.WriteAsync(server, stop.Token), load.Acknowledged);
                // On a busy machine a second may be too short for anything to be at stake.
                while (load.Acknowledged < before + LeastEach) await Task.Delay(20, Ct);
                await Task.Delay(random.Next(0, 1000), Ct);
                await server.KillAsync();
                await stop.CancelAsync();
                await writing;
                await server.StartAsync();
            }
            TestContext.Current.TestOutputHelper!.WriteLine($"{Kills} kills, {load.Acknowledged} events acknowledged");
            await load.ShouldBeKeptAsync(server);
        }
        Directory.Delete(folder, recursive: true);
    }
}

using System.Net;
using System.Net.Http.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server.Disk;

/// <summary>Power cuts, failing syncs and a full disk, on the real server: what a kill alone cannot show (the kernel keeps what a process wrote).</summary>
public sealed class DiskFaultTests
{
    static readonly int Cuts = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_CUTS") ?? "5", System.Globalization.CultureInfo.InvariantCulture);
    static readonly int Failures = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_DISK_FAILURES") ?? "4", System.Globalization.CultureInfo.InvariantCulture);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task F2_what_was_acknowledged_survives_a_power_cut()
    {
        await using var disk = FaultyDisk.Make();
        var load = new CrashLoad();
        var random = new Random(2);
        await using var server = await HindcastProcess.StartAsync(disk.Data, disk.Sound());
        for (var cut = 0; cut < Cuts; cut++) await CutAsync(server, disk, load, random.Next(300, 1500));
        load.Acknowledged.Should().BeGreaterThan(500, "otherwise nothing was tried");
        TestContext.Current.TestOutputHelper!.WriteLine($"{Cuts} power cuts, {load.Acknowledged} events acknowledged");
        await load.ShouldBeKeptAsync(server);
    }

    [Fact]
    public async Task F2_a_disk_that_lies_about_its_syncs_is_noticed_by_this_test()
    {
        await using var disk = FaultyDisk.Make();
        var load = new CrashLoad();
        await using (var made = await HindcastProcess.StartAsync(disk.Data, disk.Sound())) { }
        await using var server = await HindcastProcess.StartAsync(disk.Data, disk.With(("DISK_LIE", "1")));
        await CutAsync(server, disk, load, 800);
        await load.Invoking(l => l.ShouldBeKeptAsync(server)).Should().ThrowAsync<Exception>("events are lost on such a disk, and the check must say so");
    }

    [Fact]
    public async Task F14_a_sync_that_fails_is_never_an_acknowledgement()
    {
        for (var k = 1; k <= Failures; k++)
        {
            await using var disk = FaultyDisk.Make();
            var load = new CrashLoad();
            await using (var made = await HindcastProcess.StartAsync(disk.Data, disk.Sound())) { }
            await using var server = await HindcastProcess.StartAsync(disk.Data, disk.With(("DISK_FAIL_SYNC", $"{(k * 7) + 3}")));
            await CutAsync(server, disk, load, 800);
            load.Acknowledged.Should().BeGreaterThan(0, $"it goes on after sync {(k * 7) + 3} failed");
            await load.ShouldBeKeptAsync(server);
        }
    }

    [Fact]
    public async Task F13_a_full_disk_refuses_with_503_and_what_was_acknowledged_is_kept()
    {
        for (var k = 1; k <= Failures; k++)
        {
            await using var disk = FaultyDisk.Make();
            var load = new CrashLoad();
            await using (var made = await HindcastProcess.StartAsync(disk.Data, disk.Sound())) { }
            await using var server = await HindcastProcess.StartAsync(disk.Data, disk.With(("DISK_FAIL_WRITE", $"{k * 11}")));
            using var http = server.Client();
            HttpResponseMessage? refused = null;
            for (var i = 0; i < 300 && refused is null; i++)
            {
                var response = await http.PostAsJsonAsync("/api/v1/events", new { type = "user_message", trace_id = "full", content = "x" }, Ct);
                if (!response.IsSuccessStatusCode) refused = response;
            }
            refused!.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.Should().NotBeNull();

            // Space is back (only the one write failed), and nobody has to start anything again.
            await CutAsync(server, disk, load, 800);
            load.Acknowledged.Should().BeGreaterThan(0);
            await load.ShouldBeKeptAsync(server);
        }
    }

    /// <summary>After so long, and not before something of every trace was acknowledged: a busy machine may take longer than that.</summary>
    static async Task CutAsync(HindcastProcess server, FaultyDisk disk, CrashLoad load, int milliseconds)
    {
        using var stop = new CancellationTokenSource();
        var writing = load.WriteAsync(server, stop.Token);
        await Task.Delay(milliseconds, Ct);
        for (var i = 0; i < 600 && !load.ReachedEveryTrace; i++) await Task.Delay(100, Ct);
        await server.KillAsync();
        await stop.CancelAsync();
        await writing;
        disk.LosePower();
        disk.Mend();
        await server.StartAsync();
    }
}

using System.Diagnostics;

namespace Hindcast.Integration.Server;

/// <summary>A setting that cannot be is refused at the start, by its name: found out later, it is found out at night.</summary>
public sealed class SettingTests
{
    [Theory]
    [InlineData("Hindcast__Gateway__Gather", "-00:00:01", "Gateway.Gather")]
    [InlineData("Hindcast__TimeTravel__Facts", "0", "TimeTravel.Facts")]
    [InlineData("Hindcast__Limits__RequestsPerMinute", "-5", "Limits.RequestsPerMinute")]
    public async Task A_value_out_of_range_stops_the_start_and_is_named(string name, string value, string named)
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-settings-").FullName;
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll")]) { WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["Hindcast__DataDirectory"] = folder;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(1);
        said.Should().Contain(named).And.Contain("must be between");
        Directory.Delete(folder, recursive: true);
    }
}

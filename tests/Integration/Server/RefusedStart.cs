using System.Diagnostics;

namespace Hindcast.Integration.Server;

/// <summary>A server with settings that it does not start with, and what it says of that.</summary>
static class RefusedStart
{
    public static async Task<string> SaysAsync(params (string Name, string Value)[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-refused-").FullName;
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll")]) { WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["Hindcast__DataDirectory"] = folder;
        start.Environment.Remove("ASPNETCORE_URLS");
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(1);
        Directory.Delete(folder, recursive: true);
        return said;
    }
}

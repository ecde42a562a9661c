using System.Diagnostics;

namespace Hindcast.Integration.OpenTelemetry;

/// <summary>OpenTelemetry's JavaScript SDK, installed once beside the build and run with the machine's Node.</summary>
static class JavaScript
{
    static readonly Lazy<Task<string>> s_installed = new(InstallAsync);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <returns>What it said.</returns>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "npm"))))
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException("Node.js is needed in CI.");
            Assert.Skip("Node.js: npm is not here (./test installs it)");
        }
        return await StartAsync("node", await s_installed.Value, ["export.mjs", .. arguments]);
    }

    static async Task<string> InstallAsync()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Cqrs.sln"))) root = Path.GetDirectoryName(root)!;
        var folder = Directory.CreateDirectory(Path.Combine(root, "artifacts", "otlp-js")).FullName;
        var (wanted, installed) = (Path.Combine(root, "tests", "Integration", "OpenTelemetry", "js"), Path.Combine(folder, "installed"));
        foreach (var file in Directory.GetFiles(wanted)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        var lockFile = await File.ReadAllTextAsync(Path.Combine(wanted, "package-lock.json"));
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed) == lockFile) return folder;
        await StartAsync("npm", folder, ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        await File.WriteAllTextAsync(installed, lockFile);
        return folder;
    }

    static async Task<string> StartAsync(string program, string folder, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        process.ExitCode.Should().Be(0, string.Concat(said));
        return said[0];
    }
}

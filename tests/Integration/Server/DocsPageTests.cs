using System.Diagnostics;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>The API explorer in a real browser: its script runs under its own policy and shows every door.</summary>
public sealed class DocsPageTests
{
    [Fact]
    public async Task The_explorer_shows_the_doors_of_the_description()
    {
        if (Browser() is not { } browser)
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException("A browser is needed in CI.");
            Assert.Skip("Browser: neither chromium nor google-chrome is installed (./test installs it)");
            return;
        }
        var folder = Directory.CreateTempSubdirectory("hindcast-docs-").FullName;
        await using (var server = await HindcastProcess.StartAsync(folder))
        {
            var page = await DumpAsync(browser, new Uri(server.Address, "/docs"), Path.Combine(folder, "profile"));
            page.Should().Contain("Hindcast API").And.Contain("/api/v1/traces/{traceId}/tree").And.Contain("Try it").And.NotContain("Loading the description");
        }
        Directory.Delete(folder, recursive: true);
    }

    static string? Browser() => new[] { "/usr/bin/chromium", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    /// <summary>The page as it stands after its scripts ran.</summary>
    static async Task<string> DumpAsync(string browser, Uri page, string profile)
    {
        using var process = Process.Start(new ProcessStartInfo(browser,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", $"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom", page.ToString(),
        ]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var dom = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return dom;
    }
}

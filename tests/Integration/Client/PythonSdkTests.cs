using System.Diagnostics;
using Hindcast.Bench;
using Hindcast.Integration.Gateway;

namespace Hindcast.Integration.Client;

/// <summary>The Python SDK's own tests, with the machine's Python, against a fresh server.</summary>
public sealed class PythonSdkTests(ClientTests.WithProvider server) : IClassFixture<ClientTests.WithProvider>
{
    const string Program = "python3";

    [Fact]
    public async Task Its_tests_pass()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, Program))))
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException("Python is needed in CI.");
            Assert.Skip("Python: python3 is not here.");
        }
        server.Provider!.Reset((http, _) => FakeProvider.Json(http, 200, """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"""));

        var start = new ProcessStartInfo(Program, ["-B", "-W", "error", "-m", "unittest", "discover", "-s", "tests"])
        {
            WorkingDirectory = Path.Combine(Root(), "sdks", "python"), RedirectStandardError = true, RedirectStandardOutput = true,
        };
        (start.Environment["HINDCAST_URL"], start.Environment["HINDCAST_KEY"]) = (server.Process.Address.ToString(), HindcastProcess.Key);
        using var python = Process.Start(start)!;
        var said = await Task.WhenAll(python.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken), python.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await python.WaitForExitAsync(TestContext.Current.CancellationToken);
        python.ExitCode.Should().Be(0, string.Concat(said));
        said[0].Should().MatchRegex(@"Ran \d{2,} tests", "they were found");
    }

    [Fact]
    public async Task Its_types_hold()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "mypy"))))
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException("mypy is needed in CI.");
            Assert.Skip("Python: mypy is not installed (./test installs it)");
        }
        var cache = Directory.CreateTempSubdirectory("hindcast-mypy-");
        using var mypy = Process.Start(new ProcessStartInfo("mypy", ["--strict", "--enable-incomplete-feature=Unpack", $"--cache-dir={cache.FullName}", "hindcast"])
        {
            WorkingDirectory = Path.Combine(Root(), "sdks", "python"), RedirectStandardOutput = true,
        })!;
        var said = await mypy.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await mypy.WaitForExitAsync(TestContext.Current.CancellationToken);
        mypy.ExitCode.Should().Be(0, said);
        cache.Delete(recursive: true);
    }

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cqrs.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}

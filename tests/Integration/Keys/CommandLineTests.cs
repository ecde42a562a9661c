using Hindcast.Api;
using Hindcast.Api.CommandLine;
using Hindcast.Domain.Projects;

namespace Hindcast.Integration.Keys;

/// <summary>The command line on the files of a stopped server.</summary>
public sealed class CommandLineTests : IDisposable
{
    readonly string _folder = Path.Combine(Path.GetTempPath(), $"hindcast-cli-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_lost_key_is_no_lost_store()
    {
        var (code, key, about) = await RunAsync("keys", "create", "--admin", "--name", "found again");
        code.Should().Be(0, about);
        ApiKey.HasValidChecksum(key.Trim()).Should().BeTrue("the key alone is the result: {0}", key);

        (_, var list, _) = await RunAsync("keys", "list");
        var row = list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(2).And.Subject.Last().Split('\t');
        row[1].Should().Be(ApiKey.Mask("hc", key.Trim()[^4..]));
        list.Should().NotContain(key.Trim());

        (await RunAsync("keys", "rotate", row[0], "--overlap-hours=1.5")).Code.Should().Be(0);
        (await RunAsync("keys", "revoke", row[0])).Code.Should().Be(0);
        (await RunAsync("keys", "list")).Out.Should().Contain("revoked").And.Contain("active");
        (await RunAsync("log", "verify")).Code.Should().Be(0);
    }

    [Theory]
    [InlineData(2, "nonsense")]
    [InlineData(2, "keys")]
    [InlineData(2, "keys", "steal")]
    [InlineData(2, "keys", "create", "--colour", "red")]
    [InlineData(2, "keys", "create", "--name")]
    [InlineData(2, "keys", "create", "--name", "a", "--name", "b")]
    [InlineData(2, "keys", "create", "--scopes", "root")]
    [InlineData(2, "keys", "create", "--admin", "--scopes", "read")]
    [InlineData(2, "keys", "revoke")]
    [InlineData(2, "keys", "rotate", "a", "b")]
    [InlineData(2, "projections", "rebuild", "traces", "--url", "nonsense", "--key", "k")]
    [InlineData(1, "keys", "list")]
    [InlineData(1, "keys", "create", "--project", "Not A Project")]
    [InlineData(1, "projections", "status")]
    [InlineData(1, "demo", "--url", "http://127.0.0.1:1", "--key", "k")]
    [InlineData(0, "help")]
    [InlineData(0, "--version")]
    public async Task It_says_how_it_went(int expected, params string[] args)
    {
        var (code, _, error) = await RunAsync(args);
        code.Should().Be(expected, error);
        error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().HaveCount(expected == 0 ? 0 : 1, "it is one sentence: {0}", error);
    }

    [Fact]
    public async Task Files_that_somebody_works_on_are_left_alone()
    {
        using var held = DataDirectoryLock.Take(_folder);
        var (code, _, error) = await RunAsync("keys", "create", "--admin");
        code.Should().Be(1);
        error.Should().Contain($"process {Environment.ProcessId}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(true, "serve")]
    [InlineData(true, "--urls=http://127.0.0.1:0")]
    [InlineData(false, "--version")]
    [InlineData(false, "keys", "list")]
    public void Nothing_serve_and_settings_mean_the_server(bool serves, params string[] args) => CommandLine.Serves(args).Should().Be(serves);

    async Task<(int Code, string Out, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] where = args[0] is "keys" or "projections" or "log" && args.Length > 1 ? ["--data-directory", _folder] : [];
        var code = await CommandLine.RunAsync([.. args, .. where], Hosting.Build, Hosting.AddHindcast, new(output, error, forPeople: false));
        return (code, output.ToString(), error.ToString());
    }
}

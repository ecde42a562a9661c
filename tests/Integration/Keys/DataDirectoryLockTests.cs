using System.Diagnostics;
using Hindcast.Api.CommandLine;

namespace Hindcast.Integration.Keys;

public sealed class DataDirectoryLockTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-lock-").FullName;

    string File => Path.Combine(_folder, DataDirectoryLock.FileName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Who_holds_it_is_found_and_a_second_is_refused_by_name()
    {
        DataDirectoryLock.Find(_folder).Should().BeNull();
        using (var held = DataDirectoryLock.Take(_folder))
        {
            DataDirectoryLock.Find(_folder).Should().Be(new DataDirectoryHolder(Environment.ProcessId, null));
            held.Announce("http://127.0.0.1:8080");
            DataDirectoryLock.Find(_folder).Should().Be(new DataDirectoryHolder(Environment.ProcessId, "http://127.0.0.1:8080"));
            FluentActions.Invoking(() => DataDirectoryLock.Take(_folder)).Should().Throw<DataDirectoryInUse>()
                .WithMessage($"*{_folder}*process {Environment.ProcessId}, which serves at http://127.0.0.1:8080*");
        }
        DataDirectoryLock.Find(_folder).Should().BeNull();
        DataDirectoryLock.Take(_folder).Dispose();
    }

    [Fact]
    public void What_a_dead_process_wrote_does_not_count()
    {
        System.IO.File.WriteAllText(File, """{"pid":1,"address":"http://127.0.0.1:8080"}""");
        DataDirectoryLock.Find(_folder).Should().BeNull();
        DataDirectoryLock.Take(_folder).Dispose();
    }

    [Fact]
    public async Task Another_process_can_read_it_and_cannot_take_it()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("The other process is a shell.");
        using var held = DataDirectoryLock.Take(_folder);
        held.Announce("http://127.0.0.1:8080");
        (await ShellAsync($"cat '{File}'")).Should().Contain("http://127.0.0.1:8080");
        (await ShellAsync($"flock --nonblock '{File}' true && echo taken || echo held")).Should().Contain("held");
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080")]
    [InlineData("http://*:8080", "http://127.0.0.1:8080")]
    [InlineData("http://[::]:8080", "http://127.0.0.1:8080")]
    [InlineData("https://0.0.0.0:8443 http://0.0.0.0:8080", "http://127.0.0.1:8080")]
    [InlineData("https://example.org:8443", "https://example.org:8443")]
    public void The_address_is_one_that_can_be_called_from_here(string urls, string address) => ServeCommand.Reachable(urls.Split(' ')).Should().Be(address);

    static async Task<string> ShellAsync(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        return await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}

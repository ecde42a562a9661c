using Hindcast.Api;
using Hindcast.Api.CommandLine;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>A log that is moved without its vault says so, and is whole again when the vault comes after it.</summary>
public sealed class MovedLogTests : IDisposable
{
    const string Secret = "wombat-4711";

    readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("hindcast-moved-");

    string In(string name) => Path.Combine(_root.FullName, name);

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Sealed_contents_are_read_where_their_vault_is()
    {
        Directory.CreateDirectory(In("here"));
        await using (var here = await HindcastProcess.StartAsync(In("here")))
            await PostAsync(here, $$"""[{"type":"user_message","trace_id":"t","content":"{{Secret}}"},{"type":"user_message","trace_id":"t","content":"{{Secret}}, again"}]""");

        var archive = In("log.jsonl");
        (await RunAsync("here", "export", archive)).Should().Contain("vault.db");
        (await File.ReadAllTextAsync(archive, TestContext.Current.CancellationToken)).Should().NotContain(Secret).And.NotContain(Convert.ToBase64String("wombat"u8));

        (await RunAsync("there", "import", archive)).Should().Contain("2 facts are sealed with keys that are not in this data directory");
        (await RunAsync("there", "verify")).Should().Contain("'vault.db' and 'kek'");
        foreach (var file in Vault("there")) File.Delete(file);
        foreach (var file in Vault("here")) File.Copy(file, Path.Combine(In("there"), Path.GetFileName(file)));
        (await RunAsync("there", "verify")).Should().NotContain("sealed with keys");

        await using var there = await HindcastProcess.StartAsync(In("there"));
        await there.UntilReadyAsync();
        using var http = there.Client();
        string tree;
        do tree = await (await http.GetAsync(new Uri("/api/v1/traces/t/tree", UriKind.Relative), TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        while (!tree.Contains("event_count", StringComparison.Ordinal));
        tree.Should().Contain($"{Secret}, again");
    }

    /// <summary>With its write-ahead log, which is all of it where a server was killed.</summary>
    IEnumerable<string> Vault(string folder) => [.. Directory.GetFiles(In(folder), "vault.db*"), Path.Combine(In(folder), "kek")];

    static async Task PostAsync(HindcastProcess server, string events)
    {
        using var http = server.Client();
        using var content = new StringContent(events, null, "application/json");
        (await http.PostAsync(new Uri("/api/v1/events", UriKind.Relative), content)).EnsureSuccessStatusCode();
    }

    /// <summary>What the command said, for people and for machines.</summary>
    async Task<string> RunAsync(string folder, params string[] log)
    {
        using var said = new StringWriter();
        (await CommandLine.RunAsync(["log", .. log, "--data-directory", In(folder)], Hosting.Build, Hosting.AddHindcast, new(said, said, forPeople: false))).Should().Be(0, $"{said}");
        return said.ToString();
    }
}

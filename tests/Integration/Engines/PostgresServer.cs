using System.Diagnostics;
using Npgsql;

namespace Hindcast.Integration.Engines;

/// <summary>
/// A PostgreSQL for the tests: the one named by <c>HINDCAST_TEST_POSTGRES</c>, else a private one from the machine's own binaries on a
/// socket of its own. Where there is neither, tests are skipped and say why; in CI they fail.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    static readonly SemaphoreSlim s_one = new(1);
    static PostgresServer? s_server;
    static string? s_missing;

    readonly string? _folder;
    readonly string _connectionString;
    static int s_databases;

    PostgresServer(string connectionString, string? folder) => (_connectionString, _folder) = (connectionString, folder);

    /// <summary>A new, empty database.</summary>
    public static async Task<string> DatabaseAsync()
    {
        await s_one.WaitAsync();
        try
        {
            if (s_server is null && s_missing is null) (s_server, s_missing) = await StartAsync();
        }
        finally
        {
            s_one.Release();
        }
        return await (s_server ?? throw Missing(s_missing)).NewDatabaseAsync();
    }

    /// <summary>A server that a test may stop and freeze, because nobody else uses it.</summary>
    public static async Task<PostgresServer> AloneAsync()
    {
        if (Binaries() is null) throw Missing("no initdb is installed (./test installs it)");
        var (server, missing) = await StartPrivateAsync();
        return server ?? throw Missing(missing);
    }

    static InvalidOperationException Missing(string? why)
    {
        if (Environment.GetEnvironmentVariable("CI") is not ("true" or "1")) Assert.Skip($"PostgreSQL: {why}");
        return new($"PostgreSQL is needed in CI: {why}");
    }

    public async Task<string> NewDatabaseAsync()
    {
        var name = $"hindcast_test_{Environment.ProcessId}_{Interlocked.Increment(ref s_databases)}";
        await using var source = NpgsqlDataSource.Create(_connectionString);
        await using var create = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE template0");
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(_connectionString) { Database = name }.ToString();
    }

    /// <summary>As a machine that loses its power: no farewell to anybody.</summary>
    public Task StopAsync() => RunAsync("pg_ctl", ["stop", "-D", Path.Combine(_folder!, "data"), "-m", "immediate"]);

    public Task StartAgainAsync() => StartAtAsync(_folder!);

    /// <summary>SIGSTOP to the server and to every session: they hold what they hold and answer nothing.</summary>
    public Task FreezeAsync() => SignalAsync("-STOP");

    public Task ThawAsync() => SignalAsync("-CONT");

    async Task SignalAsync(string signal)
    {
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(_folder!, "data", "postmaster.pid")))[0].Trim();
        var sessions = Directory.GetDirectories("/proc").Select(d => Path.GetFileName(d)).Where(pid => int.TryParse(pid, out _) && ParentOf(pid) == postmaster);
        using var kill = Process.Start("kill", [signal, postmaster, .. sessions]);
        await kill.WaitForExitAsync();
    }

    static string? ParentOf(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ')[1];
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_folder is null) return;
        NpgsqlConnection.ClearAllPools();
        if (File.Exists(Path.Combine(_folder, "data", "postmaster.pid"))) await ThawAsync();
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    static async Task<(PostgresServer?, string?)> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("HINDCAST_TEST_POSTGRES") is { Length: > 0 } given) return (new(given, null), null);
        if (Binaries() is null) return (null, "no HINDCAST_TEST_POSTGRES is set and no initdb is installed (./test installs it)");
        var started = await StartPrivateAsync();
        if (started is (var server, _)) AppDomain.CurrentDomain.ProcessExit += (_, _) => server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return started;
    }

    static async Task<(PostgresServer?, string?)> StartPrivateAsync()
    {
        var folder = Directory.CreateTempSubdirectory("hindcast-pg-").FullName;
        if (Environment.IsPrivilegedProcess) await Process.Start("chown", ["postgres", folder]).WaitForExitAsync();
        var data = Path.Combine(folder, "data");
        if (await RunAsync("initdb", ["-D", data, "-U", "hindcast", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]) is { } failed) return (null, failed);
        return await StartAtAsync(folder) is { } refused ? (null, refused) : (new($"Host={folder};Username=hindcast;Database=postgres", folder), null);
    }

    static Task<string?> StartAtAsync(string folder) => RunAsync("pg_ctl",
    [
        "start", "-w", "-D", Path.Combine(folder, "data"), "-l", Path.Combine(folder, "log"),
        "-o", $"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200",
    ]);

    /// <summary>Null when it went well. PostgreSQL refuses to run as root, so then it runs as its own user.</summary>
    static async Task<string?> RunAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Binaries()!, program), arguments) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = "/" };
        if (Environment.IsPrivilegedProcess) start.UserName = "postgres";
        using var process = Process.Start(start)!;
        // The server inherits the pipes of pg_ctl: waiting for their end would be waiting for the server's.
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : $"{program} failed with exit code {process.ExitCode}";
    }

    static string? Binaries() => new[] { Environment.GetEnvironmentVariable("HINDCAST_POSTGRES_BIN") }
        .Concat(Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin")) : [])
        .Concat(["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"])
        .FirstOrDefault(d => d is not null && File.Exists(Path.Combine(d, "initdb")));
}

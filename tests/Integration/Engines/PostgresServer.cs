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
        if (s_server is null)
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException($"PostgreSQL is needed in CI: {s_missing}");
            Assert.Skip($"PostgreSQL: {s_missing}");
        }
        var name = $"hindcast_test_{Environment.ProcessId}_{Interlocked.Increment(ref s_databases)}";
        await using var source = NpgsqlDataSource.Create(s_server._connectionString);
        await using var create = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE template0");
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(s_server._connectionString) { Database = name }.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        if (_folder is null) return;
        NpgsqlConnection.ClearAllPools();
        await RunAsync("pg_ctl", ["stop", "-D", Path.Combine(_folder, "data"), "-m", "immediate"]);
        Directory.Delete(_folder, recursive: true);
    }

    static async Task<(PostgresServer?, string?)> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("HINDCAST_TEST_POSTGRES") is { Length: > 0 } given) return (new(given, null), null);
        if (Binaries() is null) return (null, "no HINDCAST_TEST_POSTGRES is set and no initdb is installed (./test installs it)");

        var folder = Directory.CreateTempSubdirectory("hindcast-pg-").FullName;
        if (Environment.IsPrivilegedProcess) await Process.Start("chown", ["postgres", folder]).WaitForExitAsync();
        var data = Path.Combine(folder, "data");
        if (await RunAsync("initdb", ["-D", data, "-U", "hindcast", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]) is { } failed) return (null, failed);
        var options = $"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200";
        if (await RunAsync("pg_ctl", ["start", "-w", "-D", data, "-l", Path.Combine(folder, "log"), "-o", options]) is { } refused) return (null, refused);
        var server = new PostgresServer($"Host={folder};Username=hindcast;Database=postgres", folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return (server, null);
    }

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

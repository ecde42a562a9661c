using Hindcast.Application.Intake;
using Hindcast.Application.ReadModels;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>What came in, counted: two tables in the vault's file, on a connection of their own.</summary>
public sealed class IntakeStore : IIntakeStore, IDisposable
{
    static readonly TimeSpan Kept = TimeSpan.FromDays(400);

    const string Schema = """
        CREATE TABLE IF NOT EXISTS intake(
            project TEXT NOT NULL, minute INTEGER NOT NULL, dialect TEXT NOT NULL, key TEXT NOT NULL, acknowledged INTEGER NOT NULL,
            duplicate INTEGER NOT NULL, refused INTEGER NOT NULL, failed INTEGER NOT NULL, dropped INTEGER NOT NULL, refused_requests INTEGER NOT NULL,
            PRIMARY KEY(project, minute, dialect, key)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS intake_runs(started INTEGER PRIMARY KEY, until INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;
        """;

    /// <summary>In the order of <see cref="IntakeFate"/>.</summary>
    static readonly string[] s_counts = ["acknowledged", "duplicate", "refused", "failed", "dropped", "refused_requests"];

    static readonly string s_add = $"""
        INSERT INTO intake(project, minute, dialect, key, {string.Join(", ", s_counts)})
        VALUES($project, $minute, $dialect, $key, {string.Join(", ", s_counts.Select(c => $"${c}"))})
        ON CONFLICT DO UPDATE SET {string.Join(", ", s_counts.Select(c => $"{c} = {c} + ${c}"))}
        """;

    readonly VaultConnection _connection;

    IntakeStore(VaultConnection connection) => _connection = connection;

    public static IntakeStore Open(string path) => new(VaultConnection.Open(path, static connection =>
    {
        using var prepare = connection.CreateCommand();
        // A machine that dies takes no more than the process would: what is lost is a second, and is named.
        prepare.CommandText = $"PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; {Schema}";
        prepare.ExecuteNonQuery();
    }));

    public Task BeginAsync(DateTimeOffset now, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        var forgotten = (now - Kept).Micros();
        Run("DELETE FROM intake WHERE minute < $forgotten", ("$forgotten", forgotten));
        Run("DELETE FROM intake_runs WHERE until < $forgotten", ("$forgotten", forgotten));
        // A clock that was put back must not make two lives one.
        Run("INSERT INTO intake_runs(started, until, ended) SELECT MAX($now, COALESCE(MAX(started) + 1, 0)), $now, 0 FROM intake_runs", ("$now", now.Micros()));
        transaction.Commit();
        return 0;
    }, ct);

    public Task AddAsync(IReadOnlyList<IntakeRow> rows, DateTimeOffset now, bool ends, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var (key, counts) in rows)
            Run(s_add, [("$project", key.Project), ("$minute", key.Minute), ("$dialect", key.Dialect), ("$key", key.KeyId), .. s_counts.Select((c, i) => ($"${c}", (object?)counts[i]))]);
        Run("UPDATE intake_runs SET until = $now, ended = $ended WHERE started = (SELECT MAX(started) FROM intake_runs)", ("$now", now.Micros()), ("$ended", ends));
        transaction.Commit();
        return 0;
    }, ct);

    public Task<IReadOnlyList<IntakeRow>> SumAsync(IReadOnlyList<string>? projects, DateTimeOffset from, DateTimeOffset to, CancellationToken ct) =>
        _connection.RunAsync<IReadOnlyList<IntakeRow>>(() =>
        {
            using var command = _connection.Command(
                $"""
                SELECT project, dialect, key, {string.Join(", ", s_counts.Select(c => $"SUM({c})"))} FROM intake
                WHERE minute >= $from AND minute < $to AND ($projects IS NULL OR project IN (SELECT value FROM json_each($projects))) GROUP BY project, dialect, key
                """,
                ("$from", from.Micros()), ("$to", to.Micros()), ("$projects", projects is null ? null : System.Text.Json.JsonSerializer.Serialize(projects)));
            using var row = command.ExecuteReader();
            var rows = new List<IntakeRow>();
            while (row.Read()) rows.Add(new(new(row.GetString(0), 0, row.GetString(1), row.GetString(2)), [.. s_counts.Select((_, i) => row.GetInt64(3 + i))]));
            return rows;
        }, ct);

    public Task<IReadOnlyList<IntakeRun>> RunsAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<IntakeRun>>(() =>
    {
        using var command = _connection.Command("SELECT started, until, ended FROM intake_runs ORDER BY started");
        using var row = command.ExecuteReader();
        var runs = new List<IntakeRun>();
        while (row.Read()) runs.Add(new(Time.At(row.GetInt64(0)), Time.At(row.GetInt64(1)), row.GetBoolean(2)));
        return runs;
    }, ct);

    public void Dispose() => _connection.Dispose();

    void Run(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = _connection.Command(sql, parameters);
        command.ExecuteNonQuery();
    }
}

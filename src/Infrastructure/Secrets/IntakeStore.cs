using Hindcast.Application.Intake;
using Hindcast.Application.ReadModels;

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

    // A machine that dies takes no more than the process would: what is lost is a second, and is named.
    public static IntakeStore Open(string path) => new(VaultConnection.Open(path, Schema, synchronous: "NORMAL"));

    public Task BeginAsync(DateTimeOffset now, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        var forgotten = (now - Kept).Micros();
        _connection.Execute("DELETE FROM intake WHERE minute < $forgotten", ("$forgotten", forgotten));
        _connection.Execute("DELETE FROM intake_runs WHERE until < $forgotten", ("$forgotten", forgotten));
        // A clock that was put back must not make two lives one.
        _connection.Execute("INSERT INTO intake_runs(started, until, ended) SELECT MAX($now, COALESCE(MAX(started) + 1, 0)), $now, 0 FROM intake_runs", ("$now", now.Micros()));
        transaction.Commit();
        return 0;
    }, ct);

    public Task AddAsync(IReadOnlyList<IntakeRow> rows, DateTimeOffset now, bool ends, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var (key, counts) in rows)
            _connection.Execute(s_add, [("$project", key.Project), ("$minute", key.Minute), ("$dialect", key.Dialect), ("$key", key.KeyId), .. s_counts.Select((c, i) => ($"${c}", (object?)counts[i]))]);
        _connection.Execute("UPDATE intake_runs SET until = $now, ended = $ended WHERE started = (SELECT MAX(started) FROM intake_runs)", ("$now", now.Micros()), ("$ended", ends));
        transaction.Commit();
        return 0;
    }, ct);

    public Task<IReadOnlyList<IntakeRow>> SumAsync(IReadOnlyList<string>? projects, DateTimeOffset from, DateTimeOffset to, CancellationToken ct) =>
        _connection.RunAsync<IReadOnlyList<IntakeRow>>(() => _connection.Read(
            $"""
            SELECT project, dialect, key, {string.Join(", ", s_counts.Select(c => $"SUM({c})"))} FROM intake
            WHERE minute >= $from AND minute < $to AND ($projects IS NULL OR project IN (SELECT value FROM json_each($projects))) GROUP BY project, dialect, key
            """,
            row => new IntakeRow(new(row.GetString(0), 0, row.GetString(1), row.GetString(2)), [.. s_counts.Select((_, i) => row.GetInt64(3 + i))]),
            ("$from", from.Micros()), ("$to", to.Micros()), ("$projects", projects is null ? null : System.Text.Json.JsonSerializer.Serialize(projects))), ct);

    public Task<IReadOnlyList<IntakeRun>> RunsAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<IntakeRun>>(() => _connection.Read(
        "SELECT started, until, ended FROM intake_runs ORDER BY started", row => new IntakeRun(Time.At(row.GetInt64(0)), Time.At(row.GetInt64(1)), row.GetBoolean(2))), ct);

    public void Dispose() => _connection.Dispose();
}

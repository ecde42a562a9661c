using Hindcast.Application.Gateway;
using Hindcast.Application.ReadModels;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The gateway's two tables in the vault's file, on a connection of their own.</summary>
public sealed class GatewayStore : IGatewayStore, IDisposable
{
    const string Schema = """
        CREATE TABLE IF NOT EXISTS gateway_settings(
            project TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, secret BLOB, PRIMARY KEY(project, kind, id)) STRICT;
        CREATE TABLE IF NOT EXISTS gateway_ledger(
            account TEXT PRIMARY KEY, period_start INTEGER NOT NULL, period_end INTEGER NOT NULL, requests INTEGER NOT NULL, tokens INTEGER NOT NULL,
            pico INTEGER NOT NULL) STRICT;
        """;

    readonly VaultConnection _connection;

    GatewayStore(VaultConnection connection) => _connection = connection;

    public static GatewayStore Open(string path)
    {
        return new(VaultConnection.Open(path, static connection =>
        {
            using var prepare = connection.CreateCommand();
            prepare.CommandText = $"PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; {Schema}";
            prepare.ExecuteNonQuery();
        }));
    }

    public Task<IReadOnlyList<SettingRow>> SettingsAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<SettingRow>>(() =>
    {
        using var command = _connection.Command("SELECT project, kind, id, body, secret FROM gateway_settings ORDER BY project, kind, id");
        using var row = command.ExecuteReader();
        var rows = new List<SettingRow>();
        while (row.Read()) rows.Add(new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetFieldValue<byte[]>(4)));
        return rows;
    }, ct);

    public Task SaveAsync(IReadOnlyList<SettingRow> rows, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var row in rows)
            Run("INSERT OR REPLACE INTO gateway_settings(project, kind, id, body, secret) VALUES($project, $kind, $id, $body, $secret)",
                ("$project", row.Project), ("$kind", row.Kind), ("$id", row.Id), ("$body", row.Body), ("$secret", row.Secret));
        transaction.Commit();
        return 0;
    }, ct);

    public Task DeleteAsync(string project, string kind, string id, CancellationToken ct) => _connection.RunAsync(() =>
        Run("DELETE FROM gateway_settings WHERE project = $project AND kind = $kind AND id = $id", ("$project", project), ("$kind", kind), ("$id", id)), ct);

    public Task<IReadOnlyList<LedgerRow>> LedgerAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<LedgerRow>>(() =>
    {
        using var command = _connection.Command("SELECT account, period_start, period_end, requests, tokens, pico FROM gateway_ledger");
        using var row = command.ExecuteReader();
        var rows = new List<LedgerRow>();
        while (row.Read()) rows.Add(new(row.GetString(0), Time.At(row.GetInt64(1)), Time.At(row.GetInt64(2)), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5)));
        return rows;
    }, ct);

    public Task SaveAsync(IReadOnlyList<LedgerRow> rows, DateTimeOffset olderThan, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var row in rows)
            Run("""
                INSERT OR REPLACE INTO gateway_ledger(account, period_start, period_end, requests, tokens, pico)
                VALUES($account, $start, $end, $requests, $tokens, $pico)
                """,
                ("$account", row.Account), ("$start", row.Start.Micros()), ("$end", row.End.Micros()),
                ("$requests", row.Requests), ("$tokens", row.Tokens), ("$pico", row.Pico));
        Run("DELETE FROM gateway_ledger WHERE period_end <= $now", ("$now", olderThan.Micros()));
        transaction.Commit();
        return 0;
    }, ct);

    public void Dispose() => _connection.Dispose();

    int Run(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = _connection.Command(sql, parameters);
        return command.ExecuteNonQuery();
    }
}

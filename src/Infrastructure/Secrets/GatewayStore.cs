using Hindcast.Application.Gateway;
using Hindcast.Application.ReadModels;

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

    public static GatewayStore Open(string path) => new(VaultConnection.Open(path, Schema));

    public Task<IReadOnlyList<SettingRow>> SettingsAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<SettingRow>>(() => _connection.Read(
        "SELECT project, kind, id, body, secret FROM gateway_settings ORDER BY project, kind, id",
        row => new SettingRow(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetFieldValue<byte[]>(4))), ct);

    public Task SaveAsync(IReadOnlyList<SettingRow> rows, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var row in rows)
            _connection.Execute("INSERT OR REPLACE INTO gateway_settings(project, kind, id, body, secret) VALUES($project, $kind, $id, $body, $secret)",
                ("$project", row.Project), ("$kind", row.Kind), ("$id", row.Id), ("$body", row.Body), ("$secret", row.Secret));
        transaction.Commit();
        return 0;
    }, ct);

    public Task DeleteAsync(string project, string kind, string id, CancellationToken ct) => _connection.RunAsync(() =>
        _connection.Execute("DELETE FROM gateway_settings WHERE project = $project AND kind = $kind AND id = $id", ("$project", project), ("$kind", kind), ("$id", id)), ct);

    public Task<IReadOnlyList<LedgerRow>> LedgerAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<LedgerRow>>(() => _connection.Read(
        "SELECT account, period_start, period_end, requests, tokens, pico FROM gateway_ledger",
        row => new LedgerRow(row.GetString(0), Time.At(row.GetInt64(1)), Time.At(row.GetInt64(2)), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5))), ct);

    public Task SaveAsync(IReadOnlyList<LedgerRow> rows, DateTimeOffset olderThan, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var row in rows)
            _connection.Execute("""
                INSERT OR REPLACE INTO gateway_ledger(account, period_start, period_end, requests, tokens, pico)
                VALUES($account, $start, $end, $requests, $tokens, $pico)
                """,
                ("$account", row.Account), ("$start", row.Start.Micros()), ("$end", row.End.Micros()),
                ("$requests", row.Requests), ("$tokens", row.Tokens), ("$pico", row.Pico));
        _connection.Execute("DELETE FROM gateway_ledger WHERE period_end <= $now", ("$now", olderThan.Micros()));
        transaction.Commit();
        return 0;
    }, ct);

    public void Dispose() => _connection.Dispose();
}

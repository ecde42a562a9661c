using Hindcast.Application.Audit;
using Hindcast.Application.ReadModels;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The audit list in the vault's file, on a connection of its own. The file itself refuses to change or drop a line.</summary>
public sealed class SqliteAudit : IAuditStore, IDisposable
{
    const string Schema = """
        CREATE TABLE IF NOT EXISTS audit(
            position INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, project TEXT NOT NULL, actor TEXT, action TEXT NOT NULL, target TEXT,
            outcome TEXT NOT NULL, address TEXT) STRICT;
        CREATE INDEX IF NOT EXISTS audit_by_project ON audit(project, position);
        CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'The audit list only grows.'); END;
        CREATE TRIGGER IF NOT EXISTS audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'The audit list only grows.'); END;
        """;

    readonly VaultConnection _connection;

    SqliteAudit(VaultConnection connection) => _connection = connection;

    /// <param name="path">Of the vault, which is there already.</param>
    public static SqliteAudit Open(string path) => new(VaultConnection.Open(path, Schema));

    public Task AddAsync(AuditRow row, CancellationToken ct) => _connection.RunAsync(() => _connection.Execute(
        "INSERT INTO audit(at, project, actor, action, target, outcome, address) VALUES($at, $project, $actor, $action, $target, $outcome, $address)",
        ("$at", row.At.Micros()), ("$project", row.Project), ("$actor", row.Actor), ("$action", row.Action), ("$target", row.Target),
        ("$outcome", row.Outcome), ("$address", row.Address)), ct);

    public Task<IReadOnlyList<AuditRow>> ListAsync(AuditSearch search, CancellationToken ct) => _connection.RunAsync<IReadOnlyList<AuditRow>>(() =>
    {
        (string Sql, string Name, object? Value)[] asked =
        [
            ("project = $project", "$project", search.Project), ("actor = $actor", "$actor", search.Actor), ("action = $action", "$action", search.Action),
            ("at >= $from", "$from", search.From?.Micros()), ("at < $to", "$to", search.To?.Micros()), ("position < $before", "$before", search.Before),
        ];
        var given = asked.Where(a => a.Value is not null).ToList();
        var where = given.Count == 0 ? "" : $"WHERE {string.Join(" AND ", given.Select(a => a.Sql))}";
        return _connection.Read(
            $"SELECT position, at, project, actor, action, target, outcome, address FROM audit {where} ORDER BY position DESC LIMIT $limit",
            row => new AuditRow(row.GetInt64(0), Time.At(row.GetInt64(1)), row.GetString(2), Text(row, 3), row.GetString(4), Text(row, 5), row.GetString(6), Text(row, 7)),
            [.. given.Select(a => (a.Name, a.Value)), ("$limit", search.Limit)]);
    }, ct);

    static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public void Dispose() => _connection.Dispose();
}

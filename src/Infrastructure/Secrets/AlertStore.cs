using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Alerts;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Alerts;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>Rules and what has to be told of them in the vault's file, on a connection of their own. Secrets of webhooks are wrapped under the master key, bound to their rule.</summary>
public sealed class AlertStore : IAlertStore, IDisposable
{
    const string Schema = """
        CREATE TABLE IF NOT EXISTS alerts(
            id TEXT PRIMARY KEY, body TEXT NOT NULL, secret BLOB NOT NULL, evaluated INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS alert_deliveries(
            position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alert TEXT NOT NULL, due INTEGER, ended INTEGER, body TEXT NOT NULL) STRICT;
        CREATE INDEX IF NOT EXISTS alert_deliveries_by_alert ON alert_deliveries(alert, position);
        CREATE INDEX IF NOT EXISTS alert_deliveries_due ON alert_deliveries(alert, position) WHERE ended IS NULL;
        CREATE INDEX IF NOT EXISTS alert_deliveries_ended ON alert_deliveries(ended) WHERE ended IS NOT NULL;
        """;

    readonly VaultConnection _connection;
    readonly byte[] _key;

    AlertStore(VaultConnection connection, byte[] master) =>
        (_connection, _key) = (connection, HKDF.DeriveKey(HashAlgorithmName.SHA256, master, 32, info: "hindcast webhook secrets"u8.ToArray()));

    public static AlertStore Open(string path, byte[] master) => new(VaultConnection.Open(path, Schema), master);

    public Task<IReadOnlyList<(Alert Alert, AlertState State)>> AlertsAsync(CancellationToken ct) => _connection.RunAsync<IReadOnlyList<(Alert, AlertState)>>(
        () => _connection.Read("SELECT body, state, evaluated FROM alerts ORDER BY id", row => (Json<Alert>(row.GetString(0)), StateOf(row))), ct);

    public Task<AlertState> SaveAsync(Alert alert, DateTimeOffset from, string? secret, CancellationToken ct) => _connection.RunAsync(
        () => _connection.Read(
            secret is null
                ? "UPDATE alerts SET body = $body, evaluated = max(evaluated, $from) WHERE id = $id RETURNING body, state, evaluated"
                : """
                  INSERT INTO alerts(id, body, secret, evaluated, state) VALUES($id, $body, $secret, $from, $state)
                  ON CONFLICT(id) DO UPDATE SET body = excluded.body, secret = excluded.secret, evaluated = max(evaluated, excluded.evaluated)
                  RETURNING body, state, evaluated
                  """,
            StateOf, ("$id", alert.Id), ("$body", Json(alert)), ("$from", from.Micros()), ("$state", Json(new AlertState(from))),
            ("$secret", secret is null ? null : Wrap(alert.Id, secret))) is [var state] ? state : throw new NotFound($"There is no alert '{alert.Id}'."), ct);

    public Task DeleteAsync(string id, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        _connection.Execute("DELETE FROM alert_deliveries WHERE alert = $id", ("$id", id));
        _connection.Execute("DELETE FROM alerts WHERE id = $id", ("$id", id));
        transaction.Commit();
        return 0;
    }, ct);

    public Task MoveAsync(string id, DateTimeOffset from, AlertState to, IReadOnlyList<Delivery> deliveries, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        if (_connection.Execute("UPDATE alerts SET evaluated = $to, state = $state WHERE id = $id AND evaluated = $from",
            ("$id", id), ("$from", from.Micros()), ("$to", to.Evaluated.Micros()), ("$state", Json(to))) == 0) return 0;
        foreach (var delivery in deliveries)
            _connection.Execute("INSERT INTO alert_deliveries(id, alert, due, body) VALUES($id, $alert, $due, $body) ON CONFLICT(id) DO NOTHING",
                ("$id", delivery.Id), ("$alert", id), ("$due", delivery.Due.Micros()), ("$body", Json(delivery)));
        transaction.Commit();
        return 0;
    }, ct);

    public Task<IReadOnlyList<DueDelivery>> DueAsync(DateTimeOffset now, int limit, CancellationToken ct) => _connection.RunAsync<IReadOnlyList<DueDelivery>>(
        () => _connection.Read(
            """
            SELECT d.position, d.body, a.body, a.secret FROM alert_deliveries d JOIN alerts a ON a.id = d.alert
            WHERE d.position IN (SELECT min(position) FROM alert_deliveries WHERE ended IS NULL GROUP BY alert) AND d.due <= $now ORDER BY d.due LIMIT $limit
            """,
            row => Json<Alert>(row.GetString(2)) is var alert
                ? new DueDelivery(DeliveryOf(row), alert.WebhookUrl, Unwrap(alert.Id, row.GetFieldValue<byte[]>(3))) : null!,
            ("$now", now.Micros()), ("$limit", limit)), ct);

    public Task AttemptedAsync(Delivery delivery, DateTimeOffset olderThan, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        _connection.Execute("UPDATE alert_deliveries SET due = $due, ended = $ended, body = $body WHERE position = $position",
            ("$position", delivery.Position), ("$due", delivery.Due.Micros()), ("$ended", delivery.Ended?.Micros()), ("$body", Json(delivery)));
        _connection.Execute("DELETE FROM alert_deliveries WHERE ended < $older", ("$older", olderThan.Micros()));
        transaction.Commit();
        return 0;
    }, ct);

    public Task<IReadOnlyList<Delivery>> DeliveriesAsync(string alert, long before, int limit, CancellationToken ct) => _connection.RunAsync<IReadOnlyList<Delivery>>(
        () => _connection.Read("SELECT position, body FROM alert_deliveries WHERE alert = $alert AND position < $before ORDER BY position DESC LIMIT $limit", DeliveryOf,
            ("$alert", alert), ("$before", before), ("$limit", limit)), ct);

    public void Dispose() => _connection.Dispose();

    byte[] Wrap(string id, string secret) => Box.Close(_key, Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(id));

    string Unwrap(string id, byte[] box) => Encoding.UTF8.GetString(Box.Open(_key, box, Encoding.UTF8.GetBytes(id)));

    /// <summary>How far it has been looked at stands beside the rest: a rule's change moves it too.</summary>
    static AlertState StateOf(SqliteDataReader row) => Json<AlertState>(row.GetString(1)) with { Evaluated = Time.At(row.GetInt64(2)) };

    static Delivery DeliveryOf(SqliteDataReader row) => Json<Delivery>(row.GetString(1)) with { Position = row.GetInt64(0) };

    static string Json<T>(T value) where T : class => JsonSerializer.Serialize(value, AlertJson.Options);

    static T Json<T>(string text) where T : class => JsonSerializer.Deserialize<T>(text, AlertJson.Options)!;
}

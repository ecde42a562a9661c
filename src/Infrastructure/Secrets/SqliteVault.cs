using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The vault in one SQLite file, readable by its owner alone.</summary>
/// <remarks>
/// Keys are here as hashes only, so a copy of the file opens no door of ours; the named secrets are here in clear, so a copy of it must be
/// kept like one. One connection, one call at a time, waiting without a thread; each change is one transaction, on disk when it returns.
/// </remarks>
public sealed class SqliteVault : IVault, IDisposable
{
    readonly VaultConnection _connection;

    SqliteVault(VaultConnection connection) => _connection = connection;

    /// <summary>Opens the vault at a path; makes it when there is nothing yet.</summary>
    /// <exception cref="NotAVault">There is something else, or a vault of a newer release.</exception>
    public static SqliteVault Open(string path)
    {
        VaultFile.Protect(path);
        return new(VaultConnection.Open(path, connection => VaultFile.Prepare(connection, path)));
    }

    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken ct) =>
        _connection.RunAsync<IReadOnlyList<KeyRow>>(() => _connection.Read("SELECT * FROM keys ORDER BY created, id", KeyRows.Read), ct);

    public Task SaveAsync(IReadOnlyList<KeyRow> keys, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var key in keys)
        {
            using var command = _connection.Command(KeyRows.Upsert);
            KeyRows.Bind(command.Parameters, key);
            command.ExecuteNonQuery();
        }
        transaction.Commit();
        return 0;
    }, ct);

    public Task SaveUseAsync(IReadOnlyList<(string Id, DateTimeOffset LastUsed)> uses, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var transaction = _connection.Begin();
        foreach (var (id, used) in uses)
            _connection.Execute("UPDATE keys SET last_used = MAX(COALESCE(last_used, 0), $used) WHERE id = $id", ("$used", used.Micros()), ("$id", id));
        transaction.Commit();
        return 0;
    }, ct);

    public Task<byte[]> SecretAsync(string name, Func<byte[]> make, CancellationToken ct) => _connection.RunAsync(() =>
    {
        using var read = _connection.Command("SELECT value FROM secrets WHERE name = $name", ("$name", name));
        if (read.ExecuteScalar() is byte[] known) return known;
        var made = make();
        _connection.Execute("INSERT INTO secrets(name, value) VALUES($name, $value)", ("$name", name), ("$value", made));
        return made;
    }, ct);

    public Task<AnswerRow?> AnswerAsync(string project, string key, CancellationToken ct) => _connection.RunAsync(() => _connection.Read(
        "SELECT body_hash, status, answer, position, expires FROM answers WHERE project = $project AND key = $key",
        row => new AnswerRow(
            row.GetFieldValue<byte[]>(0),
            new(row.GetInt32(1), row.GetFieldValue<byte[]>(2), row.IsDBNull(3) ? null : row.GetInt64(3)),
            Time.At(row.GetInt64(4))),
        ("$project", project), ("$key", key)).SingleOrDefault(), ct);

    public Task SaveAsync(string project, string key, AnswerRow answer, CancellationToken ct) => _connection.RunAsync(() => _connection.Execute(
        "INSERT OR REPLACE INTO answers(project, key, body_hash, status, answer, position, expires) VALUES($project, $key, $hash, $status, $answer, $position, $expires)",
        ("$project", project), ("$key", key), ("$hash", answer.BodyHash), ("$status", answer.Answer.Status), ("$answer", answer.Answer.Body),
        ("$position", answer.Answer.Position), ("$expires", answer.Expires.Micros())), ct);

    public Task<int> SweepAsync(DateTimeOffset now, CancellationToken ct) =>
        _connection.RunAsync(() => _connection.Execute("DELETE FROM answers WHERE expires <= $now", ("$now", now.Micros())), ct);

    public void Dispose() => _connection.Dispose();
}

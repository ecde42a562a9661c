using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>A connection to the vault's file: one call at a time, waiting without a thread.</summary>
sealed class VaultConnection : IDisposable
{
    readonly SqliteConnection _connection;
    readonly SemaphoreSlim _turn = new(1);

    VaultConnection(SqliteConnection connection) => _connection = connection;

    /// <param name="prepare">What is done before anything else; when it fails the connection is closed.</param>
    public static VaultConnection Open(string path, Action<SqliteConnection> prepare)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            prepare(connection);
            return new(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            return work();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The same for callers that cannot wait without a thread.</summary>
    public T Run<T>(Func<T> work)
    {
        _turn.Wait();
        try
        {
            return work();
        }
        finally
        {
            _turn.Release();
        }
    }

    public SqliteTransaction Begin() => _connection.BeginTransaction();

    public SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public void Dispose()
    {
        _connection.Dispose();
        _turn.Dispose();
    }
}

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

    /// <summary>A part of the vault, which is there already: tables of its own, on a connection of its own.</summary>
    /// <param name="synchronous">What a machine that dies may take: nothing, unless it is said otherwise.</param>
    public static VaultConnection Open(string path, string schema, string synchronous = "FULL") => Open(path, connection =>
    {
        using var prepare = connection.CreateCommand();
        prepare.CommandText = $"PRAGMA busy_timeout = 5000; PRAGMA synchronous = {synchronous}; PRAGMA secure_delete = ON; {schema}";
        prepare.ExecuteNonQuery();
    });

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

    /// <summary>How many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    public List<T> Read<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        using var row = command.ExecuteReader();
        var rows = new List<T>();
        while (row.Read()) rows.Add(read(row));
        return rows;
    }

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

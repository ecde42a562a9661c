using SQLitePCL;

namespace Hindcast.Infrastructure.Sqlite;

public enum OpenAs
{
    ReadOnly = raw.SQLITE_OPEN_READONLY,
    ReadWrite = raw.SQLITE_OPEN_READWRITE,
    Create = raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE,
}

/// <summary>
/// One connection, as thin as it goes: for the hot paths, where ADO.NET's boxes and strings cost more than SQLite's work. It has no lock
/// of its own: one thread at a time, except for <see cref="Interrupt"/>.
/// </summary>
public sealed class Database : IDisposable
{
    readonly sqlite3 _handle;

    Database(sqlite3 handle) => _handle = handle;

    /// <exception cref="SqliteFailure">There is no such file, or it may not be opened so.</exception>
    public static Database Open(string path, OpenAs how, TimeSpan? busyTimeout = null)
    {
        var code = raw.sqlite3_open_v2(path, out var handle, (int)how | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            var message = handle is null ? "out of memory" : raw.sqlite3_errmsg(handle).utf8_to_string();
            handle?.Dispose();
            throw new SqliteFailure(code, $"{message}: {path}");
        }
        raw.sqlite3_extended_result_codes(handle, 1);
        raw.sqlite3_busy_timeout(handle, (int)(busyTimeout ?? TimeSpan.FromSeconds(5)).TotalMilliseconds);
        return new(handle);
    }

    /// <summary>Runs any number of statements and drops their rows.</summary>
    public void Exec(string sql)
    {
        var code = raw.sqlite3_exec(_handle, sql, out _);
        if (code != raw.SQLITE_OK) throw Failure(code);
    }

    /// <summary>One statement, to be kept and run many times.</summary>
    public Statement Prepare(string sql)
    {
        var code = raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement);
        return code == raw.SQLITE_OK ? new(this, statement) : throw Failure(code);
    }

    /// <summary>The first column of the first row, for a question asked once; 0 when there is no row.</summary>
    public long Long(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Long(0) : 0;
    }

    /// <summary>The first column of the first row; null when there is no row.</summary>
    public string? Text(string sql)
    {
        using var statement = Prepare(sql);
        return statement.Step() ? statement.Text(0) : null;
    }

    /// <summary>Rows the last INSERT, UPDATE or DELETE changed.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    public long LastRowId => raw.sqlite3_last_insert_rowid(_handle);

    /// <summary>Pages this connection has written so far; it may wrap around, so only differences mean something.</summary>
    public int PagesWritten
    {
        get
        {
            const int cacheWrite = 9;
            raw.sqlite3_db_status(_handle, cacheWrite, out var pages, out _, 0);
            return pages;
        }
    }

    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>What the connection runs fails soon with SQLITE_INTERRUPT. May be called from any thread while the connection is open.</summary>
    public void Interrupt() => raw.sqlite3_interrupt(_handle);

    internal SqliteFailure Failure(int code) => new(code, raw.sqlite3_errmsg(_handle).utf8_to_string());

    /// <summary>Statements may be disposed before or after.</summary>
    public void Dispose() => _handle.Dispose();
}

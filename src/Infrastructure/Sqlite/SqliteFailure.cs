using SQLitePCL;

namespace Hindcast.Infrastructure.Sqlite;

/// <summary>SQLite said no. <see cref="Code"/> is its extended result code, <see cref="Primary"/> the class of it.</summary>
public sealed class SqliteFailure(int code, string message) : Exception($"SQLite: {message} (result code {code})")
{
    public int Code => code;
    public int Primary => code & 0xFF;

    public bool IsFull => Primary == raw.SQLITE_FULL;
    public bool IsBusy => Primary is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>The bytes on disk are not what SQLite wrote there.</summary>
    public bool IsDamage => Primary is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;
}

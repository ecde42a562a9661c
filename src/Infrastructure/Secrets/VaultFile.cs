using Hindcast.Infrastructure.Sqlite;
using Microsoft.Data.Sqlite;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>There is a file where the vault should be that this release cannot use. It is left as it is.</summary>
public sealed class NotAVault(string path, string why) : Exception($"{path} cannot be used as the vault: {why}");

/// <summary>The vault's file: who may read it, and what is in it.</summary>
static class VaultFile
{
    const int ApplicationId = 0x48435654; // "HCVT"
    const int SchemaVersion = 1;

    const string Schema = """
        CREATE TABLE keys(
            id TEXT PRIMARY KEY, project TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, prefix TEXT NOT NULL, last_four TEXT NOT NULL, name TEXT,
            scopes INTEGER NOT NULL, environment TEXT NOT NULL, plan TEXT NOT NULL, monthly_quota INTEGER, created INTEGER NOT NULL,
            expires INTEGER, revoked INTEGER, last_used INTEGER, rotated_to TEXT, valid_until INTEGER) STRICT;
        CREATE TABLE secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE answers(
            project TEXT NOT NULL, key TEXT NOT NULL, body_hash BLOB NOT NULL, status INTEGER NOT NULL, answer BLOB NOT NULL, position INTEGER,
            expires INTEGER NOT NULL, PRIMARY KEY(project, key)) STRICT;
        CREATE INDEX answers_by_expiry ON answers(expires);
        """;

    /// <summary>Before SQLite first sees the file: SQLite gives its companions, WAL and shared memory, the same mode.</summary>
    public static void Protect(string path)
    {
        SqliteRuntime.Use();
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = ownerOnly;
        new FileStream(path, options).Dispose();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, ownerOnly);
    }

    public static void Prepare(SqliteConnection connection, string path)
    {
        try
        {
            if (Long("PRAGMA schema_version") == 0)
            {
                Run("PRAGMA journal_mode = WAL");
                Run($"BEGIN IMMEDIATE; {Schema} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {SchemaVersion}; COMMIT");
            }
            else if (Long("PRAGMA application_id") != ApplicationId) throw new NotAVault(path, "it is another program's file.");
            else if (Long("PRAGMA user_version") is > SchemaVersion and var newer)
                throw new NotAVault(path, $"its form is {newer}, and this release knows forms up to {SchemaVersion}. Use the release that wrote it.");

            Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON");
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLitePCL.raw.SQLITE_NOTADB)
        {
            throw new NotAVault(path, "it is no SQLite file.");
        }

        void Run(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        long Long(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return (long)command.ExecuteScalar()!;
        }
    }
}

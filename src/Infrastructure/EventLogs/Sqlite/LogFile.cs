using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

/// <summary>The file cannot be used as a log; nothing in it was changed.</summary>
public sealed class NotALog(string path, string why, Exception? inner = null) : Exception($"{path} cannot be used as the log: {why}", inner);

/// <summary>The log's file: how it is made, what is asked of it before it is used, and the settings every connection has.</summary>
/// <remarks>
/// A new log is made under another name and renamed when it is whole, so a file under the log's own name is a log or is damaged, never half
/// made: an empty one is refused. The rename is made durable by the first commit, which syncs the directory when it makes the WAL.
/// Opening for writing moves the WAL into the file first. After a failed write this is what makes the next one honest: pages the kernel
/// dropped after a failed fsync are written again, and nothing later rests on a WAL with a hole in it.
/// </remarks>
static class LogFile
{
    const long ApplicationId = 0x48436C67;
    const long SchemaVersion = 1;
    const int PageSize = 8192;

    const string Schema = """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
        CREATE TABLE streams(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE events(
            position INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            event_id BLOB NOT NULL,
            type TEXT NOT NULL,
            header BLOB NOT NULL,
            content BLOB NOT NULL,
            crc INTEGER NOT NULL);
        CREATE UNIQUE INDEX events_by_revision ON events(stream, revision);
        CREATE UNIQUE INDEX events_by_id ON events(stream, event_id);
        """;

    public static void CreateIfMissing(string path)
    {
        if (File.Exists(path)) return;
        if (LengthOf(path + "-wal") > 0) throw new NotALog(path, "it is missing, but the -wal beside it holds events");

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var made = path + ".new";
        foreach (var leftover in new[] { made, made + "-wal", made + "-shm", made + "-journal" }) File.Delete(leftover);
        using (var database = Database.Open(made, OpenAs.Create))
        {
            database.Exec($"PRAGMA page_size={PageSize}; PRAGMA synchronous=FULL; BEGIN; PRAGMA application_id={ApplicationId};");
            database.Exec(Schema);
            database.Exec($"INSERT INTO meta VALUES('schema_version', {SchemaVersion}), ('log_id', '{Guid.NewGuid()}'); COMMIT");
        }
        File.Move(made, path);
    }

    /// <param name="again">Opened again after a failure: the WAL must go into the file, or it stays closed.</param>
    /// <exception cref="NotALog">It is another program's file, a newer release's, or damaged.</exception>
    public static Database OpenForWriting(string path, bool again)
    {
        if (LengthOf(path) == 0) throw new NotALog(path, "the file is empty");
        var database = Database.Open(path, OpenAs.ReadWrite);
        try
        {
            Inspect(database, path);
            if (database.Text("PRAGMA journal_mode=WAL") != "wal") throw new NotALog(path, "this file system cannot keep a write-ahead log");
            // Checkpoints are made by hand, after answers are out. fullfsync matters on macOS only, where fsync alone does not reach the disk.
            database.Exec("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA fullfsync=1; PRAGMA checkpoint_fullfsync=1");
            database.Exec("PRAGMA cache_size=-24576; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864");
            if (database.Long("PRAGMA synchronous") != 2) throw new NotALog(path, "synchronous=FULL was not taken, and without it acknowledged events can be lost");

            var inFile = database.Long("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
            if (again && !inFile) throw new SqliteFailure(SQLitePCL.raw.SQLITE_BUSY, "readers kept the write-ahead log from being moved into the file");
            var expected = database.Long("PRAGMA page_count") * database.Long("PRAGMA page_size");
            if (inFile && LengthOf(path) < expected) throw new NotALog(path, $"it is cut short: {LengthOf(path)} bytes of {expected}");
            return database;
        }
        catch (SqliteFailure failure) when (failure.IsDamage)
        {
            database.Dispose();
            throw new NotALog(path, "it is damaged or no SQLite file", failure);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public static Database OpenForReading(string path)
    {
        var database = Database.Open(path, OpenAs.ReadOnly);
        database.Exec("PRAGMA query_only=1; PRAGMA cache_size=-8192");
        return database;
    }

    public static Guid IdOf(Database database) =>
        Guid.TryParse(database.Text("SELECT value FROM meta WHERE name='log_id'"), out var id) ? id : throw new SqliteFailure(SQLitePCL.raw.SQLITE_CORRUPT, "the log has no id");

    static void Inspect(Database database, string path)
    {
        if (database.Long("PRAGMA application_id") != ApplicationId) throw new NotALog(path, "it is another program's database");
        var version = database.Long("SELECT value FROM meta WHERE name='schema_version'");
        if (version > SchemaVersion) throw new NotALog(path, $"it was written by a newer release (form {version}; this one reads up to {SchemaVersion})");
        if (version != SchemaVersion) throw new NotALog(path, $"its form {version} is unknown");
    }

    static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}

using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Hindcast.Infrastructure.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace Hindcast.Infrastructure.ReadModels.Sqlite;

/// <summary>
/// Read models in files: <c>read/catalog.db</c> says which generation serves, <c>read/&lt;projection&gt;-&lt;generation&gt;.db</c> holds one
/// generation. WAL with <c>synchronous=NORMAL</c>: a power cut may take the newest batches back, rows and checkpoint together, and they
/// are applied again. The whole folder can be deleted while the server is stopped. The data directory belongs to one process, so there is
/// one owner, and it never changes.
/// </summary>
public sealed partial class SqliteReadStore : IReadStore, IDisposable
{
    readonly string _folder;
    readonly Database _catalog;
    readonly Lock _lock = new();
    readonly ConcurrentDictionary<(string, int), DbContextOptions<ReadDb>> _options = new();
    readonly ConcurrentDictionary<(string, int), SqliteWriter> _writers = new();
    readonly ConcurrentDictionary<string, bool> _replayAsked = new(StringComparer.Ordinal);

    public SqliteReadStore(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        _catalog = Database.Open(Path.Combine(folder, "catalog.db"), OpenAs.Create);
        _catalog.Exec("""
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS generations (
                projection TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL, log_id TEXT NOT NULL, serving INTEGER NOT NULL,
                accept_parked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (projection, number)) WITHOUT ROWID;
            """);
        // A catalogue of an earlier release.
        if (_catalog.Long("SELECT count(*) FROM pragma_table_info('generations') WHERE name = 'accept_parked'") == 0)
            _catalog.Exec("ALTER TABLE generations ADD COLUMN accept_parked INTEGER NOT NULL DEFAULT 0");
    }

    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct)
    {
        var all = new List<Generation>();
        lock (_lock)
        {
            using var rows = _catalog.Prepare("SELECT projection, number, version, log_id, serving, accept_parked FROM generations ORDER BY projection, number");
            while (rows.Step())
                all.Add(new(rows.Text(0)!, (int)rows.Long(1), (int)rows.Long(2), Guid.ParseExact(rows.Text(3)!, "D"), rows.Long(4) != 0, rows.Long(5) != 0));
        }
        return Task.FromResult<IReadOnlyList<Generation>>(all);
    }

    /// <summary>Files are always there.</summary>
    public CancellationToken Away => CancellationToken.None;

    public async Task CreateAsync(Projection projection, Generation generation, CancellationToken ct)
    {
        Remove(generation.Projection, generation.Number);
        await using (var db = Open(projection, generation.Number, SqliteOpenMode.ReadWriteCreate))
        {
            await db.Database.ExecuteSqlRawAsync("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;", ct);
            await RunAsync(db, TableScript.Of(db).Tables.Select(Clustered), ct);
            if (projection.Rows.Contains(typeof(TextRow))) await db.Database.ExecuteSqlRawAsync(SqliteDialect.Words, ct);
            await db.Database.ExecuteSqlRawAsync("INSERT INTO checkpoint (id, position, epoch) VALUES (1, 0, 0);", ct);
        }
        Catalog("INSERT OR REPLACE INTO generations (projection, number, version, log_id, serving, accept_parked) VALUES (?1, ?2, ?3, ?4, 0, ?5)", generation);
    }

    public async Task FinishAsync(Projection projection, int generation, CancellationToken ct)
    {
        await using var db = Open(projection, generation);
        db.Database.SetCommandTimeout(0);
        await RunAsync(db, TableScript.Of(db).Indexes, ct);
    }

    public async Task WidenAsync(Projection projection, int generation, CancellationToken ct)
    {
        await using var db = Open(projection, generation);
        await RunAsync(db, TableScript.Of(db).Tables.Select(t => TableScript.IfMissing(Clustered(t))), ct);
        foreach (var table in db.Model.GetEntityTypes())
        {
            var name = table.GetTableName()!;
            var present = await db.Database.SqlQueryRaw<string>("SELECT name AS Value FROM pragma_table_info({0})", name).ToHashSetAsync(ct);
            await RunAsync(db, TableScript.Additions(table, present).Select(column => $"ALTER TABLE {name} ADD COLUMN {column}"), ct);
        }
    }

    public Task ServeAsync(Generation generation, long epoch, CancellationToken ct)
    {
        Catalog("UPDATE generations SET serving = (number = ?2) WHERE projection = ?1", generation);
        return Task.CompletedTask;
    }

    /// <summary>Attached under the projection's name. Connections are pooled and keep what was attached to them, perhaps an older generation.</summary>
    public async Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct)
    {
        var path = Path.GetFullPath(PathOf(projection.Name, generation));
        var connection = (SqliteConnection)db.Database.GetDbConnection();
        await db.Database.OpenConnectionAsync(ct);
        using var attached = connection.CreateCommand();
        attached.CommandText = "SELECT file FROM pragma_database_list WHERE name = @name";
        attached.Parameters.AddWithValue("@name", projection.Name);
        if (attached.ExecuteScalar() as string is { } file)
        {
            if (Path.GetFullPath(file) == path) return $"{projection.Name}.";
            Run($"DETACH DATABASE {projection.Name}");
        }
        Run($"ATTACH DATABASE @path AS {projection.Name}", ("@path", path));
        return $"{projection.Name}.";

        void Run(string sql, params ReadOnlySpan<(string Name, string Value)> parameters)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
            command.ExecuteNonQuery();
        }
    }

    public ISqlDialect Dialect { get; } = new SqliteDialect();

    public Task DropAsync(Generation generation, CancellationToken ct)
    {
        // The entry first: a file without one is overwritten, an entry without its file would be read.
        Catalog("DELETE FROM generations WHERE projection = ?1 AND number = ?2", generation);
        Remove(generation.Projection, generation.Number);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<int>> DaysAsync(Projection projection, int generation, CancellationToken ct)
    {
        await using var db = Open(projection, generation);
        var days = string.Join(" UNION ", TableScript.Dated(db).Select(table => $"SELECT day AS \"Value\" FROM {table.GetTableName()}"));
        return days.Length == 0 ? [] : [.. (await db.Database.SqlQueryRaw<int>(days).ToListAsync(ct)).Order()];
    }

    public async Task ForgetAsync(Projection projection, int generation, int day, CancellationToken ct)
    {
        await using var db = Open(projection, generation);
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        await RunAsync(db, TableScript.Dated(db).Select(table => $"DELETE FROM {table.GetTableName()} WHERE day < {day}"), ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>The index of words is merged first: it keeps what was deleted until its parts are put together.</summary>
    public async Task<bool> ScrubAsync(long smallerThan, CancellationToken ct)
    {
        var paths = (await GenerationsAsync(ct)).Select(g => PathOf(g.Projection, g.Number)).Append(Path.Combine(_folder, "catalog.db")).Where(File.Exists).ToList();
        if (paths.Sum(path => new FileInfo(path).Length) >= smallerThan) return false;
        foreach (var path in paths)
        {
            using var database = Database.Open(path, OpenAs.ReadWrite, TimeSpan.FromSeconds(30));
            if (database.Long("SELECT count(*) FROM sqlite_schema WHERE name = 'words'") > 0) database.Exec("INSERT INTO words(words) VALUES ('optimize')");
            database.Exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        }
        return true;
    }

    public Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct) =>
        Task.FromResult(new Tenure(Environment.MachineName, Ours: true, Epoch: 1, said, _replayAsked.TryRemove(projection, out _)));

    public Task LeaveAsync(string projection, long epoch, CancellationToken ct) => Task.CompletedTask;

    public Task AskReplayAsync(string projection, CancellationToken ct)
    {
        _replayAsked[projection] = true;
        return Task.CompletedTask;
    }

    public ReadDb Open(Projection projection, int generation, bool forWork = false) => Open(projection, generation, SqliteOpenMode.ReadWrite);

    public async Task<ReadDb> SnapshotAsync(Projection projection, int generation, CancellationToken ct)
    {
        var db = Open(projection, generation);
        await db.Database.OpenConnectionAsync(ct);
        // Deferred, or it would keep the writer out; closing the connection ends it. The first reading fixes what the others see.
        var connection = (SqliteConnection)db.Database.GetDbConnection();
        connection.BeginTransaction(deferred: true);
        await using var first = connection.CreateCommand();
        first.CommandText = "SELECT position FROM checkpoint";
        await first.ExecuteScalarAsync(ct);
        return db;
    }

    public Task<LogPosition> ClaimAsync(Projection projection, int generation, long epoch, CancellationToken ct) =>
        Task.FromResult(WriterOf(projection, generation).Claim(epoch));

    public Task<IReadBatch> BeginAsync(Projection projection, int generation, long epoch, CancellationToken ct, bool ahead = false) =>
        Task.FromResult<IReadBatch>(WriterOf(projection, generation).Begin(epoch));

    /// <summary>In one process writing is done when its commit returns.</summary>
    public Task FlushAsync(Projection projection, int generation, CancellationToken ct) => Task.CompletedTask;

    /// <summary>A file that cannot be opened was that of a generation that is no more.</summary>
    public QueryFailure? Judge(Exception failure) => failure switch
    {
        SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_CANTOPEN } => QueryFailure.Gone,
        SqliteException { SqliteErrorCode: SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_IOERR } => QueryFailure.Away,
        _ => null,
    };

    public void Dispose()
    {
        foreach (var writer in _writers.Values) writer.Dispose();
        _catalog.Dispose();
    }

    /// <summary>
    /// Small rows live in their key's tree: with a rowid each would stand in two. Spans hold texts, which would make that tree slow to search.
    /// </summary>
    static string Clustered(string script) =>
        SmallTable().Replace(Numbered(script), static table => $"{table.Groups["table"].Value} WITHOUT ROWID;");

    /// <summary>The index of words knows texts by their row numbers, and only numbers that are a key stay the same when a file is rewritten.</summary>
    static string Numbered(string script) => !script.Contains("CREATE TABLE \"texts\" (", StringComparison.Ordinal) ? script : script
        .Replace("CREATE TABLE \"texts\" (", "CREATE TABLE \"texts\" (\n    \"number\" INTEGER PRIMARY KEY,", StringComparison.Ordinal)
        .Replace("CONSTRAINT \"PK_texts\" PRIMARY KEY", "UNIQUE", StringComparison.Ordinal);

    [GeneratedRegex("(?<table>CREATE TABLE \"(?!spans\"|texts\"|checkpoint\"|parked\")\\w+\" \\(.*?\n\\));", RegexOptions.Singleline)]
    private static partial Regex SmallTable();

    SqliteWriter WriterOf(Projection projection, int generation) => _writers.GetOrAdd(
        (projection.Name, generation), key => new(projection.Name, PathOf(key.Item1, key.Item2), () => Open(projection, generation)));

    static async Task RunAsync(ReadDb db, IEnumerable<string> statements, CancellationToken ct)
    {
        foreach (var sql in statements) await db.Database.ExecuteSqlRawAsync(sql.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal), ct);
    }

    ReadDb Open(Projection projection, int generation, SqliteOpenMode mode)
    {
        var options = _options.GetOrAdd((projection.Name, generation), key => new DbContextOptionsBuilder<ReadDb>()
            .UseSqlite(new SqliteConnectionStringBuilder { DataSource = PathOf(key.Item1, key.Item2), Mode = mode, DefaultTimeout = 5 }.ToString())
            .ReplaceService<IModelCacheKeyFactory, ReadDb.ModelKeys>()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .Options);
        return new(options, projection, schema: null);
    }

    void Catalog(string sql, Generation generation)
    {
        lock (_lock)
        {
            using var statement = _catalog.Prepare(sql);
            statement.Bind(1, generation.Projection).Bind(2, generation.Number);
            if (sql.Contains("?4", StringComparison.Ordinal)) statement.Bind(3, generation.Version).Bind(4, generation.LogId.ToString("D")).Bind(5, generation.AcceptParked ? 1 : 0);
            statement.Run();
        }
    }

    void Remove(string projection, int generation)
    {
        if (_writers.TryRemove((projection, generation), out var writer)) writer.Dispose();
        if (_options.TryRemove((projection, generation), out _)) SqliteConnection.ClearAllPools();
        foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm"]) File.Delete(PathOf(projection, generation) + suffix);
    }

    string PathOf(string projection, int generation) => Path.Combine(_folder, $"{projection}-{generation}.db");
}

using System.Collections.Concurrent;
using System.Text.RegularExpressions;
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
/// are applied again. The whole folder can be deleted while the server is stopped.
/// </summary>
public sealed partial class SqliteReadStore : IReadStore, IDisposable
{
    readonly string _folder;
    readonly Database _catalog;
    readonly Lock _lock = new();
    readonly ConcurrentDictionary<(string, int), DbContextOptions<ReadDb>> _options = new();
    readonly ConcurrentDictionary<(string, int), SqliteWriter> _writers = new();

    public SqliteReadStore(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        _catalog = Database.Open(Path.Combine(folder, "catalog.db"), OpenAs.Create);
        _catalog.Exec("""
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS generations (
                projection TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL, log_id TEXT NOT NULL, serving INTEGER NOT NULL,
                PRIMARY KEY (projection, number)) WITHOUT ROWID;
            """);
    }

    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct)
    {
        var all = new List<Generation>();
        lock (_lock)
        {
            using var rows = _catalog.Prepare("SELECT projection, number, version, log_id, serving FROM generations ORDER BY projection, number");
            while (rows.Step())
                all.Add(new(rows.Text(0)!, (int)rows.Long(1), (int)rows.Long(2), Guid.ParseExact(rows.Text(3)!, "D"), rows.Long(4) != 0));
        }
        return Task.FromResult<IReadOnlyList<Generation>>(all);
    }

    public async Task CreateAsync(Projection projection, Generation generation, CancellationToken ct)
    {
        Remove(generation.Projection, generation.Number);
        await using (var db = Open(projection, generation.Number, SqliteOpenMode.ReadWriteCreate))
        {
            await db.Database.ExecuteSqlRawAsync("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;", ct);
            await db.Database.ExecuteSqlRawAsync(Clustered(db.Database.GenerateCreateScript()), ct);
            if (projection.Rows.Contains(typeof(TextRow))) await db.Database.ExecuteSqlRawAsync(SqliteDialect.Words, ct);
            await db.Database.ExecuteSqlRawAsync("INSERT INTO checkpoint (id, position) VALUES (1, 0);", ct);
        }
        Catalog("INSERT OR REPLACE INTO generations (projection, number, version, log_id, serving) VALUES (?1, ?2, ?3, ?4, 0)", generation);
    }

    public Task ServeAsync(Generation generation, CancellationToken ct)
    {
        List<int> old;
        lock (_lock)
        {
            _catalog.Exec("BEGIN IMMEDIATE");
            Catalog("UPDATE generations SET serving = (number = ?2) WHERE projection = ?1", generation);
            _catalog.Exec("COMMIT");
        }
        old = [.. GenerationsAsync(ct).Result.Where(g => g.Projection == generation.Projection && g.Number != generation.Number).Select(g => g.Number)];
        foreach (var number in old)
        {
            Remove(generation.Projection, number);
            Catalog("DELETE FROM generations WHERE projection = ?1 AND number = ?2", generation with { Number = number });
        }
        return Task.CompletedTask;
    }

    public ReadDb Open(Projection projection, int generation) => Open(projection, generation, SqliteOpenMode.ReadWrite);

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

    public Task<IReadBatch> BeginAsync(Projection projection, int generation, CancellationToken ct)
    {
        var writer = _writers.GetOrAdd((projection.Name, generation), key => new(projection.Name, PathOf(key.Item1, key.Item2), () => Open(projection, generation)));
        return Task.FromResult<IReadBatch>(writer.Begin());
    }

    public void Dispose()
    {
        foreach (var writer in _writers.Values) writer.Dispose();
        _catalog.Dispose();
    }

    /// <summary>
    /// Small rows live in their key's tree: with a rowid each would stand in two. Spans hold texts, which would make that tree slow to search.
    /// </summary>
    static string Clustered(string script) =>
        SmallTable().Replace(script, static table => $"{table.Groups["table"].Value} WITHOUT ROWID;");

    [GeneratedRegex("(?<table>CREATE TABLE \"(?!spans\"|texts\"|checkpoint\"|parked\")\\w+\" \\(.*?\n\\));", RegexOptions.Singleline)]
    private static partial Regex SmallTable();

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
            if (sql.Contains("?4", StringComparison.Ordinal)) statement.Bind(3, generation.Version).Bind(4, generation.LogId.ToString("D"));
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

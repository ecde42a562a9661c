using System.Linq.Expressions;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Infrastructure.Sqlite;
using SQLitePCL;

namespace Hindcast.Infrastructure.ReadModels.Sqlite;

/// <summary>
/// The one writing connection of a generation. In-process there is no round trip to save, so rows go in one by one through prepared
/// statements, with parameters bound by code compiled from EF's model.
/// </summary>
sealed class SqliteWriter(string projection, string path, Func<ReadDb> open) : IDisposable
{
    readonly Dictionary<Type, object> _tables = [];
    Database? _database;
    Statement? _advance, _claim, _read;

    public Batch Begin(long epoch) => Judged(() =>
    {
        var database = Opened();
        database.Exec("BEGIN IMMEDIATE");
        return new Batch(this, database, epoch);
    });

    /// <exception cref="CheckpointMoved">A later epoch has claimed it.</exception>
    public LogPosition Claim(long epoch) => Judged(() =>
    {
        var database = Opened();
        _claim!.Bind(1, epoch).Run();
        if (database.Changes != 1) throw new CheckpointMoved(projection);
        _read!.Step();
        var at = new LogPosition(_read.Long(0));
        _read.Reset();
        return at;
    });

    public void Dispose()
    {
        foreach (var table in _tables.Values) ((IDisposable)table).Dispose();
        _tables.Clear();
        foreach (var statement in new[] { _advance, _claim, _read }) statement?.Dispose();
        _database?.Dispose();
        (_advance, _claim, _read, _database) = (null, null, null, null);
    }

    Database Opened()
    {
        if (_database is not null) return _database;
        var database = Database.Open(path, OpenAs.ReadWrite);
        database.Exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -24000; PRAGMA temp_store = MEMORY;");
        _advance = database.Prepare("UPDATE checkpoint SET position = ?2 WHERE id = 1 AND position = ?1 AND epoch = ?3");
        _claim = database.Prepare("UPDATE checkpoint SET epoch = ?1 WHERE id = 1 AND epoch <= ?1");
        _read = database.Prepare("SELECT position FROM checkpoint WHERE id = 1");
        return _database = database;
    }

    static T Judged<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (SqliteFailure e)
        {
            throw Judge(e);
        }
    }

    /// <summary>A full or failing disk and a locked file will pass; anything else is the rows' fault.</summary>
    static Exception Judge(SqliteFailure e) => (e.Code & 0xff) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN
        ? new Unavailable($"The read models cannot be written: {e.Message}", TimeSpan.FromSeconds(5))
        : e;

    Table<T> TableOf<T>() where T : class
    {
        if (_tables.TryGetValue(typeof(T), out var table)) return (Table<T>)table;
        using var db = open();
        var made = new Table<T>(_database!, RowMap<T>.Of(db));
        _tables[typeof(T)] = made;
        return made;
    }

    public sealed class Batch(SqliteWriter writer, Database database, long epoch) : IReadBatch
    {
        bool _done;

        public Task InsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => UpsertAsync(rows, ct);

        public Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Each(rows, writer.TableOf<T>().Upsert);

        public Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Each(rows, writer.TableOf<T>().Delete);

        public Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct)
        {
            try
            {
                writer._advance!.Bind(1, from.Value).Bind(2, to.Value).Bind(3, epoch).Run();
                if (database.Changes != 1) throw new CheckpointMoved(writer.ProjectionName);
                database.Exec("COMMIT");
                _done = true;
                return Task.CompletedTask;
            }
            catch (SqliteFailure e)
            {
                throw Judge(e);
            }
        }

        public ValueTask DisposeAsync()
        {
            // After some failures SQLite has rolled back by itself.
            if (!_done && database.InTransaction) database.Exec("ROLLBACK");
            return ValueTask.CompletedTask;
        }

        static Task Each<T>(IReadOnlyCollection<T> rows, Action<T> write)
        {
            try
            {
                foreach (var row in rows) write(row);
                return Task.CompletedTask;
            }
            catch (SqliteFailure e)
            {
                throw Judge(e);
            }
        }
    }

    string ProjectionName => projection;

    sealed class Table<T> : IDisposable where T : class
    {
        readonly Statement _upsert;
        readonly Statement _delete;
        readonly Action<Statement, T> _bindAll;
        readonly Action<Statement, T> _bindKey;

        public Table(Database database, RowMap<T> map)
        {
            var (names, key) = (map.Columns.Select(c => c.Name).ToList(), map.Key.ToList());
            _upsert = database.Prepare(
                $"INSERT INTO {map.Table} ({string.Join(", ", names)}) VALUES ({string.Join(", ", names.Select((_, i) => $"?{i + 1}"))}) {map.OnConflict(map.Table)}");
            _delete = database.Prepare($"DELETE FROM {map.Table} WHERE {string.Join(" AND ", key.Select((c, i) => $"{c.Name} = ?{i + 1}"))}");
            _bindAll = Binder(map.Columns);
            _bindKey = Binder(key);
        }

        public void Upsert(T row)
        {
            _bindAll(_upsert, row);
            _upsert.Run();
            _upsert.ClearBindings();
        }

        public void Delete(T row)
        {
            _bindKey(_delete, row);
            _delete.Run();
        }

        public void Dispose()
        {
            _upsert.Dispose();
            _delete.Dispose();
        }

        static Action<Statement, T> Binder(IReadOnlyList<RowMap<T>.Column> columns)
        {
            var (statement, row) = (Expression.Parameter(typeof(Statement)), Expression.Parameter(typeof(T)));
            var binds = columns.Select((c, i) => Expression.Call(
                typeof(Table<T>), nameof(BindValue), null, statement, Expression.Constant(i + 1), Simple(Expression.Property(row, c.Property))));
            return Expression.Lambda<Action<Statement, T>>(Expression.Block(binds), statement, row).Compile();
        }

        /// <summary>Rows hold text, bytes, numbers and yes or no; SQLite knows all but the last.</summary>
        static Expression Simple(Expression value) => value.Type == typeof(string) || value.Type == typeof(byte[]) || value.Type == typeof(double?)
            ? value
            : value.Type == typeof(bool)
                ? Expression.Convert(Expression.Condition(value, Expression.Constant(1L), Expression.Constant(0L)), typeof(long?))
                : Expression.Convert(value, typeof(long?));

        // What is not bound is null, and half of the columns of a row are: one clearing costs less than binding each of them.
        static void BindValue(Statement statement, int parameter, string? value)
        {
            if (value is not null) statement.Bind(parameter, value);
        }

        static void BindValue(Statement statement, int parameter, long? value)
        {
            if (value is { } number) statement.Bind(parameter, number);
        }

        static void BindValue(Statement statement, int parameter, double? value)
        {
            if (value is { } number) statement.Bind(parameter, number);
        }

        static void BindValue(Statement statement, int parameter, byte[] value) => statement.BindBlob(parameter, value);
    }
}

using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Npgsql;
using NpgsqlTypes;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// One transaction. An upsert is one round trip, its columns sent as arrays and unnested on the server; rows that are new to a generation
/// that is being loaded are copied, which costs the server half.
/// </summary>
sealed class PostgresBatch(
    PostgresProbe probe, PostgresPartitions partitions, string projection, string schema, long epoch, NpgsqlConnection connection, NpgsqlTransaction transaction, Func<ReadDb> open) : IReadBatch
{
    static readonly ConcurrentDictionary<(string Schema, Type Row), object> s_tables = new();

    /// <summary>What is to be done in a batch; what it writes is fixed when it is made.</summary>
    public delegate Task Step(PostgresBatch batch, CancellationToken ct);

    public Task InsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => UpsertAsync(rows, ct);

    public Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Upsert(schema, open, rows)(this, ct);

    public Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => Delete(schema, open, rows)(this, ct);

    public static Step Upsert<T>(string schema, Func<ReadDb> open, IReadOnlyCollection<T> rows) where T : class
    {
        if (rows.Count == 0) return (_, _) => Task.CompletedTask;
        var table = TableOf<T>(schema, open);
        var (parameters, parts) = (table.All.Select(column => column(rows)).ToList(), table.PartsOf(rows));
        return (batch, ct) => batch.InPartsAsync(table.Name, parts, () => batch.RunAsync(table.Upsert, parameters, ct), ct);
    }

    public static Step Delete<T>(string schema, Func<ReadDb> open, IReadOnlyCollection<T> rows) where T : class
    {
        if (rows.Count == 0) return (_, _) => Task.CompletedTask;
        var table = TableOf<T>(schema, open);
        var parameters = table.Key.Select(column => column(rows)).ToList();
        return (batch, ct) => batch.RunAsync(table.Delete, parameters, ct);
    }

    public static Step Copy<T>(string schema, Func<ReadDb> open, IReadOnlyCollection<T> rows) where T : class
    {
        if (rows.Count == 0) return (_, _) => Task.CompletedTask;
        var table = TableOf<T>(schema, open);
        var (copied, parts) = (rows.ToList(), table.PartsOf(rows));
        return (batch, ct) => batch.InPartsAsync(table.Name, parts, () => batch.CopyAsync(table.Copy, copied, ct), ct);
    }

    public Task CommitAsync(LogPosition from, LogPosition to, CancellationToken ct) => probe.Asked(async () =>
    {
        await using var advance = new NpgsqlCommand($"UPDATE {schema}.checkpoint SET position = $2 WHERE id = 1 AND position = $1 AND epoch = $3", connection, transaction);
        advance.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from.Value });
        advance.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to.Value });
        advance.Parameters.Add(new NpgsqlParameter<long> { TypedValue = epoch });
        if (await advance.ExecuteNonQueryAsync(ct) != 1) throw new CheckpointMoved(projection);
        await transaction.CommitAsync(ct);
        return true;
    });

    public async ValueTask DisposeAsync()
    {
        // Disposing an open transaction rolls it back.
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    Task<int> RunAsync(string sql, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken ct) => probe.Asked(async () =>
    {
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return await command.ExecuteNonQueryAsync(ct);
    });

    Task<ulong> CopyAsync<T>(PostgresCopy<T> copy, IReadOnlyCollection<T> rows, CancellationToken ct) where T : class => probe.Asked(() => copy.WriteAsync(connection, rows, ct));

    async Task InPartsAsync(string table, IReadOnlyList<int> parts, Func<Task> write, CancellationToken ct)
    {
        if (parts.Count > 0) await probe.Asked(() => partitions.EnsureAsync(schema, table, parts, ct));
        try
        {
            await write();
        }
        catch (PostgresException e) when (parts.Count > 0 && e.SqlState == PostgresErrorCodes.CheckViolation)
        {
            // A partition that was there a moment ago was dropped: nothing is wrong with the rows.
            partitions.Unlearn();
            throw new Unavailable($"A partition of {schema}.{table} is gone.", TimeSpan.FromSeconds(1));
        }
    }

    static Table<T> TableOf<T>(string schema, Func<ReadDb> open) where T : class => (Table<T>)s_tables.GetOrAdd((schema, typeof(T)), _ =>
    {
        using var db = open();
        return new Table<T>(schema, RowMap<T>.Of(db));
    });

    sealed class Table<T> where T : class
    {
        readonly Func<T, int>? _divider;

        public Table(string schema, RowMap<T> map)
        {
            var (names, key) = (map.Columns.Select(c => c.Name).ToList(), map.Key.ToList());
            string Unnest(int columns) => $"unnest({string.Join(", ", Enumerable.Range(1, columns).Select(i => $"${i}"))})";
            Upsert = $"INSERT INTO {schema}.{map.Table} AS held ({string.Join(", ", names)}) SELECT * FROM {Unnest(names.Count)} {map.OnConflict("held")}";
            Delete = $"DELETE FROM {schema}.{map.Table} WHERE ({string.Join(", ", key.Select(c => c.Name))}) IN (SELECT * FROM {Unnest(key.Count)})";
            Name = map.Table;
            Copy = new(schema, map);
            _divider = (Func<T, int>?)map.Columns.SingleOrDefault(c => c.Divides)?.Getter().Compile();
            All = [.. map.Columns.Select(Parameter)];
            Key = [.. key.Select(Parameter)];
        }

        public string Name { get; }
        public PostgresCopy<T> Copy { get; }
        public string Upsert { get; }
        public string Delete { get; }
        public IReadOnlyList<Func<IReadOnlyCollection<T>, NpgsqlParameter>> All { get; }
        public IReadOnlyList<Func<IReadOnlyCollection<T>, NpgsqlParameter>> Key { get; }

        /// <summary>The partitions that rows stand in; none where the table has none.</summary>
        public IReadOnlyList<int> PartsOf(IReadOnlyCollection<T> rows) => _divider is null ? [] : [.. rows.Select(_divider).Distinct()];

        static Func<IReadOnlyCollection<T>, NpgsqlParameter> Parameter(RowMap<T>.Column column) =>
            (Func<IReadOnlyCollection<T>, NpgsqlParameter>)typeof(Table<T>)
                .GetMethod(nameof(ArrayOf), BindingFlags.Static | BindingFlags.NonPublic)!
                .MakeGenericMethod(column.Property.PropertyType)
                .Invoke(null, [column.Getter()])!;

        static Func<IReadOnlyCollection<T>, NpgsqlParameter> ArrayOf<TColumn>(LambdaExpression getter)
        {
            var get = ((Expression<Func<T, TColumn>>)getter).Compile();
            var type = NpgsqlDbType.Array | PostgresTypes.Of(typeof(TColumn));
            return rows =>
            {
                var values = new TColumn[rows.Count];
                var next = 0;
                foreach (var row in rows) values[next++] = get(row);
                return new NpgsqlParameter<TColumn[]> { TypedValue = values, NpgsqlDbType = type };
            };
        }
    }
}

using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Npgsql;
using NpgsqlTypes;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>One transaction; each upsert is one round trip, its columns sent as arrays and unnested on the server.</summary>
sealed class PostgresBatch(
    PostgresProbe probe, string projection, string schema, long epoch, NpgsqlConnection connection, NpgsqlTransaction transaction, Func<ReadDb> open) : IReadBatch
{
    static readonly ConcurrentDictionary<(string Schema, Type Row), object> s_tables = new();

    public Task UpsertAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class
    {
        var table = TableOf<T>();
        return RunAsync(table.Upsert, table.All, rows, ct);
    }

    public Task DeleteAsync<T>(IReadOnlyCollection<T> rows, CancellationToken ct) where T : class
    {
        var table = TableOf<T>();
        return RunAsync(table.Delete, table.Key, rows, ct);
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

    Task RunAsync<T>(string sql, IReadOnlyList<Func<IReadOnlyCollection<T>, NpgsqlParameter>> columns, IReadOnlyCollection<T> rows, CancellationToken ct) =>
        rows.Count == 0 ? Task.CompletedTask : probe.Asked(async () =>
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (var column in columns) command.Parameters.Add(column(rows));
            return await command.ExecuteNonQueryAsync(ct);
        });

    Table<T> TableOf<T>() where T : class => (Table<T>)s_tables.GetOrAdd((schema, typeof(T)), _ =>
    {
        using var db = open();
        return new Table<T>(schema, RowMap<T>.Of(db));
    });

    sealed class Table<T> where T : class
    {
        public Table(string schema, RowMap<T> map)
        {
            var (names, key) = (map.Columns.Select(c => c.Name).ToList(), map.Key.ToList());
            string Unnest(int columns) => $"unnest({string.Join(", ", Enumerable.Range(1, columns).Select(i => $"${i}"))})";
            Upsert = $"INSERT INTO {schema}.{map.Table} AS held ({string.Join(", ", names)}) SELECT * FROM {Unnest(names.Count)} {map.OnConflict("held")}";
            Delete = $"DELETE FROM {schema}.{map.Table} WHERE ({string.Join(", ", key.Select(c => c.Name))}) IN (SELECT * FROM {Unnest(key.Count)})";
            All = [.. map.Columns.Select(Parameter)];
            Key = [.. key.Select(Parameter)];
        }

        public string Upsert { get; }
        public string Delete { get; }
        public IReadOnlyList<Func<IReadOnlyCollection<T>, NpgsqlParameter>> All { get; }
        public IReadOnlyList<Func<IReadOnlyCollection<T>, NpgsqlParameter>> Key { get; }

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

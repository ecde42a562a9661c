using System.Linq.Expressions;
using System.Reflection;
using Hindcast.Application.ReadModels;
using Npgsql;
using NpgsqlTypes;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>Rows sent to a table in PostgreSQL's binary form, by code compiled from EF's model.</summary>
sealed class PostgresCopy<T> where T : class
{
    static readonly MethodInfo s_write = typeof(PostgresCopy<T>).GetMethod(nameof(Write), BindingFlags.Static | BindingFlags.NonPublic)!;

    readonly string _sql;
    readonly Action<NpgsqlBinaryImporter, T> _row;

    public PostgresCopy(string schema, RowMap<T> map)
    {
        _sql = $"COPY {schema}.{map.Table} ({string.Join(", ", map.Columns.Select(c => c.Name))}) FROM STDIN (FORMAT BINARY)";
        var (importer, row) = (Expression.Parameter(typeof(NpgsqlBinaryImporter)), Expression.Parameter(typeof(T)));
        _row = Expression.Lambda<Action<NpgsqlBinaryImporter, T>>(Expression.Block(map.Columns.Select(c => Expression.Call(
            s_write.MakeGenericMethod(c.Property.PropertyType), importer, Expression.Property(row, c.Property), Expression.Constant(PostgresTypes.Of(c.Property.PropertyType))))), importer, row).Compile();
    }

    public async Task<ulong> WriteAsync(NpgsqlConnection connection, IReadOnlyCollection<T> rows, CancellationToken ct)
    {
        await using var importer = await connection.BeginBinaryImportAsync(_sql, ct);
        foreach (var row in rows)
        {
            importer.StartRow();
            _row(importer, row);
        }
        return await importer.CompleteAsync(ct);
    }

    static void Write<TColumn>(NpgsqlBinaryImporter importer, TColumn value, NpgsqlDbType type)
    {
        if (value is null) importer.WriteNull();
        else importer.Write(value, type);
    }
}

static class PostgresTypes
{
    public static NpgsqlDbType Of(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => NpgsqlDbType.Text,
        var t when t == typeof(long) => NpgsqlDbType.Bigint,
        var t when t == typeof(int) => NpgsqlDbType.Integer,
        var t when t == typeof(double) => NpgsqlDbType.Double,
        var t when t == typeof(bool) => NpgsqlDbType.Boolean,
        var t when t == typeof(byte[]) => NpgsqlDbType.Bytea,
        var t => throw new NotSupportedException($"A row cannot hold {t.Name}."),
    };
}

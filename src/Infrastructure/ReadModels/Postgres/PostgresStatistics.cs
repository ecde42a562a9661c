using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>What PostgreSQL knows of the values of a table, samples of them among it.</summary>
static class PostgresStatistics
{
    /// <summary>
    /// ANALYZE leaves the statistics of an empty table as they were, and an owner has no command that drops them: they are taken of one row of
    /// noughts, which is gone before anybody else could see it. A table with rows is left alone.
    /// </summary>
    /// <param name="table">As SQL writes it, with its schema: a table, a partition of one day, or all days together.</param>
    public static async Task ForgetIfEmptyAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var (rows, divided, day, columns) = await ShapeAsync(connection, table, ct);
        if (rows) return;
        // All days together may have none, and no row finds a place: it has a day of its own, which no calendar knows.
        if (divided) await connection.RunAsync($"CREATE TABLE {table}_nought PARTITION OF {table} FOR VALUES IN ({day})", ct);
        await connection.RunAsync($"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(c => c == "day" ? $"{day}" : "'0'"))})", ct);
        await connection.RunAsync($"ANALYZE {table}", ct);
        await connection.RunAsync(divided ? $"DROP TABLE {table}_nought" : $"DELETE FROM {table}", ct);
        await transaction.CommitAsync(ct);
    }

    static async Task<(bool Rows, bool Divided, int Day, string[] Columns)> ShapeAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var ask = new NpgsqlCommand($"""
            SELECT EXISTS (SELECT FROM {table}), relkind = 'p', coalesce(substring(pg_get_expr(relpartbound, oid) FROM '\d+')::int, -1),
                (SELECT array_agg(quote_ident(attname)) FROM pg_attribute WHERE attrelid = oid AND attnum > 0 AND attnotnull)
            FROM pg_class WHERE oid = $1::regclass
            """, connection) { Parameters = { new() { Value = table } } };
        await using var row = await ask.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetBoolean(0), row.GetBoolean(1), row.GetInt32(2), row.GetFieldValue<string[]>(3));
    }
}

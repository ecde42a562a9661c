using System.Collections.Concurrent;
using System.Globalization;
using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>The partitions of large tables, one a day: made when the first row of a day comes, dropped whole by retention.</summary>
sealed class PostgresPartitions(NpgsqlDataSource source)
{
    readonly ConcurrentDictionary<(string Schema, string Table, int Day), bool> _known = new();

    public async Task<bool> EnsureAsync(string schema, string table, IEnumerable<int> days, CancellationToken ct)
    {
        foreach (var day in days)
        {
            if (_known.ContainsKey((schema, table, day))) continue;
            await MakeAsync($"{schema}.{table}", day, ct);
            _known[(schema, table, day)] = true;
        }
        return true;
    }

    /// <summary>Others may have dropped any of them.</summary>
    public void Unlearn() => _known.Clear();

    public async Task<IReadOnlyList<int>> DaysAsync(ReadDb db, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        var days = new SortedSet<int>();
        foreach (var table in TableScript.Dated(db).Where(t => TableScript.DividerOf(t) is not null))
            days.UnionWith(await DaysAsync(connection, $"{db.Schema}.{table.GetTableName()}", ct));
        return [.. days];
    }

    /// <summary>Rows of all days before one, in one transaction: readers see all of them or none.</summary>
    public async Task ForgetAsync(ReadDb db, int day, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        foreach (var table in TableScript.Dated(db).OrderBy(t => TableScript.DividerOf(t) is not null))
        {
            var name = $"{db.Schema}.{table.GetTableName()}";
            if (TableScript.DividerOf(table) is null) await connection.RunAsync($"DELETE FROM {name} WHERE day < $1", ct, day);
            else foreach (var old in (await DaysAsync(connection, name, ct)).Where(d => d < day)) await connection.RunAsync($"DROP TABLE {name}_d{old}", ct);
        }
        await transaction.CommitAsync(ct);
        Unlearn();
    }

    /// <summary>Attached, not made in place: that would keep readers of the whole table out for a moment.</summary>
    async Task MakeAsync(string table, int day, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.RunAsync("SELECT pg_advisory_xact_lock(7247304)", ct);
        if (!(await DaysAsync(connection, table, ct)).Contains(day))
            await connection.RunAsync(string.Create(CultureInfo.InvariantCulture, $"""
                CREATE TABLE {table}_d{day} (LIKE {table} INCLUDING DEFAULTS);
                ALTER TABLE {table} ATTACH PARTITION {table}_d{day} FOR VALUES IN ({day})
                """), ct);
        await transaction.CommitAsync(ct);
    }

    static async Task<List<int>> DaysAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        var days = new List<int>();
        await using var command = new NpgsqlCommand(
            "SELECT substring(c.relname FROM '_d(\\d+)$')::int FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass", connection);
        command.Parameters.Add(new() { Value = table });
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct)) days.Add(rows.GetInt32(0));
        return days;
    }
}

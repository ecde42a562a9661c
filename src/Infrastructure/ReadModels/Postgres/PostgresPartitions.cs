using System.Collections.Concurrent;
using System.Globalization;
using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>The partitions of large tables, one a week: made when the first row of a week comes, dropped whole by retention.</summary>
sealed class PostgresPartitions(NpgsqlDataSource source)
{
    readonly ConcurrentDictionary<(string Schema, string Table, int Week), bool> _known = new();

    public async Task<bool> EnsureAsync(string schema, string table, IEnumerable<int> weeks, CancellationToken ct)
    {
        foreach (var week in weeks)
        {
            if (_known.ContainsKey((schema, table, week))) continue;
            await MakeAsync($"{schema}.{table}", week, ct);
            _known[(schema, table, week)] = true;
        }
        return true;
    }

    /// <summary>Others may have dropped any of them.</summary>
    public void Unlearn() => _known.Clear();

    /// <summary>Rows of all weeks before one, in one transaction: readers see all of them or none.</summary>
    public async Task ForgetAsync(ReadDb db, int week, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        foreach (var table in TableScript.Dated(db).OrderBy(t => TableScript.DividerOf(t) is not null))
        {
            var name = $"{db.Schema}.{table.GetTableName()}";
            if (TableScript.DividerOf(table) is null) await connection.RunAsync($"DELETE FROM {name} WHERE week < $1", ct, week);
            else foreach (var old in (await WeeksAsync(connection, name, ct)).Where(w => w < week)) await connection.RunAsync($"DROP TABLE {name}_w{old}", ct);
        }
        await transaction.CommitAsync(ct);
        Unlearn();
    }

    /// <summary>Attached, not made in place: that would keep readers of the whole table out for a moment.</summary>
    async Task MakeAsync(string table, int week, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.RunAsync("SELECT pg_advisory_xact_lock(7247304)", ct);
        if (!(await WeeksAsync(connection, table, ct)).Contains(week))
            await connection.RunAsync(string.Create(CultureInfo.InvariantCulture, $"""
                CREATE TABLE {table}_w{week} (LIKE {table} INCLUDING DEFAULTS);
                ALTER TABLE {table} ATTACH PARTITION {table}_w{week} FOR VALUES IN ({week})
                """), ct);
        await transaction.CommitAsync(ct);
    }

    static async Task<List<int>> WeeksAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        var weeks = new List<int>();
        await using var command = new NpgsqlCommand(
            "SELECT substring(c.relname FROM '_w(\\d+)$')::int FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass", connection);
        command.Parameters.Add(new() { Value = table });
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct)) weeks.Add(rows.GetInt32(0));
        return weeks;
    }
}

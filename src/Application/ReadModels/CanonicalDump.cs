using System.Buffers;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// The rows of a generation in one order and one form, whichever engine holds them: tables and columns by name, rows by primary key, one
/// JSON line each. Columns that depend on the order of arrival are left out. Equal facts give equal dumps, and one hash says so.
/// </summary>
public static class CanonicalDump
{
    /// <summary>SHA-256 of the dump, and how many rows it has.</summary>
    public static async Task<(string Sha256, long Rows)> HashAsync(ReadDb db, CancellationToken ct)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rows = 0L;
        await foreach (var line in LinesAsync(db, ct))
        {
            sha.AppendData(line.Span);
            rows++;
        }
        return (Convert.ToHexStringLower(sha.GetHashAndReset()), rows);
    }

    /// <summary>The same for each table by itself.</summary>
    public static async Task<IReadOnlyDictionary<string, (string Sha256, long Rows)>> TablesAsync(ReadDb db, CancellationToken ct)
    {
        var tables = new SortedDictionary<string, (string, long)>(StringComparer.Ordinal);
        foreach (var table in Tables(db))
        {
            using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var rows = 0L;
            await foreach (var line in LinesAsync(db, table, ct))
            {
                sha.AppendData(line.Span);
                rows++;
            }
            tables[table.GetTableName()!] = (Convert.ToHexStringLower(sha.GetHashAndReset()), rows);
        }
        return tables;
    }

    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        ReadDb db, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var table in Tables(db))
            await foreach (var line in LinesAsync(db, table, ct)) yield return line;
    }

    static IEnumerable<IEntityType> Tables(ReadDb db) =>
        db.Model.GetEntityTypes().Where(t => t.ClrType != typeof(CheckpointRow)).OrderBy(t => t.GetTableName(), StringComparer.Ordinal);

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        ReadDb db, IEntityType table, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await db.Database.OpenConnectionAsync(ct);
        var buffer = new ArrayBufferWriter<byte>();
        var columns = table.GetProperties().Where(p => p.PropertyInfo!.GetCustomAttribute<ByArrivalAttribute>() is null).Select(p => p.GetColumnName())
            .Order(StringComparer.Ordinal).ToList();
        // Positions differ from log to log, so a key of positions gives no order: parked facts stand by their ids.
        var order = table.ClrType == typeof(ParkedRow) ? ["event_id"] : table.FindPrimaryKey()!.Properties.Select(p => p.GetColumnName());
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"SELECT {string.Join(", ", columns)} FROM {Qualified(table)} ORDER BY {string.Join(", ", order)}";
        // Sorting millions of rows is no query of somebody who waits.
        command.CommandTimeout = 0;
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            buffer.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartObject();
                json.WriteString("table", table.GetTableName());
                for (var i = 0; i < columns.Count; i++) Write(json, columns[i], rows.GetValue(i), table);
                json.WriteEndObject();
            }
            buffer.Write("\n"u8);
            yield return buffer.WrittenMemory;
        }
    }

    static void Write(Utf8JsonWriter json, string column, object value, IEntityType table)
    {
        switch (value)
        {
            case DBNull: json.WriteNull(column); break;
            case string text: json.WriteString(column, text); break;
            case byte[] bytes: json.WriteBase64String(column, bytes); break;
            case bool flag: json.WriteNumber(column, flag ? 1 : 0); break;
            case int number: json.WriteNumber(column, number); break;
            case long number: json.WriteNumber(column, number); break;
            case double number: json.WriteNumber(column, number); break;
            default: throw new NotSupportedException($"{table.GetTableName()}.{column} holds {value.GetType().Name}.");
        }
    }

    static string Qualified(IEntityType table) => table.GetSchema() is { } schema ? $"{schema}.{table.GetTableName()}" : table.GetTableName()!;
}

using System.Linq.Expressions;
using System.Reflection;
using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Hindcast.Infrastructure.ReadModels;

/// <summary>A row type as EF's model maps it: what the bulk writers of both engines need to know, and nothing else.</summary>
sealed class RowMap<T> where T : class
{
    public required string Table { get; init; }
    public required IReadOnlyList<Column> Columns { get; init; }
    public IEnumerable<Column> Key => Columns.Where(c => c.IsKey);

    public sealed record Column(string Name, PropertyInfo Property, bool IsKey, bool KeepWhenNull, bool Divides)
    {
        /// <summary><c>row => row.Property</c>, for building compiled accessors.</summary>
        public LambdaExpression Getter()
        {
            var row = Expression.Parameter(typeof(T));
            return Expression.Lambda(Expression.Property(row, Property), row);
        }
    }

    public static RowMap<T> Of(ReadDb db)
    {
        var type = db.Model.FindEntityType(typeof(T)) ?? throw new InvalidOperationException($"{typeof(T).Name} is no row of '{db.Projection.Name}'.");
        var key = type.FindPrimaryKey()!.Properties;
        return new()
        {
            Table = type.GetTableName()!,
            Columns = [.. key.Concat(type.GetProperties().Except(key)).Select(p => new Column(
                p.GetColumnName(), p.PropertyInfo!, key.Contains(p), p.PropertyInfo!.IsDefined(typeof(KeepWhenNullAttribute)), p.PropertyInfo!.IsDefined(typeof(PartitionAttribute))))],
        };
    }

    /// <summary>The end of an upsert: what happens to a row that is there already.</summary>
    public string OnConflict(string table)
    {
        var sets = Columns.Where(c => !c.IsKey)
            .Select(c => c.KeepWhenNull ? $"{c.Name} = coalesce(excluded.{c.Name}, {table}.{c.Name})" : $"{c.Name} = excluded.{c.Name}").ToList();
        // A row that is all key is as it should be.
        return $"ON CONFLICT ({string.Join(", ", Key.Select(c => c.Name))}) DO {(sets.Count == 0 ? "NOTHING" : $"UPDATE SET {string.Join(", ", sets)}")}";
    }
}

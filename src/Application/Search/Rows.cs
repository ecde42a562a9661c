using System.Data.Common;
using System.Linq.Expressions;
using Hindcast.Application.ReadModels;

namespace Hindcast.Application.Search;

/// <summary>Reads rows of a query that names their columns in order. EF would compile each new text of SQL; filters make many.</summary>
sealed class Rows<T> where T : class, new()
{
    readonly Action<DbDataReader, T> _fill;

    Rows(string columns, Action<DbDataReader, T> fill) => (Columns, _fill) = (columns, fill);

    /// <summary>Of the alias <c>r</c>.</summary>
    public string Columns { get; }

    public T Read(DbDataReader reader)
    {
        var row = new T();
        _fill(reader, row);
        return row;
    }

    public static Rows<T> Of(ReadDb db, params IReadOnlyList<string> without)
    {
        var properties = db.Model.FindEntityType(typeof(T))!.GetProperties().Where(p => !without.Contains(p.Name)).ToList();
        var (reader, row) = (Expression.Parameter(typeof(DbDataReader)), Expression.Parameter(typeof(T)));
        var sets = properties.Select((p, i) => (Expression)Expression.IfThen(
            Expression.Not(Expression.Call(reader, nameof(DbDataReader.IsDBNull), null, Expression.Constant(i))),
            Expression.Assign(Expression.Property(row, p.PropertyInfo!), Get(reader, i, p.ClrType))));
        return new(
            string.Join(", ", properties.Select(p => $"r.{Microsoft.EntityFrameworkCore.RelationalPropertyExtensions.GetColumnName(p)}")),
            Expression.Lambda<Action<DbDataReader, T>>(Expression.Block(sets), reader, row).Compile());
    }

    static UnaryExpression Get(Expression reader, int column, Type type) => Expression.Convert(
        Expression.Call(reader, nameof(DbDataReader.GetFieldValue), [Nullable.GetUnderlyingType(type) ?? type], Expression.Constant(column)), type);
}

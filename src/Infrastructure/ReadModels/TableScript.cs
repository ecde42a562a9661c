using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;

namespace Hindcast.Infrastructure.ReadModels;

/// <summary>The SQL that makes a generation, in two parts: what a writer needs, and what only readers do.</summary>
sealed record TableScript(IReadOnlyList<string> Tables, IReadOnlyList<string> Indexes)
{
    public static TableScript Of(ReadDb db)
    {
        var model = db.GetService<IDesignTimeModel>().Model;
        var operations = db.GetService<IMigrationsModelDiffer>().GetDifferences(null, model.GetRelationalModel());
        return new(
            [.. operations.Where(o => o is not CreateIndexOperation).SelectMany(o => Sql(db, model, [o]).Select(sql => Divided(sql, o, db)))],
            [.. Sql(db, model, operations.Where(o => o is CreateIndexOperation)).Select(IfMissing)]);
    }

    /// <summary>The columns that a table of an older shape lacks, as they are added: an old row knows nothing of them.</summary>
    public static IEnumerable<string> Additions(IEntityType table, IReadOnlySet<string> present) =>
        from property in table.GetProperties()
        where !present.Contains(property.GetColumnName())
        select $"{property.GetColumnName()} {property.GetColumnType()}{(property.IsColumnNullable() ? "" : $" NOT NULL DEFAULT {Nothing(property.ClrType)}")}";

    /// <summary>Makes a statement that creates something do nothing when it is there.</summary>
    public static string IfMissing(string create) => create
        .Replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", StringComparison.Ordinal)
        .Replace("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", StringComparison.Ordinal)
        .Replace("CREATE UNIQUE INDEX ", "CREATE UNIQUE INDEX IF NOT EXISTS ", StringComparison.Ordinal);

    /// <summary>The tables that retention thins out, and the column that says when.</summary>
    public static IEnumerable<IEntityType> Dated(ReadDb db) => db.Model.GetEntityTypes().Where(t => t.FindProperty(nameof(SpanRow.Day)) is not null);

    public static IProperty? DividerOf(IEntityType table) =>
        table.GetProperties().SingleOrDefault(p => p.PropertyInfo is { } property && Attribute.IsDefined(property, typeof(PartitionAttribute)));

    /// <summary>SQLite keeps all rows of a table together.</summary>
    static string Divided(string create, MigrationOperation operation, ReadDb db) =>
        db.Schema is not null && operation is CreateTableOperation { Name: var name }
            && db.Model.GetEntityTypes().Single(t => t.GetTableName() == name) is var table && DividerOf(table) is { } by
                ? $"{create.TrimEnd().TrimEnd(';')} PARTITION BY LIST ({by.GetColumnName()});"
                : create;

    static List<string> Sql(ReadDb db, IModel model, IEnumerable<MigrationOperation> operations) =>
        [.. db.GetService<IMigrationsSqlGenerator>().Generate([.. operations], model).Select(c => c.CommandText)];

    static string Nothing(Type type) => type == typeof(string) || type == typeof(byte[]) ? "''" : type == typeof(bool) ? "false" : "0";
}

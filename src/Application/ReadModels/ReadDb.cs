using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// The tables of one generation of one projection: one model for both engines. A generation is a PostgreSQL schema or a SQLite file; its
/// tables are made with it and never migrated. Rows hold money as pico-USD and time as µs UTC, both int64.
/// </summary>
public sealed class ReadDb(DbContextOptions<ReadDb> options, Projection projection, string? schema) : DbContext(options)
{
    public Projection Projection => projection;
    public string? Schema => schema;

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        if (schema is not null) modelBuilder.HasDefaultSchema(schema);
        foreach (var row in projection.Rows.Append(typeof(CheckpointRow)).Append(typeof(ParkedRow))) modelBuilder.Entity(row);
        foreach (var row in modelBuilder.Model.GetEntityTypes())
        {
            foreach (var property in row.GetProperties())
            {
                property.SetColumnName(Snake(property.Name));
                property.ValueGenerated = Microsoft.EntityFrameworkCore.Metadata.ValueGenerated.Never;
                // Bytes order alike on both engines, and comparing them is cheaper than asking a locale.
                if (property.ClrType == typeof(string) && Database.ProviderName!.EndsWith("PostgreSQL", StringComparison.Ordinal)) property.SetCollation("C");
            }
        }
    }

    static string Snake(string name)
    {
        var snake = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && (char.IsUpper(name[i]) || (char.IsDigit(name[i]) && !char.IsDigit(name[i - 1])))) snake.Append('_');
            snake.Append(char.ToLowerInvariant(name[i]));
        }
        return snake.ToString();
    }

    /// <summary>EF keeps one model a context type; ours differs by projection and schema.</summary>
    public sealed class ModelKeys : IModelCacheKeyFactory
    {
        public object Create(DbContext context, bool designTime) =>
            context is ReadDb db ? (db.Projection.Name, db.Projection.Version, db.Schema, designTime) : (object)context.GetType();
    }
}

/// <summary>A column whose value depends on the order of arrival; the canonical dump leaves it out.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ByArrivalAttribute : Attribute;

/// <summary>A long text that a projection no longer holds once it is written: null in an upsert leaves what is there.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KeepWhenNullAttribute : Attribute;

/// <summary>
/// A whole number, part of the key, by which an engine that can keeps the rows of a large table apart, so that all rows of one value go at
/// once. It never changes for a row.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PartitionAttribute : Attribute;

using System.Collections.Concurrent;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// Read models in PostgreSQL: one schema for each generation, and the schema <c>hindcast</c> for what says which of them serves. The role
/// needs the right to create schemas in its database and nothing more.
/// </summary>
public sealed class PostgresReadStore(string connectionString) : IReadStore, IAsyncDisposable
{
    readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
    {
        ApplicationName = "hindcast",
        MaxAutoPrepare = 50,
        // Rows are read back by key and by index: compiling the query would cost more than running it.
        Options = "-c jit=off",
    });
    readonly ConcurrentDictionary<string, DbContextOptions<ReadDb>> _options = new(StringComparer.Ordinal);
    readonly SemaphoreSlim _made = new(1);
    bool _ready;

    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct) => Asked<IReadOnlyList<Generation>>(async () =>
    {
        await MakeCatalogAsync(ct);
        var all = new List<Generation>();
        await using var command = _source.CreateCommand("SELECT projection, number, version, log_id, serving FROM hindcast.generations ORDER BY projection, number");
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct)) all.Add(new(rows.GetString(0), rows.GetInt32(1), rows.GetInt32(2), rows.GetGuid(3), rows.GetBoolean(4)));
        return all;
    });

    public Task CreateAsync(Projection projection, Generation generation, CancellationToken ct) => Asked(async () =>
    {
        await MakeCatalogAsync(ct);
        var schema = SchemaOf(generation.Projection, generation.Number);
        await using var db = Open(projection, generation.Number);
        var script = db.Database.GenerateCreateScript().Replace("GO\n", "", StringComparison.Ordinal);
        if (projection.Rows.Contains(typeof(TextRow))) script += await PostgresTexts.ScriptAsync(_source, schema, ct);
        await using var connection = await _source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await RunAsync(connection, $"DROP SCHEMA IF EXISTS {schema} CASCADE; {script}; INSERT INTO {schema}.checkpoint (id, position) VALUES (1, 0);", ct);
        await RunAsync(connection, """
            INSERT INTO hindcast.generations (projection, number, version, log_id, serving) VALUES ($1, $2, $3, $4, false)
            ON CONFLICT (projection, number) DO UPDATE SET version = excluded.version, log_id = excluded.log_id, serving = false
            """, ct, generation.Projection, generation.Number, generation.Version, generation.LogId);
        await transaction.CommitAsync(ct);
        return true;
    });

    public Task ServeAsync(Generation generation, CancellationToken ct) => Asked(async () =>
    {
        await using var connection = await _source.OpenConnectionAsync(ct);
        await RunAsync(connection, "UPDATE hindcast.generations SET serving = (number = $2) WHERE projection = $1", ct, generation.Projection, generation.Number);
        foreach (var old in (await GenerationsAsync(ct)).Where(g => g.Projection == generation.Projection && g.Number != generation.Number))
        {
            await RunAsync(connection, $"DROP SCHEMA IF EXISTS {SchemaOf(old.Projection, old.Number)} CASCADE", ct);
            await RunAsync(connection, "DELETE FROM hindcast.generations WHERE projection = $1 AND number = $2", ct, old.Projection, old.Number);
        }
        return true;
    });

    public ReadDb Open(Projection projection, int generation)
    {
        var schema = SchemaOf(projection.Name, generation);
        return new(_options.GetOrAdd(schema, _ => new DbContextOptionsBuilder<ReadDb>()
            .UseNpgsql(_source)
            .ReplaceService<IModelCacheKeyFactory, ReadDb.ModelKeys>()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .Options), projection, schema);
    }

    public Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct) =>
        Task.FromResult($"{SchemaOf(projection.Name, generation)}.");

    public ISqlDialect Dialect { get; } = new PostgresDialect();

    public Task<IReadBatch> BeginAsync(Projection projection, int generation, CancellationToken ct) => Asked<IReadBatch>(async () =>
    {
        var connection = await _source.OpenConnectionAsync(ct);
        try
        {
            return new PostgresBatch(projection.Name, SchemaOf(projection.Name, generation), connection, await connection.BeginTransactionAsync(ct),
                () => Open(projection, generation));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    });

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    async Task MakeCatalogAsync(CancellationToken ct)
    {
        if (_ready) return;
        await _made.WaitAsync(ct);
        try
        {
            await using var connection = await _source.OpenConnectionAsync(ct);
            // Two nodes that start at once would both create the schema, and one of them would fail.
            await RunAsync(connection, """
                SELECT pg_advisory_lock(7247303);
                CREATE SCHEMA IF NOT EXISTS hindcast;
                CREATE TABLE IF NOT EXISTS hindcast.generations (
                    projection text NOT NULL, number int NOT NULL, version int NOT NULL, log_id uuid NOT NULL, serving boolean NOT NULL,
                    PRIMARY KEY (projection, number));
                SELECT pg_advisory_unlock(7247303);
                """, ct);
            _ready = true;
        }
        finally
        {
            _made.Release();
        }
    }

    static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in parameters) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(ct);
    }

    static string SchemaOf(string projection, int generation) => $"hindcast_{projection}_{generation}";

    internal static async Task<T> Asked<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (NpgsqlException e) when (IsPassing(e))
        {
            throw new Unavailable($"PostgreSQL does not answer: {e.Message}", TimeSpan.FromSeconds(2));
        }
        catch (TimeoutException)
        {
            throw new Unavailable("PostgreSQL does not answer in time.", TimeSpan.FromSeconds(2));
        }
    }

    /// <summary>No connection, no resources, shutting down, lost a race: it passes. What the server says of the data itself does not.</summary>
    static bool IsPassing(NpgsqlException e) =>
        e is not PostgresException server || e.IsTransient || server.SqlState is ['0', '8', ..] or ['4', '0', ..] or ['5', '3', ..] or ['5', '7', ..];
}

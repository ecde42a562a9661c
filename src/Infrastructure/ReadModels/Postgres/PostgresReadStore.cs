using System.Collections.Concurrent;
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
/// <remarks>
/// Queries, writers and the probe have connections of their own, so that none can take the others'. Queries end after 5 s, and nobody waits
/// for them any more once the probe finds the database silent. Commits of writers do not wait for the disk: a machine that dies may take the newest back, rows
/// and checkpoint together, and they are applied again.
/// </remarks>
public sealed class PostgresReadStore : IReadStore, IAsyncDisposable
{
    const int QueryMs = 5_000, QuerySeconds = 7, BatchSeconds = 20;

    readonly NpgsqlDataSource _queries, _writers, _probes;
    readonly PostgresProbe _probe;
    readonly PostgresCatalog _catalog;
    readonly PostgresPartitions _partitions;
    readonly ConcurrentDictionary<string, PostgresLoad> _loads = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<(string, bool), DbContextOptions<ReadDb>> _options = new();

    /// <param name="node">Who this process is among those on the same database: the same after a restart, another on every node.</param>
    public PostgresReadStore(string connectionString, string? node = null, TimeProvider? clock = null)
    {
        node ??= $"{Environment.MachineName}:{Environment.ProcessId}";
        // jit: rows are read back by key and by index, compiling the query would cost more than running it.
        _queries = Source(connectionString, "hindcast", $"-c jit=off -c statement_timeout={QueryMs}", pool: 40, QuerySeconds);
        _writers = Source(connectionString, PostgresCatalog.SessionsOf(node), "-c jit=off -c synchronous_commit=off -c idle_in_transaction_session_timeout=60s", pool: 20, BatchSeconds);
        _probes = Source(connectionString, "hindcast probe", "", pool: 1, BatchSeconds);
        _catalog = new(_writers, node);
        _partitions = new(_writers);
        _probe = new(_probes, clock ?? TimeProvider.System, () =>
        {
            _queries.Clear();
            _writers.Clear();
        });
    }

    static NpgsqlDataSource Source(string connectionString, string name, string options, int pool, int commandSeconds)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = name,
            MaxAutoPrepare = 50,
            // With 8 KiB, a month of figures was fifty waits for the next piece.
            ReadBufferSize = 64 << 10,
            MaxPoolSize = pool,
            // To connect, or to get a connection out of the pool.
            Timeout = 2,
            CommandTimeout = commandSeconds,
            // What is given up is cut off: a server that does not answer would not answer a wish to cancel either.
            CancellationTimeout = 500,
        };
        settings.Options = $"{settings.Options} {options}".Trim();
        return NpgsqlDataSource.Create(settings);
    }

    public CancellationToken Away => _probe.Away;

    public Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct) => _probe.Asked(() => _catalog.GenerationsAsync(ct));

    public Task CreateAsync(Projection projection, Generation generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        await _catalog.GenerationsAsync(ct);
        var schema = SchemaOf(generation.Projection, generation.Number);
        await using var db = Open(projection, generation.Number, forWork: true);
        await using var connection = await _writers.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.RunAsync($"DROP SCHEMA IF EXISTS {schema} CASCADE", ct);
        foreach (var sql in TableScript.Of(db).Tables) await connection.RunAsync(sql, ct);
        if (projection.Rows.Contains(typeof(TextRow))) await connection.RunAsync(PostgresTexts.Column(schema), ct);
        _partitions.Unlearn();
        await connection.RunAsync($"INSERT INTO {schema}.checkpoint (id, position, epoch) VALUES (1, 0, 0)", ct);
        await PostgresCatalog.AddAsync(connection, generation, ct);
        await transaction.CommitAsync(ct);
        return true;
    });

    public Task FinishAsync(Projection projection, int generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        await using var db = Open(projection, generation, forWork: true);
        db.Database.SetCommandTimeout(0);
        await db.Database.OpenConnectionAsync(ct);
        await db.Database.ExecuteSqlRawAsync("SET maintenance_work_mem = '256MB'; SET max_parallel_maintenance_workers = 4;", ct);
        foreach (var sql in TableScript.Of(db).Indexes) await db.Database.ExecuteSqlRawAsync(Plain(sql), ct);
        if (projection.Rows.Contains(typeof(TextRow)))
            foreach (var sql in await PostgresTexts.IndexesAsync(_writers, db.Schema!, ct)) await db.Database.ExecuteSqlRawAsync(Plain(sql), ct);
        foreach (var table in db.Model.GetEntityTypes()) await db.Database.ExecuteSqlRawAsync(Plain($"ANALYZE {db.Schema}.{table.GetTableName()}"), ct);
        await db.Database.ExecuteSqlRawAsync("RESET maintenance_work_mem; RESET max_parallel_maintenance_workers;", ct);
        return true;
    });

    public Task WidenAsync(Projection projection, int generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        await using var db = Open(projection, generation, forWork: true);
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        foreach (var sql in TableScript.Of(db).Tables) await db.Database.ExecuteSqlRawAsync(Plain(TableScript.IfMissing(sql)), ct);
        foreach (var table in db.Model.GetEntityTypes())
        {
            var name = table.GetTableName()!;
            var present = await db.Database.SqlQueryRaw<string>(
                "SELECT column_name::text AS \"Value\" FROM information_schema.columns WHERE table_schema = {0} AND table_name = {1}", db.Schema!, name).ToHashSetAsync(ct);
            foreach (var column in TableScript.Additions(table, present))
                await db.Database.ExecuteSqlRawAsync(Plain($"ALTER TABLE {db.Schema}.{name} ADD COLUMN {column}"), ct);
        }
        await transaction.CommitAsync(ct);
        return true;
    });

    public Task ServeAsync(Generation generation, long epoch, CancellationToken ct) => _probe.Asked(async () =>
    {
        await _catalog.ServeAsync(generation, epoch, ct);
        return true;
    });

    public Task DropAsync(Generation generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        await using var connection = await _writers.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.RunAsync($"DROP SCHEMA IF EXISTS {SchemaOf(generation.Projection, generation.Number)} CASCADE", ct);
        await connection.RunAsync("DELETE FROM hindcast.generations WHERE projection = $1 AND number = $2", ct, generation.Projection, generation.Number);
        await transaction.CommitAsync(ct);
        return true;
    });

    public Task<IReadOnlyList<int>> DaysAsync(Projection projection, int generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        await using var db = Open(projection, generation, forWork: true);
        return await _partitions.DaysAsync(db, ct);
    });

    public Task ForgetAsync(Projection projection, int generation, int day, CancellationToken ct) => _probe.Asked(async () =>
    {
        await using var db = Open(projection, generation, forWork: true);
        await _partitions.ForgetAsync(db, day, ct);
        return true;
    });

    /// <summary>What PostgreSQL's own write-ahead log holds goes as it is recycled, and what its archives and standbys hold is theirs to keep or lose.</summary>
    public Task<bool> ScrubAsync(long smallerThan, CancellationToken ct) => _probe.Asked(async () =>
    {
        var tables = new List<string>();
        await using var connection = await _writers.OpenConnectionAsync(ct);
        foreach (var schema in (await _catalog.GenerationsAsync(ct)).Select(g => SchemaOf(g.Projection, g.Number)))
        {
            await using var list = new NpgsqlCommand("SELECT format('%I.%I', schemaname, tablename), pg_total_relation_size(format('%I.%I', schemaname, tablename)) FROM pg_tables WHERE schemaname = $1", connection);
            list.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
            await using var row = await list.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                tables.Add(row.GetString(0));
                smallerThan -= row.GetInt64(1);
            }
        }
        if (smallerThan <= 0) return false;
        await RewriteAsync(tables.Select(t => $"(FULL, ANALYZE) {t}"));
        // Statistics hold samples of the values: taken anew, and then rewritten themselves, which the owner of the database may.
        foreach (var table in tables) await PostgresStatistics.ForgetIfEmptyAsync(connection, table, ct);
        await RewriteAsync(["FULL pg_catalog.pg_statistic"]);
        return true;

        async Task RewriteAsync(IEnumerable<string> all)
        {
            await OldSnapshotsEndAsync(connection, ct);
            foreach (var table in all)
            {
                await using var vacuum = new NpgsqlCommand($"VACUUM {table}", connection) { CommandTimeout = 0 };
                await vacuum.ExecuteNonQueryAsync(ct);
            }
        }
    });

    /// <summary>A rewrite carries along what somebody's snapshot still sees, erased rows too: snapshots from before now are waited for, ten seconds at most.</summary>
    static async Task OldSnapshotsEndAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var mark = new NpgsqlCommand("SELECT pg_current_xact_id()::xid::text", connection);
        var now = (string)(await mark.ExecuteScalarAsync(ct))!;
        await using var ask = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND age(backend_xmin) >= age($1::xid))", connection);
        ask.Parameters.Add(new NpgsqlParameter { Value = now, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Unknown });
        for (var attempt = 0; attempt < 200 && (bool)(await ask.ExecuteScalarAsync(ct))!; attempt++) await Task.Delay(50, ct);
    }

    public Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct) => _probe.Asked(() => _catalog.OwnAsync(projection, epoch, said, ct));

    public Task LeaveAsync(string projection, long epoch, CancellationToken ct) => _probe.Asked(async () =>
    {
        await _catalog.LeaveAsync(projection, epoch, ct);
        return true;
    });

    public Task AskReplayAsync(string projection, CancellationToken ct) => _probe.Asked(async () =>
    {
        await _catalog.AskReplayAsync(projection, ct);
        return true;
    });

    public ReadDb Open(Projection projection, int generation, bool forWork = false)
    {
        var schema = SchemaOf(projection.Name, generation);
        return new(_options.GetOrAdd((schema, forWork), _ => new DbContextOptionsBuilder<ReadDb>()
                .UseNpgsql(forWork ? _writers : _queries)
                .AddInterceptors(_probe)
                .ReplaceService<IModelCacheKeyFactory, ReadDb.ModelKeys>()
                .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
                .Options), projection, schema);
    }

    public Task<string> BesideAsync(ReadDb db, Projection projection, int generation, CancellationToken ct) =>
        Task.FromResult($"{SchemaOf(projection.Name, generation)}.");

    public ISqlDialect Dialect { get; } = new PostgresDialect();

    public Task<ReadDb> SnapshotAsync(Projection projection, int generation, CancellationToken ct) => _probe.Asked(async () =>
    {
        var db = Open(projection, generation, forWork: true);
        await db.Database.OpenConnectionAsync(ct);
        // The first reading fixes what the others see.
        await db.Database.ExecuteSqlRawAsync(
            Plain($"BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT position FROM {db.Schema}.checkpoint"), ct);
        return db;
    });

    public Task<LogPosition> ClaimAsync(Projection projection, int generation, long epoch, CancellationToken ct) => _probe.Asked(async () =>
    {
        // What an attempt before this one has on its way ends first; whatever became of it, the checkpoint knows.
        if (_loads.TryRemove(SchemaOf(projection.Name, generation), out var load)) await load.FlushAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await using var command = _writers.CreateCommand(
            $"UPDATE {SchemaOf(projection.Name, generation)}.checkpoint SET epoch = $1 WHERE id = 1 AND epoch <= $1 RETURNING position");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = epoch });
        return await command.ExecuteScalarAsync(ct) is long at ? new LogPosition(at) : throw new CheckpointMoved(projection.Name);
    });

    public async Task<IReadBatch> BeginAsync(Projection projection, int generation, long epoch, CancellationToken ct, bool ahead = false)
    {
        var schema = SchemaOf(projection.Name, generation);
        if (ahead)
            return _loads.GetOrAdd(schema, _ => new(schema, () => Open(projection, generation), late => BeginAsync(projection, schema, generation, epoch, late))).Begin();
        return await BeginAsync(projection, schema, generation, epoch, ct);
    }

    public async Task FlushAsync(Projection projection, int generation, CancellationToken ct)
    {
        if (_loads.TryGetValue(SchemaOf(projection.Name, generation), out var load)) await load.FlushAsync().WaitAsync(ct);
    }

    Task<PostgresBatch> BeginAsync(Projection projection, string schema, int generation, long epoch, CancellationToken ct) => _probe.Asked(async () =>
    {
        var connection = await _writers.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(ct);
            return new PostgresBatch(_probe, _partitions, projection.Name, schema, epoch, connection, transaction, () => Open(projection, generation));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    });

    /// <summary>An undefined table or schema is a generation that was dropped.</summary>
    public QueryFailure? Judge(Exception failure) => failure switch
    {
        InvalidOperationException { InnerException: NpgsqlException inner } => Judge(inner),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName } => QueryFailure.Gone,
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => QueryFailure.TooSlow,
        NpgsqlException e when PostgresProbe.IsPassing(e) => QueryFailure.Away,
        TimeoutException => QueryFailure.Away,
        OperationCanceledException when Away.IsCancellationRequested => QueryFailure.Away,
        _ => null,
    };

    public async ValueTask DisposeAsync()
    {
        await _probe.DisposeAsync();
        foreach (var source in new[] { _probes, _queries, _writers }) await source.DisposeAsync();
    }

    static string SchemaOf(string projection, int generation) => $"hindcast_{projection}_{generation}";

    /// <summary>EF reads braces as places for parameters.</summary>
    static string Plain(string sql) => sql.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);
}

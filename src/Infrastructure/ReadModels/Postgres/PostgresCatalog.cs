using Hindcast.Application.ReadModels;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>The schema <c>hindcast</c>: which generations there are, which of them serves, and who writes them.</summary>
/// <remarks>
/// Time is the database's own (<c>clock_timestamp()</c>): nodes' clocks may differ. Taking over ends the sessions of the node before, because a
/// frozen process keeps what it locked; the role may do that to its own sessions.
/// </remarks>
sealed class PostgresCatalog(NpgsqlDataSource source, string node)
{
    readonly SemaphoreSlim _made = new(1);
    bool _ready;

    public async Task<IReadOnlyList<Generation>> GenerationsAsync(CancellationToken ct)
    {
        await MakeAsync(ct);
        var all = new List<Generation>();
        await using var command = source.CreateCommand("SELECT projection, number, version, log_id, serving, accept_parked FROM hindcast.generations ORDER BY projection, number");
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct)) all.Add(new(rows.GetString(0), rows.GetInt32(1), rows.GetInt32(2), rows.GetGuid(3), rows.GetBoolean(4), rows.GetBoolean(5)));
        return all;
    }

    public static Task AddAsync(NpgsqlConnection connection, Generation generation, CancellationToken ct) => connection.RunAsync("""
        INSERT INTO hindcast.generations (projection, number, version, log_id, serving, accept_parked) VALUES ($1, $2, $3, $4, false, $5)
        ON CONFLICT (projection, number) DO UPDATE SET version = excluded.version, log_id = excluded.log_id, serving = false, accept_parked = excluded.accept_parked
        """, ct, generation.Projection, generation.Number, generation.Version, generation.LogId, generation.AcceptParked);

    public async Task ServeAsync(Generation generation, long epoch, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        var changed = await connection.RunAsync("""
            UPDATE hindcast.generations SET serving = (number = $2)
            WHERE projection = $1 AND NOT EXISTS (SELECT FROM hindcast.owners WHERE projection = $1 AND epoch > $3)
            """, ct, generation.Projection, generation.Number, epoch);
        if (changed == 0) throw new CheckpointMoved(generation.Projection);
    }

    public async Task<Tenure> OwnAsync(string projection, long epoch, string? said, CancellationToken ct)
    {
        await MakeAsync(ct);
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.RunAsync("INSERT INTO hindcast.owners (projection, node, epoch, until) VALUES ($1, '', 0, 'epoch') ON CONFLICT DO NOTHING", ct, projection);
        var held = await ReadAsync(connection, projection, ct);
        // The same node without an epoch is a process that died and was started again: nobody else can be it.
        var renews = held.Node == node && held.Epoch == epoch;
        if (!renews && held is { Expired: false } && (held.Node != node || epoch != 0))
            return new(held.Node, Ours: false, held.Epoch, held.Said, ReplayAsked: false);

        var mine = renews ? held.Epoch : held.Epoch + 1;
        await connection.RunAsync(
            "UPDATE hindcast.owners SET node = $2, epoch = $3, until = clock_timestamp() + $4, said = $5, replay = false WHERE projection = $1", ct,
            projection, node, mine, Tenure.Lease, (object?)said ?? DBNull.Value);
        await transaction.CommitAsync(ct);
        if (!renews && held.Node != node && held.Node.Length > 0) await EndSessionsAsync(connection, held.Node, ct);
        return new(node, Ours: true, mine, said, held.Replay);
    }

    public async Task LeaveAsync(string projection, long epoch, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await connection.RunAsync("UPDATE hindcast.owners SET until = 'epoch' WHERE projection = $1 AND epoch = $2 AND node = $3", ct, projection, epoch, node);
    }

    public async Task AskReplayAsync(string projection, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await connection.RunAsync("UPDATE hindcast.owners SET replay = true WHERE projection = $1", ct, projection);
    }

    /// <summary>The name under which a node's writing sessions can be found; PostgreSQL keeps 63 bytes of it.</summary>
    public static string SessionsOf(string node) =>
        $"hindcast writer {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(node)).AsSpan(0, 8))}";

    static Task<int> EndSessionsAsync(NpgsqlConnection connection, string node, CancellationToken ct) => connection.RunAsync(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND application_name = $1", ct, SessionsOf(node));

    static async Task<Held> ReadAsync(NpgsqlConnection connection, string projection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT node, epoch, until < clock_timestamp(), said, replay FROM hindcast.owners WHERE projection = $1 FOR UPDATE", connection);
        command.Parameters.Add(new() { Value = projection });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return new(row.GetString(0), row.GetInt64(1), row.GetBoolean(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetBoolean(4));
    }

    sealed record Held(string Node, long Epoch, bool Expired, string? Said, bool Replay);

    async Task MakeAsync(CancellationToken ct)
    {
        if (_ready) return;
        await _made.WaitAsync(ct);
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            // Two nodes that start at once would both create the schema, and one of them would fail.
            await connection.RunAsync("""
                SELECT pg_advisory_xact_lock(7247303);
                CREATE SCHEMA IF NOT EXISTS hindcast;
                CREATE TABLE IF NOT EXISTS hindcast.generations (
                    projection text NOT NULL, number int NOT NULL, version int NOT NULL, log_id uuid NOT NULL, serving boolean NOT NULL,
                    PRIMARY KEY (projection, number));
                ALTER TABLE hindcast.generations ADD COLUMN IF NOT EXISTS accept_parked boolean NOT NULL DEFAULT false;
                CREATE TABLE IF NOT EXISTS hindcast.owners (
                    projection text PRIMARY KEY, node text NOT NULL, epoch bigint NOT NULL, until timestamptz NOT NULL, said text, replay boolean NOT NULL DEFAULT false);
                """, ct);
            await transaction.CommitAsync(ct);
            _ready = true;
        }
        finally
        {
            _made.Release();
        }
    }
}

static class PostgresCommands
{
    public static async Task<int> RunAsync(this NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in parameters) command.Parameters.Add(new() { Value = value });
        return await command.ExecuteNonQueryAsync(ct);
    }
}

using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Integration.Engines;
using Npgsql;

namespace Hindcast.Integration.ReadModels;

/// <summary>An empty table keeps no sample of what it held.</summary>
public sealed class PostgresStatisticsTests
{
    [Fact]
    public async Task A_table_that_became_empty_forgets_what_was_sampled_a_day_of_it_too_and_one_with_rows_is_left_alone()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var source = NpgsqlDataSource.Create(await PostgresServer.DatabaseAsync());
        await using var connection = await source.OpenConnectionAsync(ct);
        Task RunAsync(string sql) => connection.RunAsync(sql, ct);
        async Task<string[]> SampledAsync()
        {
            await using var ask = new NpgsqlCommand("""
                SELECT coalesce(array_agg(DISTINCT tablename::text || CASE WHEN inherited THEN '*' ELSE '' END), '{}')
                FROM pg_stats WHERE schemaname = 's' AND concat(most_common_vals, histogram_bounds, most_common_elems) LIKE '%paula%'
                """, connection);
            return (string[])(await ask.ExecuteScalarAsync(ct))!;
        }

        const string Columns = "day integer NOT NULL, name text NOT NULL, counted bigint NOT NULL, sure boolean NOT NULL, bytes bytea NOT NULL, said text, words tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(said, ''))) STORED";
        await RunAsync($"""
            CREATE SCHEMA s;
            CREATE TABLE s.plain ({Columns}, PRIMARY KEY (name));
            CREATE INDEX plain_by_word ON s.plain (lower(said));
            CREATE TABLE s.kept ({Columns});
            CREATE TABLE s.emptied ({Columns}, PRIMARY KEY (day, name)) PARTITION BY LIST (day);
            CREATE TABLE s.emptied_d20730 PARTITION OF s.emptied FOR VALUES IN (20730);
            CREATE TABLE s.dropped ({Columns}) PARTITION BY LIST (day);
            CREATE TABLE s.dropped_d20731 PARTITION OF s.dropped FOR VALUES IN (20731);
            """);
        foreach (var (table, day) in (ValueTuple<string, int>[])[("plain", 1), ("kept", 1), ("emptied", 20730), ("dropped", 20731)])
            await RunAsync($"INSERT INTO s.{table} SELECT {day}, 'paula' || n, n, true, 'paula', 'paula likes figs' FROM generate_series(1, 100) n; ANALYZE s.{table}");
        (await SampledAsync()).Should().BeEquivalentTo("dropped*", "dropped_d20731", "emptied*", "emptied_d20730", "kept", "plain", "plain_by_word");
        await RunAsync("DELETE FROM s.plain; DELETE FROM s.emptied; DROP TABLE s.dropped_d20731");
        // Each table stands for a VACUUM, which no transaction takes.
        foreach (var table in (string[])["s.plain", "s.emptied", "s.emptied_d20730", "s.dropped"]) await RunAsync($"VACUUM (FULL, ANALYZE) {table}");
        (await SampledAsync()).Should().BeEquivalentTo(["dropped*", "emptied*", "emptied_d20730", "kept", "plain", "plain_by_word"], "ANALYZE does not look at a table without rows");

        foreach (var table in (string[])["s.plain", "s.kept", "s.emptied", "s.emptied_d20730", "s.dropped"]) await PostgresStatistics.ForgetIfEmptyAsync(connection, table, ct);
        (await SampledAsync()).Should().Equal("kept");
        foreach (var (table, rows) in (ValueTuple<string, long>[])[("plain", 0), ("kept", 100), ("emptied", 0), ("dropped", 0)])
        {
            await using var count = new NpgsqlCommand($"SELECT count(*) FROM s.{table}", connection);
            (await count.ExecuteScalarAsync(ct)).Should().Be(rows, table);
        }
        // A day that comes after is like any other.
        await RunAsync("INSERT INTO s.emptied (day, name, counted, sure, bytes) VALUES (20730, '0', 0, false, '0'); CREATE TABLE s.dropped_d20731 PARTITION OF s.dropped FOR VALUES IN (20731)");
    }
}

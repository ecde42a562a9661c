using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hindcast.Infrastructure.Sqlite;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Hindcast.Bench.Queries;

/// <summary>
/// The query table (goal G6): the p95 of 60 requests through HTTP beside the p95 of the best SQL one would write by hand, run by turns, the
/// rows read to their end in both. Kept answers are not used. Both are warm.
/// </summary>
static class QueryBench
{
    const int Rounds = 60;
    /// <summary>Before they count: .NET compiles what is asked a second time, and better, in the first few hundred calls.</summary>
    const int OursBefore = 300, SqlBefore = 5;
    const string Row = "r.project, r.trace_id, r.span_id, r.parent_span_id, r.kind, r.name, r.status, r.error, r.provider, r.model, r.started_at, r.ended_at, r.duration, r.input_tokens, r.output_tokens, r.total_tokens, "
        + "r.input_cost, r.output_cost, r.total_cost, r.environment, r.user_id, r.session_id, r.agent, r.input, r.output, r.attributes";
    const string Newest = "ORDER BY r.started_at DESC, r.trace_id DESC, r.span_id DESC LIMIT 51";

    /// <param name="Sql">By hand, for PostgreSQL and for SQLite; {0} and {1} stand for what is before the names of spans and texts.</param>
    sealed record Query(string Name, int Goal, string Path, string? Body, string Postgres, string? Sqlite = null);

    /// <param name="rest">
    /// How many spans; <c>sqlite</c>, <c>pg</c> (named by HINDCAST_TEST_POSTGRES) or a connection string; a folder that is kept: filled in one
    /// run and measured in the next ones.
    /// </param>
    public static Task RunAsync(string[] rest) => RunAsync(
        rest is [var spans, ..] ? int.Parse(spans, CultureInfo.InvariantCulture) : 100_000,
        rest is not [_, not "sqlite" and var store, ..] ? null
            : store != "pg" ? store
            : Environment.GetEnvironmentVariable("HINDCAST_TEST_POSTGRES") ?? throw new InvalidOperationException("HINDCAST_TEST_POSTGRES names no PostgreSQL."),
        rest is [_, _, var folder, ..] ? Path.GetFullPath(folder) : null);

    static async Task RunAsync(int spans, string? postgres, string? kept)
    {
        var filled = kept is not null && Directory.Exists(kept);
        Console.WriteLine($"{spans:N0} spans on {(postgres is null ? $"SQLite {SqliteRuntime.Version}" : "PostgreSQL")}; {Machine.Describe()}");
        var folder = Directory.CreateDirectory(kept ?? Path.Combine(Environment.CurrentDirectory, "artifacts", $"bench-queries-{Environment.ProcessId}")).FullName;
        try
        {
            var settings = new Dictionary<string, string>();
            if (postgres is not null) settings["ConnectionStrings__Postgres"] = postgres;
            await using var server = await HindcastProcess.StartAsync(folder, settings);
            using var http = server.Client();
            http.DefaultRequestHeaders.Add("Cache-Control", "no-cache");
            while (!(await http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) await Task.Delay(50);
            var watch = Stopwatch.StartNew();
            if (!filled)
            {
                await StoreOfSpans.FillAsync(folder, postgres, spans);
                Console.WriteLine($"filled in {watch.Elapsed.TotalSeconds:N0} s");
                if (kept is not null) return;
            }

            await using var connection = await OpenAsync(folder, postgres);
            var (rows, texts) = postgres is null ? ("", "texts.") : (await SchemaAsync(connection, "traces"), await SchemaAsync(connection, "texts"));
            Console.WriteLine($"{"query",-22} {"goal",5} {"HTTP p95",9} {"SQL p95",9}  ratio");
            foreach (var query in Queries(spans, postgres is not null))
            {
                var sql = string.Format(CultureInfo.InvariantCulture, postgres is null ? query.Sqlite ?? query.Postgres : query.Postgres, rows, texts);
                await MeasureAsync(query, http, connection, sql);
            }
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            if (kept is null) Directory.Delete(folder, recursive: true);
        }
    }

    static IEnumerable<Query> Queries(int spans, bool postgres)
    {
        string List(string query) => $"/api/v1/traces?{query}";
        string Search(string filter) => $$"""{"filter":{{filter}},"sort_desc":true}""";
        string Where(string condition) => $"SELECT {Row} FROM {{0}}spans r WHERE r.project = 'default' AND {condition} {Newest}";
        string Few(string condition) => $"WITH few AS MATERIALIZED (SELECT i.trace_id, i.span_id FROM {{1}}texts i WHERE i.project = 'default' AND {condition}) "
            + $"SELECT {Row} FROM few{(postgres ? " JOIN {0}runs d ON d.project = 'default' AND d.trace_id = few.trace_id" : "")} "
            + $"JOIN {{0}}spans r ON r.project = 'default' AND r.trace_id = few.trace_id AND r.span_id = few.span_id{(postgres ? " AND r.day = d.day" : "")} {Newest}";
        string Walk(string condition) => $"SELECT {Row} FROM {{0}}spans r CROSS JOIN LATERAL (SELECT * FROM {{1}}texts i WHERE i.project = r.project AND i.trace_id = r.trace_id AND i.span_id = r.span_id LIMIT 1) i WHERE r.project = 'default' AND {condition} {Newest}";
        string WalkPlain(string condition) => $"SELECT {Row} FROM {{0}}spans r JOIN {{1}}texts i ON i.project = r.project AND i.trace_id = r.trace_id AND i.span_id = r.span_id WHERE r.project = 'default' AND {condition} {Newest}";
        string Words(string word) => $"i.search @@ plainto_tsquery('english', '{word}')";
        string Fts(string word) => $"i.rowid IN (SELECT rowid FROM texts.words WHERE words MATCH '{word}')";
        string Probe(string condition) => $"SELECT count(*) FROM (SELECT 1 FROM {{1}}texts i WHERE i.project = 'default' AND {condition} LIMIT 4001) few; ";
        var part = "(i.input ILIKE '%{0}%' OR i.output ILIKE '%{0}%')";
        var deep = StoreOfSpans.Start + (TimeSpan.FromDays(30) * 0.1);
        var trace = $"trace-{spans / 20:00000000}";

        yield return new("indexed filter", 10, List("user_id=user-77"), null, Where("r.user_id = 'user-77'"));
        yield return new("nested and/or/not", 30, "/api/v1/traces/search", Search("""
            {"operator":"AND","filters":[{"field":"environment","operator":"eq","value":"production"},{"operator":"OR","filters":[{"field":"duration_ms","operator":"gte","value":4000},{"field":"total_cost_usd","operator":"gt","value":0.0000015}]},{"operator":"NOT","filters":[{"field":"model","operator":"eq","value":"o1"}]}]}
            """), Where("r.environment = 'production' AND (r.duration >= 4000000 OR r.total_cost > 1500000) AND NOT r.model = 'o1'"));
        yield return new("rare nested", 100, "/api/v1/traces/search", Search("""
            {"operator":"AND","filters":[{"operator":"OR","filters":[{"field":"user_id","operator":"in","value":["user-5","user-6"]},{"field":"session_id","operator":"eq","value":"session-9"}]},{"field":"status_code","operator":"eq","value":"ERROR"},{"operator":"NOT","filters":[{"field":"duration_ms","operator":"lt","value":2500}]}]}
            """), Where("(r.user_id IN ('user-5', 'user-6') OR r.session_id = 'session-9') AND r.status = 3 AND NOT r.duration < 2500000"));
        foreach (var (name, word, few) in new[] { ("text, common word", "invoices", spans < 100_000), ("text, rare word", "zeppelins", true), ("text, absent word", "xylophones", true) })
        {
            yield return new(name, 50, "/api/v1/traces/search", Search($$"""{"field":"input_text","operator":"search","value":"{{word}}"}"""),
                Probe(Words(word)) + (few ? Few(Words(word)) : Walk(Words(word))), Probe(Fts($"input : {word}")) + (few || spans < 100_001 ? Few(Fts($"input : {word}")) : WalkPlain(Fts($"input : {word}"))));
        }
        foreach (var (name, text, few) in new[] { ("contains, common", "voicin", false), ("contains, rare", "eppeli", true), ("contains, absent", "ylophone", true) })
        {
            var condition = string.Format(CultureInfo.InvariantCulture, part, text);
            yield return new(name, 200, List($"search={text}"), null, Probe(condition) + (few ? Few(condition) : Walk(condition)), WalkPlain(condition.Replace("ILIKE", "LIKE", StringComparison.Ordinal)));
        }
        yield return new("page at 90 % depth", 10, List($"to={Uri.EscapeDataString(deep.ToString("O", CultureInfo.InvariantCulture))}"), null,
            Where($"r.started_at <= {(deep - DateTimeOffset.UnixEpoch).Ticks / 10}"));
        var (from, to) = (StoreOfSpans.Start, StoreOfSpans.Start.AddDays(30));
        yield return new("30 days by model", 30, $"/api/v1/metrics?metrics=request_count,total_cost,total_tokens,duration&include_percentiles=true&interval=1day&group_by=model&start_time={from:yyyy-MM-dd}&end_time={to:yyyy-MM-dd}", null,
            string.Create(CultureInfo.InvariantCulture, $"SELECT b.start, b.model, b.requests, b.parts, b.input_tokens, b.output_tokens, b.total_tokens, b.duration, b.timed, b.durations FROM {{0}}buckets b WHERE b.project = 'default' AND b.width = 86400 AND b.start >= {(from - DateTimeOffset.UnixEpoch).Ticks / 10} AND b.start < {(to - DateTimeOffset.UnixEpoch).Ticks / 10}"));
        yield return new("trace tree", 10, $"/api/v1/traces/{trace}/tree", null, $"SELECT {Row} FROM {{0}}spans r WHERE r.project = 'default' AND r.trace_id = '{trace}'");
    }

    static async Task MeasureAsync(Query query, HttpClient http, DbConnection connection, string sql)
    {
        var (ours, hand) = (new List<double>(), new List<double>());
        for (var i = 0; i < OursBefore; i++) await AskAsync(query, http);
        for (var i = 0; i < SqlBefore; i++) await RunAsync(connection, sql);
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            await AskAsync(query, http);
            ours.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
            await RunAsync(connection, sql);
            hand.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        var (p95, bare) = (At95(ours), At95(hand));
        var good = p95 <= query.Goal && p95 <= Math.Max(1.5 * bare, bare + 5);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{query.Name,-22} {query.Goal,5} {p95,9:N1} {bare,9:N1} {p95 / bare,6:N2} {(good ? "" : "over")}"));
    }

    static async Task AskAsync(Query query, HttpClient http)
    {
        using var request = new HttpRequestMessage(query.Body is null ? HttpMethod.Get : HttpMethod.Post, query.Path);
        if (query.Body is not null) request.Content = new StringContent(query.Body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsByteArrayAsync();
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{query.Name}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(text)}");
    }

    static async Task RunAsync(DbConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var values = new object[64];
        do while (await reader.ReadAsync()) reader.GetValues(values);
        while (await reader.NextResultAsync());
    }

    static double At95(List<double> times)
    {
        times.Sort();
        return times[(int)Math.Ceiling(0.95 * times.Count) - 1];
    }

    static async Task<DbConnection> OpenAsync(string folder, string? postgres)
    {
        DbConnection connection = postgres is null
            ? new SqliteConnection($"Data Source={Path.Combine(folder, "read", "traces-1.db")}")
            : new NpgsqlConnection(new NpgsqlConnectionStringBuilder(postgres) { Options = "-c jit=off", MaxAutoPrepare = 50 }.ToString());
        await connection.OpenAsync();
        if (postgres is null) await RunAsync(connection, $"ATTACH DATABASE '{Path.Combine(folder, "read", "texts-1.db")}' AS texts");
        return connection;
    }

    static async Task<string> SchemaAsync(DbConnection connection, string projection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT number FROM hindcast.generations WHERE projection = '{projection}' AND serving";
        return $"hindcast_{projection}_{await command.ExecuteScalarAsync()}.";
    }
}

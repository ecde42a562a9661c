using System.Collections.Concurrent;
using System.Data.Common;
using Hindcast.Application.ReadModels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;

namespace Hindcast.Application.Search;

/// <summary>A question to one <see cref="Catalogue"/>.</summary>
/// <param name="Projects">The caller's; null means all there are.</param>
public sealed record Search(Catalogue In, IReadOnlyList<string>? Projects, Filter Filter, SearchSort Sort, SearchPosition? After, int Limit)
{
    /// <summary>The long texts of the rows are wanted too.</summary>
    public bool WithTexts { get; init; } = true;
}

/// <summary>A page. It may hold less than was asked for and still have more: rows were looked at one by one, and there is a limit to that.</summary>
/// <param name="Next">Where the next page goes on; null when this is the last.</param>
public sealed record Found<T>(IReadOnlyList<T> Rows, SearchPosition? Next);

/// <summary>Finds the rows of a search, page by page, on either engine.</summary>
/// <remarks>
/// A page is read behind the last row of the one before it, in an order that leaves no choice, so rows that stay as they are come once each
/// whatever is written meanwhile. Conditions on texts are asked of their own table first, up to a few thousand rows: are there fewer, the
/// rest of the filter is asked of these; are there more, a walk along the order of the list soon meets enough. Either guess alone is a
/// thousand times too slow for the other case. SQLite keeps no figures of its rows, so there other indexed conditions are asked so, too. What no database decides (a regex, a tag, an attribute) is left out of the question, which
/// then finds too much, and is looked at here.
/// </remarks>
public sealed class Finder(ServingModels models) : IDisposable
{
    /// <summary>Few enough to be fetched and sorted; where there are more, one in some hundred rows matches.</summary>
    const int Few = 4_000;
    /// <summary>Rows that one page looks at here, and how many of them are read at once.</summary>
    const int MostLookedAt = 10_000;
    const int LookedAtOnce = 1_000;
    static readonly TimeSpan LongestQuery = TimeSpan.FromSeconds(5);
    static readonly MemoryCacheEntryOptions s_minute = new() { Size = 1, AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(1) };
    static readonly ConcurrentDictionary<(Type, string?, int, bool), object> s_rows = new();

    /// <summary>What was found to be few or many in the last minute. It decides on the way alone, never on the rows, so it may be out of date.</summary>
    readonly MemoryCache _few = new(new MemoryCacheOptions { SizeLimit = 1_000 });

    public void Dispose() => _few.Dispose();

    /// <exception cref="Unprocessable">It takes too long, or a regex does.</exception>
    public async Task<Found<T>> FindAsync<T>(Search search, CancellationToken ct) where T : class, new()
    {
        await using var db = models.Open("traces");
        var connection = db.Database.GetDbConnection();
        await db.Database.OpenConnectionAsync(ct);
        var asked = new Asked(search, models.Dialect, db.Schema is { } schema ? $"{schema}." : "");
        if (asked.ReadsTexts || search.Filter.Conditions.Any(c => c.UsesTexts)) asked.Texts = $"{await models.BesideAsync(db, "texts", ct)}texts";
        try
        {
            if (search.Sort.Field == Catalogue.ByRelevance) return await RankAsync<T>(asked, db, connection, ct);
            var (rows, next) = await FindAsync<T>(asked, db, connection, ct);
            return new([.. rows.Select(c => (T)c.Row)], next);
        }
        catch (Exception e) when (models.Dialect.TimedOut(e))
        {
            throw new Unprocessable("query_timeout", $"The search needs more than {LongestQuery.TotalSeconds} s; narrow it");
        }
    }

    /// <summary>The newest matches, the best of them first. A page goes on behind the last row of the one before it, should newer matches have come meanwhile.</summary>
    async Task<Found<T>> RankAsync<T>(Asked asked, ReadDb db, DbConnection connection, CancellationToken ct) where T : class, new()
    {
        var search = asked.Search;
        List<Searches> searches = [.. search.Filter.Conditions.OfType<Searches>()];
        if (searches.Count == 0) throw new BadRequest("sort_by", "Invalid sort field: relevance needs a filter with the operator search");
        var newest = new Asked(search with { Sort = new(search.In.SortField("ts"), Descending: true), After = null, Limit = Relevance.MostRanked, WithTexts = true }, asked.Dialect, asked.Schema) { Texts = asked.Texts };
        var ranked = Relevance.Rank((await FindAsync<T>(newest, db, connection, ct, looked: true)).Rows, searches);
        SearchPosition PositionOf(Candidate row) => search.In.PositionOf(row, search.In.SortField("ts"));
        var behind = search.After is not { Sort: long rank } after ? ranked : [.. ranked.Where(r => r.Rank < rank || (r.Rank == rank && IsBehind(PositionOf(r.Row), after)))];
        return new(
            [.. behind.Take(search.Limit).Select(r => (T)r.Row.Row)],
            behind.Count > search.Limit && behind[search.Limit - 1] is var last ? PositionOf(last.Row) with { Sort = last.Rank } : null);
    }

    static bool IsBehind(SearchPosition row, SearchPosition other) =>
        (row.StartedAt.CompareTo(other.StartedAt), string.CompareOrdinal(row.TraceId, other.TraceId), string.CompareOrdinal(row.SpanId, other.SpanId), string.CompareOrdinal(row.Project, other.Project))
            is (< 0, _, _, _) or (0, < 0, _, _) or (0, 0, < 0, _) or (0, 0, 0, < 0);

    async Task<(List<Candidate> Rows, SearchPosition? Next)> FindAsync<T>(Asked asked, ReadDb db, DbConnection connection, CancellationToken ct, bool looked = false) where T : class, new()
    {
        var search = asked.Search;
        var rows = (Rows<T>)s_rows.GetOrAdd((typeof(T), db.Schema, db.Projection.Version, search.WithTexts), _ =>
            Rows<T>.Of(db, search.WithTexts ? ["ErrorDetail", "Merge"] : ["ErrorDetail", "Merge", "Input", "Output"]));

        Narrowing? narrow = null;
        foreach (var part in asked.Narrowings())
        {
            if (!await AreFewAsync(asked, part, connection, ct)) continue;
            narrow = part;
            break;
        }
        var inProcess = search.Filter.Conditions.Any(c => c.InProcess);
        if (!inProcess)
        {
            var page = await ReadAsync(asked, rows, search.Filter, narrow, search.After, search.Limit + 1, looked, connection, ct);
            var more = page.Count > search.Limit;
            if (more) page.RemoveAt(search.Limit);
            return (page, more ? search.In.PositionOf(page[^1], search.Sort.Field) : null);
        }

        var (found, after, budget) = (new List<Candidate>(), search.After, new RegexBudget());
        var wide = Widened(search.Filter, negated: false);
        SearchPosition? last = null;
        for (var seen = 0; seen < MostLookedAt; seen += LookedAtOnce)
        {
            var candidates = await ReadAsync(asked, rows, wide, narrow, after, LookedAtOnce, looked: true, connection, ct);
            foreach (var candidate in candidates)
            {
                if (Evaluation.Of(search.Filter, candidate, budget) is not true)
                {
                    after = search.In.PositionOf(candidate, search.Sort.Field);
                    continue;
                }
                if (found.Count == search.Limit) return (found, last);
                found.Add(candidate);
                after = last = search.In.PositionOf(candidate, search.Sort.Field);
            }
            if (candidates.Count < LookedAtOnce) return (found, null);
        }
        return (found, after);
    }

    async Task<bool> AreFewAsync(Asked asked, Narrowing part, DbConnection connection, CancellationToken ct)
    {
        var sql = asked.Sql();
        sql.Write("SELECT count(*) FROM (SELECT 1");
        asked.RowsOf(sql, part);
        sql.Write($" LIMIT {Few + 1}) few");
        var question = string.Join('\0', [sql.ToString(), .. sql.Values]);
        if (_few.TryGetValue(question, out bool known)) return known;
        await using var command = CommandOf(sql, connection);
        using var limit = asked.Dialect.Limit(command, LongestQuery);
        return _few.Set(question, Convert.ToInt64(await command.ExecuteScalarAsync(ct), System.Globalization.CultureInfo.InvariantCulture) <= Few, s_minute);
    }

    static async Task<List<Candidate>> ReadAsync<T>(
        Asked asked, Rows<T> rows, Filter filter, Narrowing? narrow, SearchPosition? after, int limit, bool looked, DbConnection connection, CancellationToken ct)
        where T : class, new()
    {
        var (sql, searches) = asked.Page(rows.Columns, filter, narrow, after, limit, looked);
        await using var command = CommandOf(sql, connection);
        using var time = asked.Dialect.Limit(command, LongestQuery);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var page = new List<Candidate>();
        var texts = asked.Texts is not null && (looked || asked.ReadsTexts);
        var scores = looked ? asked.Scores : [];
        while (await reader.ReadAsync(ct))
        {
            var row = rows.Read(reader);
            var given = reader.FieldCount - searches - scores.Count;
            var at = given - (texts ? 2 : 0);
            if (asked.ReadsTexts && row is RunRow run && !reader.IsDBNull(at)) run.Prompt = reader.GetString(at);
            page.Add(new(
                row, texts && !reader.IsDBNull(at) ? reader.GetString(at) : null, texts && !reader.IsDBNull(at + 1) ? reader.GetString(at + 1) : null,
                searches == 0 ? [] : [.. Enumerable.Range(reader.FieldCount - searches, searches).Select(i => Convert.ToInt64(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture) == 1)])
            {
                Scores = Enumerable.Range(0, scores.Count).Where(i => !reader.IsDBNull(given + i)).ToDictionary(i => scores[i].Score!, i => reader.GetString(given + i), StringComparer.Ordinal),
            });
        }
        return page;
    }

    static DbCommand CommandOf(SqlText sql, DbConnection connection)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql.ToString();
        for (var i = 0; i < sql.Values.Count; i++)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (string.Create(System.Globalization.CultureInfo.InvariantCulture, $"@p{i}"), sql.Values[i]);
            command.Parameters.Add(parameter);
        }
        return command;
    }

    /// <summary>The same filter with what no database decides settled so that it excludes nothing.</summary>
    internal static Filter Widened(Filter filter, bool negated) => filter switch
    {
        All all => new All([.. all.Filters.Select(f => Widened(f, negated))]),
        AnyOf any => new AnyOf([.. any.Filters.Select(f => Widened(f, negated))]),
        Not not => new Not(Widened(not.Inner, !negated)),
        Condition { InProcess: true } => new Constant(!negated),
        _ => filter,
    };
}

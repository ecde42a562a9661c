namespace Hindcast.Application.Search;

/// <summary>One search as SQL on one engine.</summary>
sealed class Asked(Search search, ISqlDialect dialect, string schema)
{
    public Search Search => search;
    public ISqlDialect Dialect => dialect;
    public string Schema => schema;

    /// <summary>The table of texts, when the search looks at texts.</summary>
    public string? Texts { get; set; }

    /// <summary>Rows are shown with plain texts that are not their own.</summary>
    public bool ReadsTexts => search.WithTexts && !search.In.SearchesOwnTexts;

    public SqlText Sql() => new(dialect, schema, Texts ?? "") { SearchesOwn = search.In.SearchesOwnTexts };

    /// <summary>Parts of the filter that an index answers by itself, one table at a time.</summary>
    public IEnumerable<Narrowing> Narrowings()
    {
        var parts = search.Filter is All all ? all.Filters : [search.Filter];
        if (search.In.SearchesOwnTexts)
            foreach (var part in parts)
                if (IsIndexedText(part)) yield return new(part, Table.Texts);
        foreach (var part in parts)
            if (part is OneOf { Negated: false, Field.Score: not null } or Compare { Field.Score: not null }) yield return new(part, Table.Scores);
        if (dialect.KnowsItsRows) yield break;
        foreach (var part in parts)
            if (IsIndexed(part)) yield return new(part, Table.Rows);
    }

    bool IsIndexedText(Filter filter) => filter switch
    {
        Searches => true,
        Holds { Place: Place.Anywhere, Negated: false, Field.InTexts: true, Text.Length: >= 3 } => dialect.FindsPartsByIndex,
        AnyOf { Filters.Count: > 0 } any => any.Filters.All(IsIndexedText),
        _ => false,
    };

    static bool IsIndexed(Filter filter) => filter switch
    {
        OneOf { Negated: false, Field.Indexed: true } => true,
        AnyOf { Filters.Count: > 0 } any => any.Filters.All(IsIndexed),
        _ => false,
    };

    /// <summary>The rows of one part, as the end of a question for them.</summary>
    public void RowsOf(SqlText sql, Narrowing narrowing)
    {
        if (narrowing is { In: Table.Scores, Part: Condition score })
        {
            // Every score of that name that could count, and the rows it could count for; the condition is asked of its own column. LEFT keeps SQLite
            // from asking all rows for their scores.
            var column = new Field(score.Field.Name, score.Field.Type, score.Field.Type == FieldType.Text ? "s.text" : "s.number", score.Field.Read);
            sql.Write($" FROM {schema}scores s LEFT JOIN {schema}{search.In.Table} r ON r.project = s.project AND r.trace_id = s.trace_id AND r.day = s.day");
            if (Names.Contains("span_id")) sql.Write(" AND s.span_id IN ('', r.span_id)");
            sql.Write($" WHERE {Reach(sql, "s")}s.name = {sql.Value(score.Field.Score!)} AND ").Filter(score with { Field = column });
            return;
        }
        var (table, alias) = narrowing.In == Table.Texts ? (Texts!, "i") : ($"{schema}{search.In.Table}", "r");
        // Without figures of its rows SQLite would read all texts of the project; a plus hides their index from it, and leaves that of words.
        var within = narrowing.In == Table.Texts && !dialect.KnowsItsRows ? "+i" : alias;
        sql.Write($" FROM {table} {alias} WHERE {Reach(sql, within)}").Filter(narrowing.Part);
    }

    /// <summary>The projects that may be seen, as the beginning of a condition.</summary>
    public string Reach(SqlText sql, string alias) => search.Projects switch
    {
        null => "",
        [var one] => $"{alias}.project = {sql.Value(one)} AND ",
        var several => $"{alias}.project IN ({string.Join(", ", several.Select(p => sql.Value(p)))}) AND ",
    };

    /// <param name="narrow">Asked of the texts first, and of nothing but what it finds the rest.</param>
    /// <param name="looked">The texts are read with the rows, and what each search in the filter says of them.</param>
    /// <returns>The question, and how many of its last columns are answers of searches.</returns>
    public (SqlText Sql, int Searches) Page(string columns, Filter filter, Narrowing? narrow, SearchPosition? after, int limit, bool looked)
    {
        var sql = Sql();
        if (narrow is not null)
        {
            sql.Write($"WITH few AS MATERIALIZED (SELECT {(narrow.In == Table.Scores ? "DISTINCT " : "")}{string.Join(", ", Names.Select(n => $"{(narrow.In == Table.Texts ? "i" : "r")}.{n}"))}");
            RowsOf(sql, narrow);
            sql.Write(") ");
        }
        sql.Write($"SELECT {columns}");
        var searches = 0;
        if (Texts is not null && (looked || ReadsTexts)) sql.Write($", {search.In.Field("input_text").Sql}, {search.In.Field("output_text").Sql}");
        if (looked)
            foreach (var score in Scores) sql.Write($", {sql.Of(score)}");
        if (looked && Texts is not null)
        {
            foreach (var condition in search.Filter.Conditions.OfType<Searches>())
            {
                sql.Write(", CASE WHEN ").Filter(condition).Write(" THEN 1 ELSE 0 END");
                searches++;
            }
        }
        var table = $"{schema}{search.In.Table}";
        sql.Write(narrow is null
            ? $" FROM {table} r "
            : $" FROM few {RowsByName(narrow, table)} ");
        if (Texts is not null)
            foreach (var (alias, on) in search.In.Texts) sql.Write(dialect.Join(Texts, alias, on));
        sql.Write($" WHERE {Reach(sql, "r")}").Filter(Rest(filter, narrow is { In: not Table.Scores } ? narrow.Part : null));
        if (after is not null) sql.Write(" AND ").Write(Behind(sql, after));
        sql.Write($" ORDER BY {Order()} LIMIT {limit}");
        return (sql, searches);
    }

    /// <summary>The fields of the filter that are scores, each once, as texts.</summary>
    public IReadOnlyList<Field> Scores { get; } = [.. search.Filter.Conditions.Select(c => c.Field).Where(f => f.Score is not null).Select(f => search.In.Field(f.Name)).DistinctBy(f => f.Name)];

    /// <summary>Neither texts nor scores say on which day their row stands; its run does, and saves a look into every other day.</summary>
    string RowsByName(Narrowing narrow, string table)
    {
        var named = $"JOIN {table} r ON {string.Join(" AND ", Names.Select(n => $"r.{n} = few.{n}"))}";
        return narrow.In != Table.Rows && dialect.DividesByDay
            ? $"JOIN {schema}runs d ON d.project = few.project AND d.trace_id = few.trace_id {named} AND r.day = d.day"
            : named;
    }

    static Filter Rest(Filter filter, Filter? done) => done is null ? filter
        : ReferenceEquals(filter, done) ? Filter.Everything
        : filter is All all ? new All([.. all.Filters.Where(f => !ReferenceEquals(f, done))])
        : filter;

    /// <summary>What names a row in its own table and in the texts.</summary>
    IEnumerable<string> Names => search.In.Key.Where(c => c != "started_at").Prepend("project");

    /// <summary>The key of a row, and its project where more than one may be seen.</summary>
    List<string> Key => [.. search.In.Key.Select(c => $"r.{c}"), .. search.Projects is [_] ? (string[])[] : ["r.project"]];

    string Order()
    {
        var direction = search.Sort.Descending ? " DESC" : "";
        var key = string.Join(", ", Key.Select(c => c + direction));
        var (field, sort) = (search.Sort.Field, search.Sort.Field.SortSql!);
        return sort == "r.started_at" ? key
            : field.Required ? $"{sort}{direction}, {key}"
            : $"{sort}{direction} NULLS LAST, {key}";
    }

    /// <summary>Rows behind a place. Those without a value to sort by come last.</summary>
    string Behind(SqlText sql, SearchPosition after)
    {
        var than = search.Sort.Descending ? "<" : ">";
        var (field, sort) = (search.Sort.Field, search.Sort.Field.SortSql!);
        if (sort == "r.started_at") return KeyBehind();
        if (after.Sort is null) return $"{sort} IS NULL AND {KeyBehind()}";
        var value = sql.Value(after.Sort);
        var behind = $"({sort} {than} {value} OR ({sort} = {value} AND {KeyBehind()})";
        return behind + (field.Required ? ")" : $" OR {sort} IS NULL)");

        string KeyBehind()
        {
            object[] values = [after.StartedAt, after.TraceId, .. search.In.Key.Count > 2 ? (string[])[after.SpanId] : [], .. search.Projects is [_] ? (string[])[] : [after.Project]];
            return $"({string.Join(", ", Key)}) {than} ({string.Join(", ", values.Select(sql.Value))})";
        }
    }
}

/// <summary>A part of a filter that narrows all of it.</summary>
/// <param name="In">Where it is asked. Of scores it finds too much, and is asked again of the rows.</param>
sealed record Narrowing(Filter Part, Table In);

enum Table { Rows, Texts, Scores }

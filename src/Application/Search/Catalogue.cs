using Hindcast.Application.ReadModels;

namespace Hindcast.Application.Search;

/// <summary>A kind of row that can be searched: its fields by their wire names, and how it stands beside its texts.</summary>
/// <remarks>In SQL the row is <c>r</c>; its plain input is <c>i.input</c>, its plain output <c>o.output</c>.</remarks>
public abstract class Catalogue
{
    readonly Dictionary<string, Field> _fields = new(StringComparer.Ordinal);

    public abstract string Table { get; }

    /// <summary>Which rows of texts stand beside a row, and under which alias.</summary>
    public abstract IReadOnlyList<(string Alias, string On)> Texts { get; }

    /// <summary>The columns that name a row, without its project; lists are ordered by them where the sort key leaves a choice.</summary>
    public abstract IReadOnlyList<string> Key { get; }

    /// <summary>The texts a search for words looks at stand with the row itself; else it looks at all of its trace.</summary>
    public abstract bool SearchesOwnTexts { get; }

    public abstract SearchPosition PositionOf(Candidate row, Field sort);

    /// <summary>Of several scores of one name, which counts for a row: the first in this order. In SQL a score is <c>s</c>.</summary>
    protected abstract string ScoreThatCounts { get; }

    /// <summary>Also <c>score.&lt;name&gt;</c>.</summary>
    /// <exception cref="BadRequest">There is no such field.</exception>
    public virtual Field Field(string name) => _fields.GetValueOrDefault(name)
        ?? (name.StartsWith(ScorePrefix, StringComparison.Ordinal) && name.Length > ScorePrefix.Length ? ScoreOf(name, name[ScorePrefix.Length..]) : null)
        ?? throw new BadRequest(name, $"Invalid filter: field '{name}' is not allowed");

    /// <summary>No column: full-text matches, the best first whatever the direction.</summary>
    public static readonly Field ByRelevance = new("relevance", FieldType.Whole, null, _ => null) { SortSql = "r.started_at" };

    /// <exception cref="BadRequest">Lists are not sorted by that.</exception>
    public Field SortField(string name) => name == ByRelevance.Name && SearchesOwnTexts ? ByRelevance : _fields.GetValueOrDefault(name) is { SortSql: not null } field
        ? field
        : throw new BadRequest("sort_by", $"Invalid sort field: {name}");

    protected void Add(Field field, params ReadOnlySpan<string> aliases)
    {
        _fields[field.Name] = field;
        foreach (var alias in aliases) _fields[alias] = field;
    }

    const string ScorePrefix = "score.";

    /// <summary>The value of a score as text: numbers by their shortest digits, however they are written. In order of size as a number.</summary>
    Field ScoreOf(string name, string score)
    {
        string Sql(string column) => $"(SELECT s.{column} FROM {{1}}scores s WHERE s.project = r.project AND s.trace_id = r.trace_id AND s.name = {{0}} {ScoreThatCounts} LIMIT 1)";
        object? Read(Candidate c) => c.Scores.GetValueOrDefault(score);
        return new(name, FieldType.Text, Sql("text"), Read)
        {
            Score = score.Length <= Conditions.LongestText && !score.Contains('\0') ? score : throw new BadRequest("filter", "Invalid filter: that is no name of a score"),
            Plain = ScoreRow.Plain,
            Number = new(name, FieldType.Real, Sql("number"), c => Read(c) is string text ? ScoreRow.NumberOf(text) : null) { Score = score },
        };
    }

    /// <summary>What is known of several parts; null when nothing is. As numeric: absurd amounts must not run over.</summary>
    protected static string Sum(params IReadOnlyList<string> columns) =>
        $"CASE WHEN coalesce({string.Join(", ", columns.Select(c => $"r.{c}"))}) IS NULL THEN NULL ELSE {string.Join(" + ", columns.Select(c => $"CAST(coalesce(r.{c}, 0) AS numeric)"))} END";

    /// <summary>The codes behind a name; warnings are successes to those who know two kinds only.</summary>
    protected static IReadOnlyList<long> CodesOf(string name) => name.ToUpperInvariant() switch
    {
        "SUCCESS" or "OK" => [1, 2],
        "ERROR" => [3],
        "UNSET" => [0],
        _ => [],
    };

    protected static Field Status(Func<object, int> read, bool indexed) => new(
        "status_code", FieldType.Status, "CASE r.status WHEN 3 THEN 'ERROR' WHEN 0 THEN 'UNSET' ELSE 'SUCCESS' END",
        c => read(c.Row) switch { 3 => "ERROR", 0 => "UNSET", _ => "SUCCESS" })
    {
        Codes = CodesOf,
        CodeField = new("status_code", FieldType.Whole, "r.status", c => (long)read(c.Row)) { Indexed = indexed },
        SortSql = "CASE r.status WHEN 3 THEN 0 WHEN 0 THEN 2 ELSE 1 END",
        SortRead = c => read(c.Row) switch { 3 => 0L, 0 => 2L, _ => 1L },
        Required = true,
    };
}

/// <summary>A place in an ordered list: the key of a row, and what it was sorted by (null, long or string).</summary>
public sealed record SearchPosition(object? Sort, long StartedAt, string TraceId, string SpanId, string Project);

/// <summary>What a list is ordered by. Rows without a value come last in either direction.</summary>
public sealed record SearchSort(Field Field, bool Descending);

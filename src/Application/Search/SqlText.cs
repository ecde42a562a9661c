using System.Globalization;
using System.Text;

namespace Hindcast.Application.Search;

/// <summary>What SQL an engine writes differently, and what it can do for a search.</summary>
public interface ISqlDialect
{
    /// <summary>It has figures of how often a value occurs and chooses its indexes by them.</summary>
    bool KnowsItsRows { get; }

    /// <summary>Spans stand apart by the day of their trace.</summary>
    bool DividesByDay { get; }

    /// <summary>An index finds texts that hold another one of at least three characters.</summary>
    bool FindsPartsByIndex { get; }

    /// <summary>A text that holds another in either case of A to Z; <c>\</c> escapes in the pattern.</summary>
    string Like(string text, string pattern);

    /// <summary>The text rows of an alias in which every word occurs, and never null.</summary>
    /// <param name="texts">The table of texts.</param>
    string Search(string texts, string alias, TextScope scope, string words);

    /// <summary>Joins at most one row of texts to each row, one by one: whoever wants many first asks the texts first.</summary>
    string Join(string texts, string alias, string on);

    /// <summary>Words as <see cref="Search"/> takes them; null when none of them counts, and nothing matches.</summary>
    string? Words(string words, TextScope scope);

    /// <summary>Ends the command when it takes longer; its failure is then one that <see cref="TimedOut"/> knows. Null where the engine does so anyway.</summary>
    IDisposable? Limit(System.Data.Common.DbCommand command, TimeSpan time);

    /// <summary>The failure is that of a command that was ended by <see cref="Limit"/>.</summary>
    bool TimedOut(Exception failure);
}

/// <summary>SQL under construction. What a client said is always a parameter and never text.</summary>
public sealed class SqlText(ISqlDialect dialect, string schema, string texts)
{
    readonly StringBuilder _text = new();
    readonly List<object> _values = [];

    public IReadOnlyList<object> Values => _values;

    public override string ToString() => _text.ToString();

    public SqlText Write(string sql)
    {
        _text.Append(sql);
        return this;
    }

    /// <summary>The name of a new parameter.</summary>
    public string Value(object value)
    {
        _values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"@p{_values.Count - 1}");
    }

    /// <summary>What a field is in SQL.</summary>
    public string Of(Field field) => field.Score is { } name ? string.Format(CultureInfo.InvariantCulture, field.Sql!, Value(name), schema) : field.Sql!;

    public SqlText Filter(Filter filter) => Write(Of(filter));

    string Of(Filter filter) => filter switch
    {
        Constant constant => constant.Value ? "1 = 1" : "1 = 0",
        All { Filters.Count: 0 } => "1 = 1",
        AnyOf { Filters.Count: 0 } => "1 = 0",
        All all => Joined(all.Filters, 0, all.Filters.Count, " AND "),
        AnyOf any => Joined(any.Filters, 0, any.Filters.Count, " OR "),
        Not not => $"NOT ({Of(not.Inner)})",
        IsNull c => $"{Of(c.Field)} IS {(c.Negated ? "NOT " : "")}NULL",
        OneOf c => OneOf(c),
        Compare c => $"{Of(c.Field)} {Sign(c.How)} {Value(c.Value)}",
        Holds c => $"{(c.Negated ? "NOT " : "")}{dialect.Like($"({Of(c.Field)})", Value(Pattern(c)))}",
        Searches c => Search(c),
        _ => throw new ArgumentOutOfRangeException(nameof(filter)),
    };

    /// <summary>As a balanced tree: SQLite bounds how deep an expression may be, and a chain is as deep as it is long.</summary>
    string Joined(IReadOnlyList<Filter> filters, int from, int to, string by) => to - from == 1
        ? Of(filters[from])
        : $"({Joined(filters, from, (from + to) / 2, by)}{by}{Joined(filters, (from + to) / 2, to, by)})";

    /// <summary>Of an empty set nothing is a member, and of a null that is still not known.</summary>
    string OneOf(OneOf c) => c.Values switch
    {
        [] => $"{Of(c.Field)} {(c.Negated ? "=" : "<>")} {Of(c.Field)}",
        [var one] => $"{Of(c.Field)} {(c.Negated ? "<>" : "=")} {Value(one)}",
        _ => $"{Of(c.Field)} {(c.Negated ? "NOT " : "")}IN ({string.Join(", ", c.Values.Select(Value))})",
    };

    /// <summary>Null when no word counts: nothing matches, and no parameter is wanted.</summary>
    string Search(Searches c) => dialect.Words(c.Words, c.Scope) is not { } words ? "1 = 0" : SearchesOwn
        ? dialect.Search(texts, "i", c.Scope, Value(words))
        : $"EXISTS (SELECT 1 FROM {texts} w WHERE w.project = r.project AND w.trace_id = r.trace_id AND {dialect.Search(texts, "w", c.Scope, Value(words))})";

    /// <summary>Words are looked for in the joined texts of the row, and not in all of its trace.</summary>
    public bool SearchesOwn { get; init; } = true;

    static string Sign(Comparison how) => how switch
    {
        Comparison.Less => "<",
        Comparison.LessOrEqual => "<=",
        Comparison.Greater => ">",
        _ => ">=",
    };

    static string Pattern(Holds c)
    {
        var text = c.Text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
        return c.Place switch
        {
            Place.Anywhere => $"%{text}%",
            Place.Start => $"{text}%",
            _ => $"%{text}",
        };
    }
}


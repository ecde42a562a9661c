namespace Hindcast.Application.Search;

public enum FieldType
{
    Text,
    /// <summary>int64, after <see cref="Field.Scale"/>.</summary>
    Whole,
    /// <summary>double.</summary>
    Real,
    /// <summary>µs UTC.</summary>
    Time,
    /// <summary>Named codes.</summary>
    Status,
    /// <summary>Several texts: a condition holds when it holds for one of them.</summary>
    Texts,
}

/// <summary>A field that can be filtered by, as the wire names it.</summary>
/// <param name="Sql">Over the aliases of its <see cref="Catalogue"/>, alike on every engine; null when no database can say.</param>
/// <param name="Read">The same value from a row that was read: string, long, double, or a list of strings.</param>
public sealed record Field(string Name, FieldType Type, string? Sql, Func<Candidate, object?> Read)
{
    /// <summary>Stored units in one unit of the wire: 10^12 for money.</summary>
    public decimal Scale { get; init; } = 1;
    /// <summary>Stands in the table of plain texts.</summary>
    public bool InTexts { get; init; }
    /// <summary>What lists are ordered by when sorted by this field; null when they cannot be.</summary>
    public string? SortSql { get; init; }
    public Func<Candidate, object?>? SortRead { get; init; }
    /// <summary>An index finds the rows with a value.</summary>
    public bool Indexed { get; init; }
    /// <summary>Never null: an index can be walked in its order.</summary>
    public bool Required { get; init; }
    /// <summary>For <see cref="FieldType.Status"/>: the codes of a name, none for one that is not known, and the field that holds them.</summary>
    public Func<string, IReadOnlyList<long>>? Codes { get; init; }
    public Field? CodeField { get; init; }
    /// <summary>The same field for ordering, where texts may be numbers; what is none is unknown.</summary>
    public Field? Number { get; init; }
    /// <summary>How a value is written before it is compared; null: as it is.</summary>
    public Func<string, string>? Plain { get; init; }
    /// <summary>Of a score, its name: <see cref="Sql"/> holds <c>{0}</c> for it and <c>{1}</c> for the schema.</summary>
    public string? Score { get; init; }
}

/// <summary>A row that was read, with what stands beside it.</summary>
/// <param name="Searched">For each <see cref="Searches"/> of the filter, in order, what the database said.</param>
public sealed record Candidate(object Row, string? Input, string? Output, IReadOnlyList<bool> Searched)
{
    System.Text.Json.JsonDocument? _attributes;

    /// <summary>The scores that count for the row, by their names.</summary>
    public IReadOnlyDictionary<string, string> Scores { get; init; } = System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The attributes of a span's row; undefined when it has none.</summary>
    public System.Text.Json.JsonElement Attributes(string? json) =>
        json is null ? default : (_attributes ??= System.Text.Json.JsonDocument.Parse(json, new() { MaxDepth = 1024 })).RootElement;
}

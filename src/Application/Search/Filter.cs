using System.Text.RegularExpressions;

namespace Hindcast.Application.Search;

/// <summary>
/// What to look for in a row: conditions on its fields, joined by and, or and not. Logic is SQL's, with three values: a condition on a
/// field that is null is neither true nor false, and only what is true matches.
/// </summary>
public abstract record Filter
{
    /// <summary>Matches every row.</summary>
    public static readonly Filter Everything = new All([]);

    /// <summary>The conditions at the leaves, from left to right.</summary>
    public IEnumerable<Condition> Conditions => this switch
    {
        Condition one => [one],
        All all => all.Filters.SelectMany(f => f.Conditions),
        AnyOf any => any.Filters.SelectMany(f => f.Conditions),
        Not not => not.Inner.Conditions,
        _ => [],
    };

    /// <summary>Both; conjunctions are kept flat.</summary>
    public Filter And(Filter other) => (this, other) switch
    {
        (All { Filters.Count: 0 }, _) => other,
        (_, All { Filters.Count: 0 }) => this,
        (All a, All b) => new All([.. a.Filters, .. b.Filters]),
        (All a, _) => new All([.. a.Filters, other]),
        (_, All b) => new All([this, .. b.Filters]),
        _ => new All([this, other]),
    };
}

/// <summary>Every one; true when there is none.</summary>
public sealed record All(IReadOnlyList<Filter> Filters) : Filter;

/// <summary>At least one; false when there is none.</summary>
public sealed record AnyOf(IReadOnlyList<Filter> Filters) : Filter;

public sealed record Not(Filter Inner) : Filter;

/// <summary>A leaf.</summary>
public abstract record Condition(Field Field) : Filter
{
    /// <summary>Which plain texts it looks at; they stand in a table of their own.</summary>
    public virtual bool UsesTexts => Field.InTexts;

    /// <summary>No database decides it: rows are read and looked at here, alike on every engine.</summary>
    public virtual bool InProcess => Field.Sql is null;
}

/// <summary>The field is null; never unknown itself.</summary>
public sealed record IsNull(Field Field, bool Negated) : Condition(Field);

/// <summary>The field equals one of the values (long, double or string, as the field holds them).</summary>
public sealed record OneOf(Field Field, IReadOnlyList<object> Values, bool Negated) : Condition(Field);

public enum Comparison { Less, LessOrEqual, Greater, GreaterOrEqual }

/// <summary>The field is less or more than a number (long or double, as the field holds it).</summary>
public sealed record Compare(Field Field, Comparison How, object Value) : Condition(Field);

public enum Place { Anywhere, Start, End }

/// <summary>A text holds another. Letters A to Z match in either case, all others as they are.</summary>
public sealed record Holds(Field Field, Place Place, string Text, bool Negated) : Condition(Field);

/// <summary>A regular expression finds something in the text; <see cref="Regexes"/> makes it and bounds its work.</summary>
public sealed record Finds(Field Field, Regex Pattern) : Condition(Field)
{
    public override bool InProcess => true;
}

/// <summary>Which text words are looked for in.</summary>
public enum TextScope { Both, Input, Output }

/// <summary>Every word occurs, by its stem; common words count nothing. False, and never unknown, where there is no text.</summary>
public sealed record Searches(Field Field, TextScope Scope, string Words) : Condition(Field)
{
    public override bool UsesTexts => true;
    public override bool InProcess => false;
}

/// <summary>Settled without looking at the row.</summary>
public sealed record Constant(bool Value) : Filter;

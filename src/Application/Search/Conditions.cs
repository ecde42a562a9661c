using System.Globalization;

namespace Hindcast.Application.Search;

/// <summary>The fourteen operators.</summary>
public enum FilterOperator { Eq, Ne, Gt, Gte, Lt, Lte, In, NotIn, Contains, NotContains, StartsWith, EndsWith, Regex, Search }

/// <summary>From field, operator and value to a condition: what each operator takes on each type of field, and what is made of the value.</summary>
/// <remarks>
/// A number is taken for a text by its digits, a text of digits for a number; nothing else is converted. Whole fields are compared with
/// whole bounds: more than 2.5 is 3 or more. Money is rounded to nothing: a bound lies between two amounts or on one.
/// </remarks>
public static class Conditions
{
    public const int LongestText = 4_000;
    public const int MostValues = 1_000;

    /// <param name="value">null, string, decimal, bool, <see cref="DateTimeOffset"/> for fields of time, or a list of these.</param>
    /// <exception cref="BadRequest">They do not go together; names the field.</exception>
    public static Filter Of(Field field, FilterOperator op, object? value) => op switch
    {
        FilterOperator.Eq or FilterOperator.Ne when value is null => new IsNull(field, op == FilterOperator.Ne),
        _ when value is null => throw Bad(field, "value must not be null for this operator"),
        FilterOperator.Eq or FilterOperator.Ne => Equal(field, [value], op == FilterOperator.Ne),
        FilterOperator.In or FilterOperator.NotIn => value is IReadOnlyList<object?> { Count: > 0 and <= MostValues } list
            ? Equal(field, list, op == FilterOperator.NotIn)
            : throw Bad(field, $"value must be an array of 1 to {MostValues} strings or numbers"),
        FilterOperator.Gt => Bound(field, Comparison.Greater, value),
        FilterOperator.Gte => Bound(field, Comparison.GreaterOrEqual, value),
        FilterOperator.Lt => Bound(field, Comparison.Less, value),
        FilterOperator.Lte => Bound(field, Comparison.LessOrEqual, value),
        FilterOperator.Contains => new Holds(Textual(field), Place.Anywhere, Text(field, value), false),
        FilterOperator.NotContains => new Holds(Textual(field), Place.Anywhere, Text(field, value), true),
        FilterOperator.StartsWith => new Holds(Textual(field), Place.Start, Text(field, value), false),
        FilterOperator.EndsWith => new Holds(Textual(field), Place.End, Text(field, value), false),
        FilterOperator.Regex => new Finds(Textual(field), Regexes.Make(field.Name, Text(field, value))),
        FilterOperator.Search => new Searches(field, field.Name switch
        {
            "input_text" => TextScope.Input,
            "output_text" => TextScope.Output,
            _ => TextScope.Both,
        }, Text(field, value)),
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    static OneOf Equal(Field field, IReadOnlyList<object?> values, bool negated) => field.Type switch
    {
        FieldType.Text or FieldType.Texts => new(field, [.. values.Select(v => (object)AsText(field, v)).Distinct()], negated),
        FieldType.Status => new(field.CodeField!, [.. values.SelectMany(v => field.Codes!(AsText(field, v))).Distinct().Select(c => (object)c)], negated),
        FieldType.Real => new(field, [.. values.Select(v => (object)(double)Number(field, v))], negated),
        // No whole number equals a broken one: the set is empty then, and a null is still unknown.
        _ => new(field, [.. values.Select(v => Scaled(field, v)).Where(n => n == decimal.Floor(n) && n is >= long.MinValue and <= long.MaxValue).Select(n => (object)(long)n).Distinct()], negated),
    };

    static Compare Bound(Field field, Comparison how, object value)
    {
        if (field.Number is { } number) field = number;
        if (field.Type is FieldType.Text or FieldType.Texts or FieldType.Status) throw Bad(field, "is a text, and ordering operators take numbers, and times on ts");
        if (field.Type == FieldType.Real) return new(field, how, (double)Number(field, value));
        var exact = Scaled(field, value);
        var whole = how is Comparison.GreaterOrEqual or Comparison.Less ? decimal.Ceiling(exact) : decimal.Floor(exact);
        return new(field, how, (long)decimal.Clamp(whole, long.MinValue, long.MaxValue));
    }

    static decimal Scaled(Field field, object? value)
    {
        if (field.Type == FieldType.Time)
            return value is DateTimeOffset at ? ReadModels.Time.Micros(at) : throw Bad(field, "value must be an ISO 8601 time");
        var most = (1e19m / field.Scale) + 1;
        return decimal.Clamp(Number(field, value), -most, most) * field.Scale;
    }

    static decimal Number(Field field, object? value) => value switch
    {
        decimal number => number,
        string text when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw Bad(field, "value must be a number"),
    };

    static string AsText(Field field, object? value)
    {
        var text = value switch
        {
            decimal number => number.ToString(CultureInfo.InvariantCulture),
            string => Text(field, value),
            _ => throw Bad(field, "value must be a string"),
        };
        return field.Plain?.Invoke(text) ?? text;
    }

    /// <summary>No text of ours holds NUL, and PostgreSQL would not so much as look for one.</summary>
    static string Text(Field field, object? value) => value is not string text ? throw Bad(field, "value must be a string")
        : text.Length > LongestText ? throw Bad(field, $"value must have at most {LongestText} characters")
        : text.Contains('\0') ? throw Bad(field, "value must not contain NUL")
        : text;

    static Field Textual(Field field) => field.Type is FieldType.Text or FieldType.Texts or FieldType.Status ? field : throw Bad(field, "is no text, and this operator takes texts");

    static BadRequest Bad(Field field, string why) => new(field.Name, $"Invalid filter: field '{field.Name}': {why}");
}

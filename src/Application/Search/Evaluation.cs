using System.Globalization;

namespace Hindcast.Application.Search;

/// <summary>
/// What a filter means, said once in plain code: the rule that SQL is tested against, and what decides the conditions that no database is
/// asked for.
/// </summary>
public static class Evaluation
{
    /// <summary>True, false, or null for unknown; only true matches.</summary>
    /// <param name="finds">Runs a regular expression within the budget of its query.</param>
    public static bool? Of(Filter filter, Candidate row, RegexBudget finds)
    {
        var searches = 0;
        return Of(filter, row, finds, ref searches);
    }

    static bool? Of(Filter filter, Candidate row, RegexBudget finds, ref int searches)
    {
        switch (filter)
        {
            case Constant constant: return constant.Value;
            case Not not: return !Of(not.Inner, row, finds, ref searches);
            case All all:
            {
                // Searches are counted in order, so none may be passed over.
                bool? result = true;
                foreach (var inner in all.Filters) result = result == false && !HasSearch(inner) ? false : result & Of(inner, row, finds, ref searches);
                return result;
            }
            case AnyOf any:
            {
                bool? result = false;
                foreach (var inner in any.Filters) result = result == true && !HasSearch(inner) ? true : result | Of(inner, row, finds, ref searches);
                return result;
            }
            case Searches: return row.Searched[searches++];
            case IsNull isNull: return isNull.Field.Read(row) is null != isNull.Negated;
            case Condition condition:
                return condition.Field.Read(row) switch
                {
                    null => null,
                    IReadOnlyList<string> several => several.Any(one => IsTrue(condition, one, finds)) != IsNegated(condition),
                    { } value => IsTrue(condition, value, finds) != IsNegated(condition),
                };
            default: throw new ArgumentOutOfRangeException(nameof(filter));
        }
    }

    static bool HasSearch(Filter filter) => filter.Conditions.Any(c => c is Searches);

    static bool IsNegated(Condition condition) => condition is OneOf { Negated: true } or Holds { Negated: true };

    static bool IsTrue(Condition condition, object value, RegexBudget finds) => condition switch
    {
        OneOf c => c.Values.Contains(value),
        Compare c => Order(value, c.Value) is var order && c.How switch
        {
            Comparison.Less => order < 0,
            Comparison.LessOrEqual => order <= 0,
            Comparison.Greater => order > 0,
            _ => order >= 0,
        },
        Holds { Place: Place.Anywhere } c => Lower((string)value).Contains(Lower(c.Text), StringComparison.Ordinal),
        Holds { Place: Place.Start } c => Lower((string)value).StartsWith(Lower(c.Text), StringComparison.Ordinal),
        Holds c => Lower((string)value).EndsWith(Lower(c.Text), StringComparison.Ordinal),
        Finds c => finds.IsMatch(c.Pattern, (string)value),
        _ => throw new ArgumentOutOfRangeException(nameof(condition)),
    };

    static int Order(object a, object b) => a is long x && b is long y
        ? x.CompareTo(y)
        : Convert.ToDouble(a, CultureInfo.InvariantCulture).CompareTo(Convert.ToDouble(b, CultureInfo.InvariantCulture));

    /// <summary>A to Z alone, as both databases do in the collation of our columns.</summary>
    static string Lower(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++) to[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    });
}

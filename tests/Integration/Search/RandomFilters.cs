using Hindcast.Application.Search;

namespace Hindcast.Integration.Search;

/// <summary>Random filters over what <see cref="SearchFixture"/> holds: trees of any shape with every field, operator and kind of value.</summary>
sealed class RandomFilters(Random random, Catalogue catalogue, IReadOnlyList<string> fields)
{
    static readonly string[] s_texts =
        ["u1", "u2", "s1", "gpt-4o", "GPT-4O", "claude", "openai", "prod", "o", "O%", "_", "%", @"\", "ä", "Ä", "", "alpha", "Alpha beta", "zeta", "t3", "m7", "ERROR", "OK", "success",
            "llm", "error", "good", "true", "1.0", "{", "\"", "5", "😀", "staging"];
    static readonly decimal[] s_numbers = [0, 1, 5, 10, 10.5m, 99, 100, 250, 1000, 0.001m, 0.0000025m, -1, 1e18m, 1e28m, -1e28m, 2.5m];
    static readonly string[] s_patterns = ["a", "^u[12]$", "o.*a", "(alpha|beta)", "[0-9]+", "ä", "^$", "A"];
    static readonly string[] s_words = ["alpha", "beta", "alpha beta", "zeta", "gamma delta", "the", "Alpha!", "the beta", "nowhere"];

    public Filter Tree(int depth = 0)
    {
        var kind = depth > 5 ? 9 : random.Next(10);
        return kind switch
        {
            0 or 1 => new All([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Tree(depth + 1))]),
            2 or 3 => new AnyOf([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Tree(depth + 1))]),
            4 => new Not(Tree(depth + 1)),
            _ => Leaf(),
        };
    }

    Filter Leaf()
    {
        while (true)
        {
            try
            {
                var field = catalogue.Field(fields[random.Next(fields.Count)]);
                var op = (FilterOperator)random.Next(14);
                return Conditions.Of(field, op, ValueOf(field, op));
            }
            catch (Application.BadRequest)
            {
                // They do not go together: another one.
            }
        }
    }

    object? ValueOf(Field field, FilterOperator op) => op switch
    {
        FilterOperator.Eq or FilterOperator.Ne when random.Next(6) == 0 => null,
        FilterOperator.In or FilterOperator.NotIn => Enumerable.Range(0, random.Next(1, 5)).Select(_ => Single(field)).ToList(),
        FilterOperator.Regex => Pick(s_patterns),
        FilterOperator.Search => Pick(s_words),
        FilterOperator.Contains or FilterOperator.NotContains or FilterOperator.StartsWith or FilterOperator.EndsWith => Pick(s_texts),
        _ => Single(field),
    };

    object? Single(Field field) => field.Type == FieldType.Time ? SearchFixture.Start.AddSeconds(random.Next(-2, 70))
        : field.Type is FieldType.Whole or FieldType.Real ? random.Next(3) == 0 ? $"{random.Next(300)}" : Pick(s_numbers)
        : random.Next(8) == 0 ? (decimal)random.Next(10) : Pick(s_texts);

    T Pick<T>(T[] all) => all[random.Next(all.Length)];
}

using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Search;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>
/// The filter of the contract (4.5) to ours: a node is a condition <c>{field, operator, value}</c> or joins others
/// <c>{operator: AND|OR|NOT, filters: […]}</c>, in any case. Refusals name the node.
/// </summary>
internal sealed class ObservatoryFilter(Catalogue catalogue, DateTimeOffset now)
{
    public const int DeepestNesting = 32;
    public const int MostNodes = 1_000;

    static readonly Dictionary<string, FilterOperator> s_operators = Enum.GetValues<FilterOperator>()
        .SelectMany(op => new[] { op.ToString(), JsonNamingPolicy.SnakeCaseLower.ConvertName(op.ToString()) }.Select(name => (name, op)))
        .DistinctBy(x => x.name.ToLowerInvariant()).ToDictionary(x => x.name, x => x.op, StringComparer.OrdinalIgnoreCase);

    int _nodes;

    public Filter Read(JsonElement node) => Read(node, "filter", 1);

    Filter Read(JsonElement node, string path, int depth)
    {
        if (++_nodes > MostNodes) throw new BadRequest("filter", $"Invalid filter: more than {MostNodes} nodes");
        if (depth > DeepestNesting) throw new BadRequest("filter", $"Invalid filter: nested deeper than {DeepestNesting} levels");
        if (node.ValueKind != JsonValueKind.Object) throw new BadRequest(path, $"Invalid filter: {path} must be an object");
        var op = TextOf(node, "operator", path);
        return node.TryGetProperty("filters", out var filters) ? Joined(filters, op, path, depth) : Leaf(node, op, path);
    }

    Filter Joined(JsonElement filters, string op, string path, int depth)
    {
        if (filters.ValueKind != JsonValueKind.Array || filters.GetArrayLength() == 0) throw new BadRequest($"{path}.filters", "Invalid filter: filters must be an array with at least one filter");
        var inner = filters.EnumerateArray().Select((f, i) => Read(f, $"{path}.filters[{i}]", depth + 1)).ToList();
        return op.ToUpperInvariant() switch
        {
            "AND" => new All(inner),
            "OR" => new AnyOf(inner),
            "NOT" => inner is [var one] ? new Not(one) : throw new BadRequest($"{path}.filters", "Invalid filter: NOT takes exactly one filter"),
            _ => throw new BadRequest($"{path}.operator", $"Invalid filter: logical operator '{op}' is not AND, OR or NOT"),
        };
    }

    Filter Leaf(JsonElement node, string op, string path)
    {
        var field = catalogue.Field(TextOf(node, "field", path));
        if (!s_operators.TryGetValue(op, out var known)) throw new BadRequest($"{path}.operator", $"Invalid filter: operator '{op}' is not known");
        if (!node.TryGetProperty("value", out var value)) throw new BadRequest($"{path}.value", $"Invalid filter: {path}.value is required");
        return Conditions.Of(field, known, ValueOf(value, field, path));
    }

    object? ValueOf(JsonElement value, Field field, string path) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String when field.Type == FieldType.Time => ObservatoryTimes.TryParse(ToText(value, path), now, out var time)
            ? time
            : throw new BadRequest(path, $"Invalid filter: field '{field.Name}': value must be an ISO 8601 time"),
        JsonValueKind.String => ToText(value, path),
        JsonValueKind.Number => value.TryGetDecimal(out var number) ? number : value.GetDouble() > 0 ? decimal.MaxValue : decimal.MinValue,
        JsonValueKind.Array when value.GetArrayLength() > Conditions.MostValues => throw new BadRequest(path, $"Invalid filter: an array has at most {Conditions.MostValues} values"),
        JsonValueKind.Array => value.EnumerateArray().Select(v => v.ValueKind is JsonValueKind.String or JsonValueKind.Number
            ? ValueOf(v, field, path)
            : throw new BadRequest(path, "Invalid filter: an array holds strings and numbers")).ToList(),
        JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new BadRequest(path, "Invalid filter: value must be a string, a number, true, false, null or an array"),
    };

    static string TextOf(JsonElement node, string name, string path) => node.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
        ? ToText(text, path)
        : throw new BadRequest($"{path}.{name}", $"Invalid filter: {path}.{name} must be a string");

    static string ToText(JsonElement text, string path)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new BadRequest(path, "Invalid filter: a text is not well-formed");
        }
    }
}

/// <summary>Times in the Observatory's queries: ISO 8601, or counted back from now.</summary>
internal static class ObservatoryTimes
{
    /// <summary><c>now</c> and <c>now-15m</c>, with s, m, h, d or w; else ISO 8601, in UTC where no zone is named.</summary>
    public static bool TryParse(string text, DateTimeOffset now, out DateTimeOffset time)
    {
        if (Relative(text, now) is not { } relative) return Times.TryParseAsUtc(text.Length > 0 ? text : "-", out time);
        time = relative;
        return true;
    }

    static DateTimeOffset? Relative(string text, DateTimeOffset now)
    {
        if (text == "now") return now;
        if (!text.StartsWith("now-", StringComparison.Ordinal) || text.Length < 6) return null;
        if (!int.TryParse(text.AsSpan(4, text.Length - 5), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var n) || n > 100_000) return null;
        return text[^1] switch
        {
            's' => now.AddSeconds(-n),
            'm' => now.AddMinutes(-n),
            'h' => now.AddHours(-n),
            'd' => now.AddDays(-n),
            'w' => now.AddDays(-7.0 * n),
            _ => null,
        };
    }
}

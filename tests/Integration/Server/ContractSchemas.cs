using System.Text.Json;

namespace Hindcast.Integration.Server;

/// <summary>
/// Answers against the schemas of the Observatory's own document, <c>observatory.openapi.yaml</c> beside this file: its component schemas,
/// word for word. Reads the part of YAML and of JSON Schema that document uses.
/// </summary>
static class ContractSchemas
{
    static readonly Node s_schemas = Load();

    public static void Check(Answer answer, string schema) => Problems(answer.Json, s_schemas[schema], "$").Should().BeEmpty($"{answer.Text} is a {schema}");

    static IEnumerable<string> Problems(JsonElement value, Node schema, string path)
    {
        if (schema.Find("$ref") is { } reference) return Problems(value, s_schemas[reference.Text.Split('/')[^1]], path);
        if (value.ValueKind == JsonValueKind.Null) return schema.Find("nullable")?.Text == "true" ? [] : [$"{path} is null"];
        if (schema.Find("enum") is { } allowed && !allowed.Text.Trim('[', ']').Split(',', StringSplitOptions.TrimEntries).Contains(value.GetString())) return [$"{path} is {value}"];
        return schema.Find("type")?.Text switch
        {
            "object" => OfObject(value, schema, path),
            "array" => value.ValueKind != JsonValueKind.Array ? [$"{path} is no array"] : value.EnumerateArray().SelectMany((v, i) => Problems(v, schema["items"], $"{path}[{i}]")),
            "string" => value.ValueKind != JsonValueKind.String ? [$"{path} is no string"]
                : schema.Find("format")?.Text == "date-time" && !value.TryGetDateTimeOffset(out _) ? [$"{path} is no time"] : [],
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _) ? [] : [$"{path} is no integer"],
            "number" => value.ValueKind == JsonValueKind.Number ? [] : [$"{path} is no number"],
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? [] : [$"{path} is no boolean"],
            var other => [$"{path}: the schema says {other}"],
        };
    }

    static IEnumerable<string> OfObject(JsonElement value, Node schema, string path)
    {
        if (value.ValueKind != JsonValueKind.Object) return [$"{path} is no object"];
        var missing = (schema.Find("required")?.Items ?? []).Where(name => !value.TryGetProperty(name, out _)).Select(name => $"{path}.{name} is missing");
        var known = schema.Find("properties");
        // A member that the document does not name is none of its members.
        var unknown = known is null ? [] : value.EnumerateObject().Where(m => known.Find(m.Name) is null).Select(m => $"{path}.{m.Name} is not in the document");
        var wrong = known is null ? [] : value.EnumerateObject().Where(m => known.Find(m.Name) is not null).SelectMany(m => Problems(m.Value, known[m.Name], $"{path}.{m.Name}"));
        return [.. missing, .. unknown, .. wrong];
    }

    /// <summary>A mapping by indentation, a list of scalars, or a scalar.</summary>
    sealed class Node
    {
        public Dictionary<string, Node> Members { get; } = [];
        public List<string> Items { get; } = [];
        public string Text { get; set; } = "";

        public Node this[string name] => Find(name) ?? throw new InvalidDataException($"The document has no {name}.");

        public Node? Find(string name) => Members.GetValueOrDefault(name);
    }

    static Node Load()
    {
        var root = new Node();
        var open = new Stack<(int Indent, Node Node)>([(-1, root)]);
        foreach (var line in File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "observatory.openapi.yaml")))
        {
            var text = line.Trim();
            if (text.Length == 0 || text[0] == '#') continue;
            var indent = line.Length - line.TrimStart().Length;
            while (open.Peek().Indent >= indent) open.Pop();
            if (text.StartsWith("- ", StringComparison.Ordinal))
            {
                open.Peek().Node.Items.Add(text[2..].Trim('\'', '"'));
                continue;
            }
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            var node = new Node { Text = text[(colon + 1)..].Trim().Trim('\'', '"') };
            open.Peek().Node.Members[text[..colon].Trim('\'', '"')] = node;
            open.Push((indent, node));
        }
        return root["components"]["schemas"];
    }
}

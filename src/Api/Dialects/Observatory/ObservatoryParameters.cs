using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>What the Observatory's doors take, for the OpenAPI document: they read it by hand, because refusals name what is wrong.</summary>
internal static class ObservatoryParameters
{
    static readonly (string Name, JsonSchemaType Type, string Says)[] s_list =
    [
        ("from", JsonSchemaType.String, "Earliest start: ISO 8601, now, or now-1h (s, m, h, d, w)"), ("to", JsonSchemaType.String, "Latest start, written the same way"),
        ("project_id", JsonSchemaType.String, "One project of the caller's; all of them without it"), ("trace_id", JsonSchemaType.String, "One trace"),
        ("provider", JsonSchemaType.String, "Provider"), ("model", JsonSchemaType.String, "Model"), ("status", JsonSchemaType.String, "SUCCESS (or OK), ERROR or UNSET"),
        ("operation_type", JsonSchemaType.String, "Kind of span: llm, tool, embedding, …"), ("environment", JsonSchemaType.String, "Environment"),
        ("user_id", JsonSchemaType.String, "User"), ("session_id", JsonSchemaType.String, "Session"),
        ("min_duration", JsonSchemaType.Integer, "Least duration, ms"), ("max_duration", JsonSchemaType.Integer, "Longest duration, ms"),
        ("min_cost", JsonSchemaType.Number, "Least cost, USD"), ("max_cost", JsonSchemaType.Number, "Highest cost, USD"),
        ("min_tokens", JsonSchemaType.Integer, "Fewest tokens in total"), ("max_tokens", JsonSchemaType.Integer, "Most tokens in total"),
        ("tags", JsonSchemaType.String, "Tags with commas between them; a span has all of them"), ("search", JsonSchemaType.String, "A part of the input or the output, in either case of A to Z"),
        ("sort_by", JsonSchemaType.String, "ts (default), trace_id, span_id, provider, model, duration_ms, ttft_ms, total_cost_usd, total_tokens, status_code, environment, or relevance (the newest 1,000 matches of a search, the best first); rows without a value come last"),
        ("sort_order", JsonSchemaType.String, "desc (default) or asc"), ("limit", JsonSchemaType.Integer, "1 to 1000, default 50"),
        ("cursor", JsonSchemaType.String, "From the answer before; holds 24 hours, for the same query and caller"), ("fields", JsonSchemaType.String, "Members of the answer, with commas between them"),
    ];

    static readonly (string Name, JsonSchemaType Type, string Says)[] s_figures =
    [
        ("start_time", JsonSchemaType.String, "The first moment in it: ISO 8601, now, or now-1h (s, m, h, d, w)"), ("end_time", JsonSchemaType.String, "The first moment after it; now without it"),
        ("project_id", JsonSchemaType.String, "A project of the caller's; its own without it"), ("provider", JsonSchemaType.String, "Provider"), ("model", JsonSchemaType.String, "Model"),
        ("environment", JsonSchemaType.String, "Environment"), ("user_id", JsonSchemaType.String, "User; the figures are then read from the requests themselves"),
    ];

    public static void List(OpenApiOperation operation) => Add(operation, s_list);

    /// <summary>What every door for figures takes, and what this one takes beside it: texts, each with what it means.</summary>
    public static Action<OpenApiOperation> Figures(params (string Name, string Says)[] more) =>
        operation => Add(operation, [.. s_figures, .. more.Select(m => (m.Name, JsonSchemaType.String, m.Says))]);

    static void Add(OpenApiOperation operation, IEnumerable<(string Name, JsonSchemaType Type, string Says)> all)
    {
        operation.Parameters ??= [];
        foreach (var (name, type, says) in all)
            operation.Parameters.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = says, Schema = new OpenApiSchema { Type = type } });
    }

    public static void Search(OpenApiOperation operation) => operation.RequestBody = new OpenApiRequestBody
    {
        Required = true,
        Description = "filter: {field, operator, value} or {operator: AND|OR|NOT, filters: […]}, at most 32 levels and 1,000 nodes; operators eq, ne, gt, gte, lt, lte, in, not_in, contains, "
            + "not_contains, starts_with, ends_with, regex, search; fields beside those of a trace: attributes.<key>, score.<name>. sort_by (default ts; relevance puts the best of the newest 1,000 matches of a search first), sort_desc (default false), limit (1 to 1000, default 50), cursor, fields.",
        Content = new Dictionary<string, OpenApiMediaType>
        {
            ["application/json"] = new()
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.Object },
                Example = JsonNode.Parse("""
                    {"filter":{"operator":"and","filters":[{"field":"provider","operator":"eq","value":"openai"},{"field":"input_text","operator":"search","value":"authentication error"}]},"sort_by":"ts","sort_desc":true,"limit":50}
                    """),
            },
        },
    };

    /// <summary>Adds to the description of a door.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder door, Action<OpenApiOperation> describe) => door.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        describe(operation);
        return Task.CompletedTask;
    });
}

using System.Globalization;
using System.Text.Json;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Search;

/// <summary>Spans, by the names of the LLM Observatory contract (4.5). Durations ms, money USD, tokens whole.</summary>
public sealed class SpanCatalogue : Catalogue
{
    public static readonly SpanCatalogue Instance = new();

    public override string Table => "spans";
    public override IReadOnlyList<(string Alias, string On)> Texts { get; } = [("i", "i.project = r.project AND i.trace_id = r.trace_id AND i.span_id = r.span_id")];
    public override IReadOnlyList<string> Key => ["started_at", "trace_id", "span_id"];
    public override bool SearchesOwnTexts => true;
    /// <summary>Its own, else its whole trace's; the last of them.</summary>
    protected override string ScoreThatCounts => "AND s.span_id IN ('', r.span_id) ORDER BY s.span_id DESC, s.at DESC, s.event_id DESC";

    SpanCatalogue()
    {
        Add(new("ts", FieldType.Time, "r.started_at", Of(r => r.StartedAt)) { SortSql = "r.started_at", Required = true });
        Add(Required("trace_id", "r.trace_id", r => r.TraceId) with { Indexed = true });
        Add(Required("span_id", "r.span_id", r => r.SpanId));
        Add(Text("parent_span_id", "r.parent_span_id", r => r.ParentSpanId));
        Add(Text("project_id", "r.project", r => r.Project), "attributes.project_id");
        Add(Text("session_id", "r.session_id", r => r.SessionId) with { Indexed = true });
        Add(Text("user_id", "r.user_id", r => r.UserId) with { Indexed = true });
        Add(Sorted("provider", "r.provider", r => r.Provider));
        Add(Sorted("model", "r.model", r => r.Model) with { Indexed = true });
        Add(Sorted("environment", "r.environment", r => r.Environment) with { Indexed = true });
        Add(Text("operation_type", "r.kind", r => r.Kind), "attributes.kind");
        Add(Text("service_name", "r.agent", r => r.Agent));
        Add(Text("span_name", "r.name", r => r.Name));
        Add(Text("error_message", "r.error", r => r.Error));
        Add(Text("attributes", "r.attributes", r => r.Attributes), "metadata", "model_parameters");
        Add(new("input_text", FieldType.Text, "i.input", c => c.Input) { InTexts = true });
        Add(new("output_text", FieldType.Text, "i.output", c => c.Output) { InTexts = true });
        Add(new("prompt_tokens", FieldType.Whole, Sum("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"),
            Of(r => Usage.Add(Usage.Add(r.InputTokens, r.CacheReadTokens), Usage.Add(r.CacheWrite5mTokens, r.CacheWrite1hTokens)))));
        Add(new("completion_tokens", FieldType.Whole, "r.output_tokens", Of(r => r.OutputTokens)));
        Add(new("total_tokens", FieldType.Whole, "r.total_tokens", Of(r => r.TotalTokens)) { SortSql = "r.total_tokens" });
        Add(Money("prompt_cost_usd", Sum("input_cost", "cache_read_cost", "cache_write_cost"),
            r => Usage.Add(Usage.Add(r.InputCost, r.CacheReadCost), r.CacheWriteCost)), "input_cost_usd");
        Add(Money("completion_cost_usd", "r.output_cost", r => r.OutputCost), "output_cost_usd");
        Add(Money("total_cost_usd", "r.total_cost", r => r.TotalCost) with { SortSql = "r.total_cost" });
        Add(Ms("duration_ms", "duration", r => r.Duration), "latency_ms");
        Add(Ms("ttft_ms", "time_to_first_token", r => r.TimeToFirstToken), "time_to_first_token_ms");
        Add(new("tokens_per_second", FieldType.Real, "CAST(r.output_tokens AS double precision) * 1000000 / nullif(r.duration, 0)",
            Of(r => r.OutputTokens is { } tokens && r.Duration is not (null or 0) ? (double)tokens * 1000000 / r.Duration : null)));
        Add(Status(row => ((SpanRow)row).Status, indexed: true));
        Add(new("tags", FieldType.Texts, null, c => TagsOf(c.Attributes(((SpanRow)c.Row).Attributes))));
    }

    /// <summary>Also <c>attributes.&lt;key&gt;</c>, and <c>properties.&lt;key&gt;</c> for the same.</summary>
    public override Field Field(string name)
    {
        if (name is "attributes.project_id" or "attributes.kind") return base.Field(name);
        foreach (var prefix in (ReadOnlySpan<string>)["attributes.", "properties."])
            if (name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length)
                return AttributeOf(name, name[prefix.Length..]);
        return base.Field(name);
    }

    public override SearchPosition PositionOf(Candidate row, Field sort)
    {
        var span = (SpanRow)row.Row;
        return new((sort.SortRead ?? sort.Read)(row), span.StartedAt, span.TraceId, span.SpanId, span.Project);
    }

    /// <summary>Tags are an attribute: an array of texts, or one text with commas.</summary>
    public static IReadOnlyList<string>? TagsOf(JsonElement attributes)
    {
        if (attributes.ValueKind != JsonValueKind.Object) return null;
        if (!attributes.TryGetProperty("tags", out var tags) && !attributes.TryGetProperty("llm.tags", out tags)) return null;
        return tags.ValueKind switch
        {
            JsonValueKind.Array => [.. tags.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!)],
            JsonValueKind.String => tags.GetString()!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            _ => null,
        };
    }

    static Field AttributeOf(string name, string key)
    {
        object? Read(Candidate c) => Scalar(c, key, out var text) ? text : null;
        return new(name, FieldType.Text, null, Read)
        {
            Number = new(name, FieldType.Real, null, c => Read(c) is string text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null),
        };
    }

    static bool Scalar(Candidate c, string key, out string? text)
    {
        text = null;
        var attributes = c.Attributes(((SpanRow)c.Row).Attributes);
        if (attributes.ValueKind != JsonValueKind.Object || !attributes.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return false;
        text = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
        return true;
    }

    static Func<Candidate, object?> Of(Func<SpanRow, object?> read) => c => read((SpanRow)c.Row);

    static Field Text(string name, string sql, Func<SpanRow, string?> read) => new(name, FieldType.Text, sql, Of(read));

    static Field Sorted(string name, string sql, Func<SpanRow, string?> read) => Text(name, sql, read) with { SortSql = sql };

    static Field Required(string name, string sql, Func<SpanRow, string?> read) => Sorted(name, sql, read) with { Required = true };

    static Field Money(string name, string sql, Func<SpanRow, long?> read) => new(name, FieldType.Whole, sql, Of(r => read(r))) { Scale = 1e12m };

    /// <summary>Milliseconds as they are shown, from µs; the order is that of the µs.</summary>
    static Field Ms(string name, string column, Func<SpanRow, long?> read) => new(name, FieldType.Whole, $"(r.{column} + 500) / 1000", Of(r => (read(r) + 500) / 1000))
    {
        SortSql = $"r.{column}",
        SortRead = Of(r => read(r)),
    };
}

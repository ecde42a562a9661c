using Hindcast.Application.ReadModels;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Search;

/// <summary>
/// Whole traces, by the same names where they have a meaning: the input is what a user said first, the output what a model said last, and a
/// search for words looks at every text of the trace.
/// </summary>
public sealed class RunCatalogue : Catalogue
{
    public static readonly RunCatalogue Instance = new();

    public override string Table => "runs";
    public override IReadOnlyList<(string Alias, string On)> Texts { get; } =
    [
        ("i", "i.project = r.project AND i.trace_id = r.trace_id AND i.span_id = r.prompt_span_id"),
        ("o", "o.project = r.project AND o.trace_id = r.trace_id AND o.span_id = r.response_span_id"),
    ];
    public override IReadOnlyList<string> Key => ["started_at", "trace_id"];
    public override bool SearchesOwnTexts => false;
    /// <summary>The whole trace's, else its spans'; the last of them.</summary>
    protected override string ScoreThatCounts => "ORDER BY CASE s.span_id WHEN '' THEN 0 ELSE 1 END, s.at DESC, s.event_id DESC";

    RunCatalogue()
    {
        Add(new("ts", FieldType.Time, "r.started_at", Of(r => r.StartedAt)) { SortSql = "r.started_at", Required = true }, "started_at");
        Add(Text("trace_id", "r.trace_id", r => r.TraceId) with { SortSql = "r.trace_id", Required = true, Indexed = true });
        Add(Text("project_id", "r.project", r => r.Project), "attributes.project_id");
        Add(Text("session_id", "r.session_id", r => r.SessionId) with { Indexed = true });
        Add(Text("user_id", "r.user_id", r => r.UserId) with { Indexed = true });
        Add(Sorted("provider", "r.provider", r => r.Provider));
        Add(Sorted("model", "r.model", r => r.Model));
        Add(Sorted("environment", "r.environment", r => r.Environment));
        Add(Text("service_name", "r.agent", r => r.Agent), "agent");
        Add(new("input_text", FieldType.Text, "i.input", c => c.Input) { InTexts = true });
        Add(new("output_text", FieldType.Text, "o.output", c => c.Output) { InTexts = true });
        Add(new("prompt_tokens", FieldType.Whole, Sum("input_tokens", "cache_read_tokens", "cache_write_tokens"),
            Of(r => Usage.Add(Usage.Add(r.InputTokens, r.CacheReadTokens), r.CacheWriteTokens))));
        Add(new("completion_tokens", FieldType.Whole, "r.output_tokens", Of(r => r.OutputTokens)));
        Add(new("total_tokens", FieldType.Whole, "r.total_tokens", Of(r => r.TotalTokens)) { SortSql = "r.total_tokens" });
        Add(Money("prompt_cost_usd", Sum("input_cost", "cache_read_cost", "cache_write_cost"),
            r => Usage.Add(Usage.Add(r.InputCost, r.CacheReadCost), r.CacheWriteCost)), "input_cost_usd");
        Add(Money("completion_cost_usd", "r.output_cost", r => r.OutputCost), "output_cost_usd");
        Add(Money("total_cost_usd", "r.total_cost", r => r.TotalCost) with { SortSql = "r.total_cost" });
        Add(new("duration_ms", FieldType.Whole, "(r.duration + 500) / 1000", Of(r => (r.Duration + 500) / 1000))
        {
            SortSql = "r.duration",
            SortRead = Of(r => r.Duration),
        }, "latency_ms");
        Add(Count("span_count", "r.spans", r => r.Spans));
        Add(Count("error_count", "r.errors", r => r.Errors));
        Add(Count("event_count", "r.events", r => r.Events));
        Add(Status(row => ((RunRow)row).Status, indexed: false));
    }

    public override SearchPosition PositionOf(Candidate row, Field sort)
    {
        var run = (RunRow)row.Row;
        return new((sort.SortRead ?? sort.Read)(row), run.StartedAt, run.TraceId, "", run.Project);
    }

    static Func<Candidate, object?> Of(Func<RunRow, object?> read) => c => read((RunRow)c.Row);

    static Field Text(string name, string sql, Func<RunRow, string?> read) => new(name, FieldType.Text, sql, Of(read));

    static Field Sorted(string name, string sql, Func<RunRow, string?> read) => Text(name, sql, read) with { SortSql = sql };

    static Field Money(string name, string sql, Func<RunRow, long?> read) => new(name, FieldType.Whole, sql, Of(r => read(r))) { Scale = 1e12m };

    static Field Count(string name, string sql, Func<RunRow, long> read) => new(name, FieldType.Whole, sql, Of(r => read(r))) { SortSql = sql, Required = true };
}

using System.Text.Json;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// The tree as <c>native.md</c> prints it. Times are ISO 8601 in UTC, durations ms, money USD. What is unknown is null, never 0.
/// Written by hand because a trace can be nested deeper than a serializer's stack allows.
/// </summary>
internal static class TreeJson
{
    const decimal PicoPerUsd = 1_000_000_000_000m;

    public static void Write(Utf8JsonWriter json, TraceTree tree)
    {
        var run = tree.Run;
        json.WriteStartObject();
        json.WriteString("trace_id", run.TraceId);
        json.WriteString("status", StatusName(run.Status));
        Time(json, "started_at", run.StartedAt);
        Time(json, "ended_at", run.EndedAt);
        Ms(json, "duration_ms", run.Duration);
        json.WriteString("user_id", run.UserId);
        json.WriteString("session_id", run.SessionId);
        json.WriteString("environment", run.Environment);
        json.WriteString("agent", run.Agent);
        json.WriteString("model", run.Model);
        json.WriteNumber("revision", run.LastRevision);
        json.WriteNumber("event_count", run.Events);
        json.WriteNumber("span_count", run.Spans);
        json.WriteNumber("error_count", run.Errors);
        json.WriteStartObject("totals");
        Tokens(json, "tokens", run.InputTokens, run.CacheReadTokens, run.CacheWriteTokens, run.OutputTokens, run.ReasoningTokens, run.TotalTokens);
        Cost(json, run.InputCost, run.CacheReadCost, run.CacheWriteCost, run.OutputCost, run.TotalCost);
        json.WriteNumber("unpriced_calls", run.Unpriced);
        json.WriteEndObject();
        Events(json, "scores", tree.Facts[""].Where(f => f.Type == "score"));
        json.WriteStartArray("spans");
        WriteSpans(json, tree);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Depth first with a stack of our own; null on it closes what was opened.</summary>
    static void WriteSpans(Utf8JsonWriter json, TraceTree tree)
    {
        var open = new Stack<SpanNode?>(tree.Roots.Reverse());
        while (open.TryPop(out var node))
        {
            if (node is null)
            {
                json.WriteEndArray();
                json.WriteEndObject();
                continue;
            }
            json.WriteStartObject();
            WriteSpan(json, tree.Spans[node.Span.Id], node, tree);
            json.WriteStartArray("children");
            open.Push(null);
            for (var i = node.Children.Count - 1; i >= 0; i--) open.Push(node.Children[i]);
        }
    }

    static void WriteSpan(Utf8JsonWriter json, SpanRow span, SpanNode node, TraceTree tree)
    {
        json.WriteString("span_id", span.SpanId);
        json.WriteString("parent_span_id", span.ParentSpanId);
        if (node.Orphan is { } why) json.WriteString("orphan", why == Orphan.Cycle ? "cycle" : "parent_unknown");
        json.WriteString("kind", span.Kind);
        json.WriteString("name", span.Name);
        Time(json, "started_at", span.StartedAt);
        Time(json, "ended_at", span.EndedAt);
        Ms(json, "duration_ms", span.Duration);
        Ms(json, "ttft_ms", span.TimeToFirstToken);
        json.WriteString("status", StatusName(span.Status));
        json.WriteString("error", span.Error);
        json.WriteString("provider", span.Provider);
        json.WriteString("model", span.Model);
        if (span.TotalTokens is null) json.WriteNull("usage");
        else
            Tokens(json, "usage", span.InputTokens, span.CacheReadTokens, Usage.Add(span.CacheWrite5mTokens, span.CacheWrite1hTokens),
                span.OutputTokens, span.ReasoningTokens, span.TotalTokens);
        Usd(json, "cost_usd", span.TotalCost);
        Cost(json, span.InputCost, span.CacheReadCost, span.CacheWriteCost, span.OutputCost, span.TotalCost);
        json.WriteString("user_id", span.UserId);
        json.WriteString("session_id", span.SessionId);
        json.WriteString("environment", span.Environment);
        json.WriteString("agent", span.Agent);
        if (span.Step is { } step) json.WriteNumber("step", step);
        Raw(json, "input", span.Input);
        Raw(json, "output", span.Output);
        Raw(json, "attributes", span.Attributes ?? "{}");
        if (span.Sanitised) json.WriteBoolean("sanitised", true);
        Events(json, "events", tree.Facts[span.SpanId]);
    }

    static void Events(Utf8JsonWriter json, string name, IEnumerable<FactRow> facts)
    {
        json.WriteStartArray(name);
        foreach (var fact in facts)
        {
            json.WriteStartObject();
            json.WriteString("event_id", new Guid(fact.EventId, bigEndian: true));
            json.WriteString("type", fact.Type);
            Time(json, "at", fact.At);
            json.WriteNumber("revision", fact.Revision);
            if (fact.Detail is not null) Raw(json, "data", fact.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static string StatusName(int status) => (SpanStatus)status switch
    {
        SpanStatus.Running => "running",
        SpanStatus.Success => "success",
        SpanStatus.Warning => "warning",
        _ => "error",
    };

    public static void Time(Utf8JsonWriter json, string name, long? micros)
    {
        if (micros is { } at) json.WriteString(name, Application.ReadModels.Time.At(at).UtcDateTime);
        else json.WriteNull(name);
    }

    public static decimal? UsdOf(long? pico) => pico / PicoPerUsd;

    static void Ms(Utf8JsonWriter json, string name, long? micros)
    {
        if (micros is { } took) json.WriteNumber(name, took / 1000m);
        else json.WriteNull(name);
    }

    static void Tokens(Utf8JsonWriter json, string name, long? input, long? cacheRead, long? cacheWrite, long? output, long? reasoning, long? total)
    {
        json.WriteStartObject(name);
        Number(json, "input", input);
        Number(json, "cache_read", cacheRead);
        Number(json, "cache_write", cacheWrite);
        Number(json, "output", output);
        Number(json, "reasoning", reasoning);
        Number(json, "total", total);
        json.WriteEndObject();
    }

    static void Cost(Utf8JsonWriter json, long? input, long? cacheRead, long? cacheWrite, long? output, long? total)
    {
        json.WriteStartObject("cost");
        Usd(json, "input_usd", input);
        Usd(json, "cache_read_usd", cacheRead);
        Usd(json, "cache_write_usd", cacheWrite);
        Usd(json, "output_usd", output);
        Usd(json, "total_usd", total);
        json.WriteEndObject();
    }

    static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    static void Usd(Utf8JsonWriter json, string name, long? pico)
    {
        if (UsdOf(pico) is { } usd) json.WriteNumber(name, usd);
        else json.WriteNull(name);
    }

    static void Raw(Utf8JsonWriter json, string name, string? text)
    {
        json.WritePropertyName(name);
        if (text is null) json.WriteNullValue();
        else json.WriteRawValue(text, skipInputValidation: true);
    }
}

using System.Text.Json;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// What came between two revisions (<c>native.md</c>): <c>{trace_id, from_revision, to_revision, items:[…as in the timeline], spans:[{span_id, change:
/// added|changed, fields:{name:{from, to}}}], totals:{name:{from, to}}}</c>. Only what differs is named; null is unknown.
/// </summary>
internal static class DiffJson
{
    static readonly (string Name, Func<SpanRow, object?> Of)[] s_span =
    [
        ("kind", s => s.Kind), ("name", s => s.Name), ("status", s => TreeJson.StatusName(s.Status)), ("error", s => s.Error), ("parent_span_id", s => s.ParentSpanId),
        ("started_at", s => Time.At(s.StartedAt).UtcDateTime), ("ended_at", s => s.EndedAt is { } ended ? Time.At(ended).UtcDateTime : null), ("duration_ms", s => s.Duration / 1000m),
        ("provider", s => s.Provider), ("model", s => s.Model), ("total_tokens", s => s.TotalTokens), ("cost_usd", s => TreeJson.UsdOf(s.TotalCost)),
        ("user_id", s => s.UserId), ("session_id", s => s.SessionId), ("agent", s => s.Agent), ("input", s => Raw(s.Input)), ("output", s => Raw(s.Output)), ("attributes", s => Raw(s.Attributes)),
    ];

    static readonly (string Name, Func<RunRow, object?> Of)[] s_run =
    [
        ("status", r => TreeJson.StatusName(r.Status)), ("duration_ms", r => r.Duration / 1000m), ("event_count", r => r.Events), ("span_count", r => r.Spans), ("error_count", r => r.Errors),
        ("total_tokens", r => r.TotalTokens), ("total_cost_usd", r => TreeJson.UsdOf(r.TotalCost)),
    ];

    public static void Write(Utf8JsonWriter json, TraceDiff diff)
    {
        json.WriteStartObject();
        json.WriteString("trace_id", diff.TraceId);
        json.WriteNumber("from_revision", diff.From);
        json.WriteNumber("to_revision", diff.To);
        TimelineJson.Items(json, diff.Facts);
        json.WriteStartArray("spans");
        foreach (var (before, after) in diff.Spans)
        {
            json.WriteStartObject();
            json.WriteString("span_id", after.SpanId);
            json.WriteString("change", before is null ? "added" : "changed");
            Fields(json, "fields", s_span, before, after);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        Fields(json, "totals", s_run, diff.Before, diff.After);
        json.WriteEndObject();
    }

    static void Fields<T>(Utf8JsonWriter json, string member, (string Name, Func<T, object?> Of)[] fields, T? before, T after) where T : class
    {
        json.WriteStartObject(member);
        foreach (var (name, of) in fields)
        {
            var (from, to) = (before is null ? null : of(before), of(after));
            if (Equals(from, to)) continue;
            json.WriteStartObject(name);
            Value(json, "from", from);
            Value(json, "to", to);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    static void Value(Utf8JsonWriter json, string name, object? value)
    {
        json.WritePropertyName(name);
        if (value is Stored { Json: var stored }) json.WriteRawValue(stored, skipInputValidation: true);
        else JsonSerializer.Serialize(json, value, Envelope.Json);
    }

    static Stored? Raw(string? json) => json is null ? null : new(json);

    /// <summary>A value that is JSON already.</summary>
    sealed record Stored(string Json);
}

using System.Text.Json.Nodes;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// The attributes of a span as views show them: by their own names, without those that have become its input or output, with a few common
/// ones under the newest name, and with events and links beside them. At most <see cref="TraceRules.MostAttributes"/>; the stored span has all.
/// </summary>
internal static class OtlpShown
{
    const string Events = "otel.events", Links = "otel.links", Dropped = "otel.dropped_attributes_count";

    public static Dictionary<string, string> Of(OtlpSpan span)
    {
        var a = span.Attributes;
        var shown = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(shown, "tags", OtlpFields.TagsOf(a));
        Add(shown, "gen_ai.tool.definitions", OtlpTexts.ToolsOf(a));
        if (!a.ContainsKey(ModelRequest.ResponseId) && a.Text("llm.response.id", "ai.response.id") is { } id) Add(shown, ModelRequest.ResponseId, id);
        if (span.Events.Count > 0) Add(shown, Events, new JsonArray([.. span.Events.Select(e => Of(e.Name, e.Attributes, e.Time))]));
        if (span.Links.Count > 0)
            Add(shown, Links, new JsonArray([.. span.Links.Select(l => new JsonObject { ["trace_id"] = l.TraceId, ["span_id"] = l.SpanId, ["attributes"] = l.Attributes.ToObject() })]));

        var dropped = span.Dropped;
        foreach (var (name, value) in a.OrderBy(x => x.Key, StringComparer.Ordinal))
        {
            if (a.Taken.Contains(name) || shown.ContainsKey(name)) continue;
            // One place is left for saying how many are not here.
            if (name.Length > TraceRules.LongestAttributeKey || shown.Count >= TraceRules.MostAttributes - 1) dropped++;
            else Add(shown, name, value ?? JsonValue.Create((string?)null), orNull: true);
        }
        if (dropped > 0) Add(shown, Dropped, dropped);
        return shown;
    }

    /// <summary>An event with its attributes beside its name.</summary>
    public static JsonObject Of(string name, OtlpAttributes attributes, ulong nanos = 0)
    {
        var shown = new JsonObject { ["event"] = name };
        if (nanos != 0) shown["time"] = OtlpPayload.TimeOf(nanos).UtcDateTime.ToString("O");
        foreach (var (key, value) in attributes) shown[key] = value?.DeepClone();
        return shown;
    }

    static void Add(Dictionary<string, string> shown, string name, JsonNode? value, bool orNull = false)
    {
        if (value is not null || orNull) shown[name] = value?.ToJsonString() ?? "null";
    }
}

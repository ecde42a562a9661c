using System.Globalization;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// The attributes of a span as views show them: by their own names, without those that have become fields of it, with a few common
/// ones under the newest name, and with events and links beside them. At most <see cref="TraceRules.MostAttributes"/>; the stored span has all.
/// </summary>
internal static class OtlpShown
{
    const string Events = "otel.events", Links = "otel.links", Dropped = "otel.dropped_attributes_count";

    public static Dictionary<string, string> Of(OtlpSpan span)
    {
        var a = span.Attributes;
        var shown = new Dictionary<string, string>(StringComparer.Ordinal);
        if (OtlpFields.TagsOf(a) is { } tags) shown["tags"] = tags;
        if (OtlpTexts.ToolsOf(a) is { } tools) shown["gen_ai.tool.definitions"] = tools;
        if (!a.Has(ModelRequest.ResponseId) && a.Text("llm.response.id", "ai.response.id") is { } id) shown[ModelRequest.ResponseId] = JsonSerializer.Serialize(id);
        if (span.Events.Count > 0) shown[Events] = ListOf(span.Events, (json, e) => e.Write(json, timed: true));
        if (span.Links.Count > 0) shown[Links] = ListOf(span.Links, (json, link) => link.Write(json));

        var (names, dropped) = (a.Untaken.Where(name => !shown.ContainsKey(name)).ToList(), span.Dropped);
        // Which are left out must not hang on the order in which an exporter sent them.
        if (names.Count + shown.Count >= TraceRules.MostAttributes) names.Sort(StringComparer.Ordinal);
        foreach (var name in names)
            // One place is left for saying how many are not here.
            if (name.Length > TraceRules.LongestAttributeKey || shown.Count >= TraceRules.MostAttributes - 1) dropped++;
            else shown[name] = a.Plain(name);
        if (dropped > 0) shown[Dropped] = dropped.ToString(CultureInfo.InvariantCulture);
        return shown;
    }

    static string ListOf<T>(IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write) => OtlpValue.Written(json =>
    {
        json.WriteStartArray();
        foreach (var item in items) write(json, item);
        json.WriteEndArray();
    });
}

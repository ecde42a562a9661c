using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>What an export is of, and how its JSON spells that.</summary>
internal sealed record OtlpSignal(string Name, string Resources, string Scopes, string Items, string Rejected)
{
    public static readonly OtlpSignal Traces = new("traces", "resourceSpans", "scopeSpans", "spans", "rejectedSpans");
    public static readonly OtlpSignal Logs = new("logs", "resourceLogs", "scopeLogs", "logRecords", "rejectedLogRecords");
    public static readonly OtlpSignal Metrics = new("metrics", "resourceMetrics", "scopeMetrics", "metrics", "rejectedDataPoints");
}

/// <summary>What stands above a span in an export; <see cref="Kept"/> begins the content of every fact under it. A fault is a fault of them all.</summary>
internal sealed record OtlpAbove(OtlpResource Resource, byte[] Kept, string? Fault)
{
    public static OtlpAbove Of(Func<OtlpAttributes> read, string? scope, string? version, string? schemaUrl)
    {
        try
        {
            var resource = read();
            var kept = OtlpValue.Written(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("resource");
                resource.Write(json);
                json.WriteEndObject();
                if (scope is { Length: > 0 })
                {
                    json.WriteStartObject("scope");
                    json.WriteString("name", scope);
                    if (version is { Length: > 0 }) json.WriteString("version", version);
                    json.WriteEndObject();
                }
                if (schemaUrl is { Length: > 0 }) json.WriteString("schema_url", schemaUrl);
                json.WriteEndObject();
            });
            // Without its closing brace: what follows is the item.
            return new(OtlpResource.Of(resource), Encoding.UTF8.GetBytes(kept)[..^1], null);
        }
        catch (FormatException fault)
        {
            return new(default, [], $"of its resource, {fault.Message}");
        }
    }
}

/// <summary>A span, log record or metric as it stood in an export; <see cref="Json"/> is null for protobuf.</summary>
internal readonly record struct OtlpItem(OtlpAbove Above, ReadOnlyMemory<byte> Raw, JsonElement? Json);

/// <summary>Takes an export apart without reading its items: those are judged one by one.</summary>
internal static class OtlpBatch
{
    /// <summary>Deeper than any item may be, so that one that is too deep harms no neighbour.</summary>
    static readonly JsonDocumentOptions s_deep = new() { MaxDepth = 512 };

    /// <summary>An item is valid until the next one is asked for.</summary>
    /// <exception cref="MalformedBody">It is no export.</exception>
    public static IEnumerable<OtlpItem> Of(OtlpSignal signal, ReadOnlyMemory<byte> body, bool json) => json ? OfJson(signal, body) : OfProtobuf(body);

    /// <summary>Resource: 1 attributes. Above a scope's items (2) stand the scope (1: name 1, version 2) and the URL of its schema (3).</summary>
    static List<OtlpItem> OfProtobuf(ReadOnlyMemory<byte> body)
    {
        try
        {
            var items = new List<OtlpItem>();
            for (var export = new ProtoReader(body); export.Next();)
                if (export.Field == 1) AddResource(items, export.Bytes);
            return items;
        }
        catch (FormatException)
        {
            throw new MalformedBody("The body is no OTLP export in protobuf.");
        }
    }

    static void AddResource(List<OtlpItem> items, ReadOnlyMemory<byte> message)
    {
        var (resource, schemaUrl, scopes) = (default(ReadOnlyMemory<byte>), "", new List<ReadOnlyMemory<byte>>(1));
        for (var fields = new ProtoReader(message); fields.Next();)
            if (fields.Field == 1) resource = fields.Bytes;
            else if (fields.Field == 2) scopes.Add(fields.Bytes);
            else if (fields.Field == 3) schemaUrl = Text(fields.Bytes);
        foreach (var scope in scopes) AddScope(items, scope, resource, schemaUrl);
    }

    static void AddScope(List<OtlpItem> items, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> resource, string schemaUrl)
    {
        var (name, version, spans) = ("", "", new List<ReadOnlyMemory<byte>>());
        for (var fields = new ProtoReader(message); fields.Next();)
            if (fields.Field == 1)
            {
                for (var scope = new ProtoReader(fields.Bytes); scope.Next();)
                    if (scope.Field == 1) name = Text(scope.Bytes);
                    else if (scope.Field == 2) version = Text(scope.Bytes);
            }
            else if (fields.Field == 2) spans.Add(fields.Bytes);
            else if (fields.Field == 3 && fields.Bytes.Length > 0) schemaUrl = Text(fields.Bytes);
        var above = OtlpAbove.Of(() => AttributesOf(resource), name, version, schemaUrl);
        foreach (var span in spans) items.Add(new(above, span, null));
    }

    static OtlpAttributes AttributesOf(ReadOnlyMemory<byte> resource)
    {
        var attributes = new OtlpAttributes();
        for (var fields = new ProtoReader(resource); fields.Next();)
            if (fields.Field == 1) attributes.Add(fields.Bytes);
        return attributes;
    }

    static string Text(ReadOnlyMemory<byte> utf8)
    {
        var sanitised = false;
        return OtlpSpan.TextOf(utf8.Span, ref sanitised);
    }

    static IEnumerable<OtlpItem> OfJson(OtlpSignal signal, ReadOnlyMemory<byte> body)
    {
        using var batch = Parse(body);
        var sanitised = false;
        foreach (var resource in List(batch.RootElement, signal.Resources))
            foreach (var scope in List(resource, signal.Scopes))
            {
                var named = scope.Member("scope");
                var above = OtlpAbove.Of(
                    () => OtlpAttributes.Of(resource.Member("resource")?.Member("attributes")), named?.Text("name", ref sanitised), named?.Text("version", ref sanitised),
                    scope.Text("schemaUrl", ref sanitised) ?? resource.Text("schemaUrl", ref sanitised));
                foreach (var item in List(scope, signal.Items)) yield return new(above, JsonMarshal.GetRawUtf8Value(item).ToArray(), item);
            }
    }

    static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var batch = JsonDocument.Parse(body.Span.StartsWith("\uFEFF"u8) ? body[3..] : body, s_deep);
            if (batch.RootElement.ValueKind == JsonValueKind.Object) return batch;
            batch.Dispose();
        }
        catch (JsonException)
        {
            // As bad as JSON of another kind.
        }
        throw new MalformedBody("The body is no OTLP export in JSON.");
    }

    static JsonElement.ArrayEnumerator List(JsonElement o, string name) => o.Member(name) switch
    {
        null => default,
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray(),
        _ => throw new MalformedBody($"{name} is no array."),
    };
}

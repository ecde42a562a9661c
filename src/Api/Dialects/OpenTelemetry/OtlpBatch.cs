using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
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
internal sealed record OtlpAbove(OtlpResource Resource, byte[] Kept, string? Fault);

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

    static IEnumerable<OtlpItem> OfProtobuf(ReadOnlyMemory<byte> body)
    {
        Export export;
        try
        {
            export = Export.Parser.ParseFrom(body.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new MalformedBody("The body is no OTLP export in protobuf.");
        }
        return from resource in export.Resources
               from scope in resource.Scopes
               let above = AboveOf(() => OtlpAttributes.Of(resource.Resource?.Attributes ?? []), scope.Scope?.Name, scope.Scope?.Version, scope.SchemaUrl is { Length: > 0 } url ? url : resource.SchemaUrl)
               from item in scope.Items
               select new OtlpItem(above, item.Memory, null);
    }

    static IEnumerable<OtlpItem> OfJson(OtlpSignal signal, ReadOnlyMemory<byte> body)
    {
        using var batch = Parse(body);
        var sanitised = false;
        foreach (var resource in List(batch.RootElement, signal.Resources))
            foreach (var scope in List(resource, signal.Scopes))
            {
                var named = scope.Member("scope");
                var above = AboveOf(
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

    static OtlpAbove AboveOf(Func<OtlpAttributes> read, string? scope, string? version, string? schemaUrl)
    {
        try
        {
            var resource = read();
            var kept = new JsonObject { ["resource"] = resource.ToObject() };
            if (scope is { Length: > 0 }) kept["scope"] = version is { Length: > 0 } ? new JsonObject { ["name"] = scope, ["version"] = version } : new JsonObject { ["name"] = scope };
            if (schemaUrl is { Length: > 0 }) kept["schema_url"] = schemaUrl;
            // Without its closing brace: what follows is the item.
            return new(OtlpResource.Of(resource), Encoding.UTF8.GetBytes(kept.ToJsonString())[..^1], null);
        }
        catch (FormatException fault)
        {
            return new(default, [], $"of its resource, {fault.Message}");
        }
    }
}

using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hindcast.Api.Dialects.OpenTelemetry.Wire;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>A span as it stood in an export, with what stood above it; <see cref="Json"/> is null for protobuf.</summary>
internal readonly record struct OtlpItem(JsonObject Resource, string Scope, ReadOnlyMemory<byte> Raw, JsonElement? Json);

/// <summary>Takes an export apart without reading its spans: those are judged one by one.</summary>
internal static class OtlpBatch
{
    /// <exception cref="MalformedBody">It is no export.</exception>
    public static IReadOnlyList<OtlpItem> OfProtobuf(ReadOnlyMemory<byte> body)
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
        return [.. from resource in export.Resources
                   let attributes = ObjectOf(OtlpAttributes.Of(resource.Resource?.Attributes ?? []))
                   from scope in resource.Scopes
                   from item in scope.Items
                   select new OtlpItem(attributes, scope.Scope?.Name ?? "", item.Memory, null)];
    }

    /// <inheritdoc cref="OfProtobuf"/>
    public static IReadOnlyList<OtlpItem> OfJson(ReadOnlyMemory<byte> body)
    {
        using var batch = JsonBatch.Parse(body);
        if (batch.IsArray || batch.Elements[0].ValueKind != JsonValueKind.Object) throw new MalformedBody("The body is no OTLP export in JSON.");
        var items = new List<OtlpItem>();
        var sanitised = false;
        // A copy outlives the batch, whose elements point into memory that is given back.
        var root = batch.Elements[0].Clone();
        foreach (var resource in List(root, "resourceSpans"))
        {
            var attributes = ObjectOf(OtlpAttributes.Of(resource.Member("resource")?.Member("attributes")));
            foreach (var scope in List(resource, "scopeSpans"))
                foreach (var span in List(scope, "spans"))
                    items.Add(new(attributes, scope.Member("scope")?.Text("name", ref sanitised) ?? "", JsonMarshal.GetRawUtf8Value(span).ToArray(), span));
        }
        return items;
    }

    static JsonElement.ArrayEnumerator List(JsonElement o, string name) => o.Member(name) switch
    {
        null => default,
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray(),
        _ => throw new MalformedBody($"{name} is no array."),
    };

    static JsonObject ObjectOf(OtlpAttributes attributes) => new(attributes.Select(a => KeyValuePair.Create(a.Key, a.Value)));
}

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Application;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>What the two translations share: reading members whose types nobody has checked, and writing what came of them.</summary>
static class TranslatedJson
{
    static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string? Text(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    public static string? Text(this JsonNode? node, string name) => node.Get(name).Text();

    public static JsonNode? Get(this JsonNode? node, string name) => node is JsonObject o && o.TryGetPropertyValue(name, out var value) ? value : null;

    public static long? Count(this JsonNode? node, string name) =>
        node.Get(name) is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var count) ? count : null;

    public static IEnumerable<JsonNode> Items(this JsonNode? node) => node is JsonArray array ? array.OfType<JsonNode>() : [];

    /// <summary>A text, or the texts of a list of parts, one below the other.</summary>
    public static string? Texts(this JsonNode? content) =>
        content.Text() ?? (content is JsonArray parts ? string.Join('\n', parts.Select(p => p.Text("text")).Where(t => t is not null)) : null);

    /// <summary>The members that mean the same on both sides.</summary>
    public static void Copy(JsonNode from, JsonObject to, params ReadOnlySpan<(string From, string To)> names)
    {
        foreach (var (name, other) in names)
            if (from.Get(name) is { } value) to[other] = value.DeepClone();
    }

    public static byte[] Bytes(this JsonNode node) => JsonSerializer.SerializeToUtf8Bytes(node, s_plain);

    /// <exception cref="BadRequest">The body is not in the form of its protocol.</exception>
    public static ReadOnlyMemory<byte> Request(ReadOnlyMemory<byte> body, Func<JsonNode, JsonNode> translate)
    {
        try
        {
            return translate(JsonNode.Parse(body.Span)!).Bytes();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new BadRequest("body", "The request cannot be put into the form of the model's provider: a member is not of the type its protocol gives it.");
        }
    }

    /// <exception cref="UpstreamFailed">The provider's answer is not in the form of its protocol.</exception>
    public static ReadOnlyMemory<byte> Answer(ReadOnlyMemory<byte> body, Func<JsonNode, JsonNode> translate)
    {
        try
        {
            return translate(JsonNode.Parse(body.Span)!).Bytes();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException or NullReferenceException)
        {
            throw new UpstreamFailed(502, "The provider's answer is not in the form of its protocol.");
        }
    }

    /// <summary>The sentence and the type of an error, in either provider's spelling; a body that is no JSON is the sentence itself.</summary>
    public static (string Message, string? Type) ErrorOf(ReadOnlyMemory<byte> body, int status)
    {
        const int longest = 1_000;
        try
        {
            var error = JsonNode.Parse(body.Span).Get("error");
            if ((error.Text("message") ?? error.Text()) is { } message) return (message, error.Text("type"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Then it is a page or a line of text.
        }
        var text = System.Text.Encoding.UTF8.GetString(body.Span[..Math.Min(body.Length, longest)]);
        return (text.Length > 0 ? text : $"The provider answered {status}.", null);
    }

    public static void WriteEvent(this IBufferWriter<byte> to, JsonNode data, string? name = null)
    {
        if (name is not null) to.Write(System.Text.Encoding.ASCII.GetBytes($"event: {name}\n"));
        to.Write("data: "u8);
        to.Write(data.Bytes());
        to.Write("\n\n"u8);
    }
}

/// <summary>Makes each event of a stream the events of another protocol.</summary>
abstract class TranslatedStream : IStreamRewrite
{
    readonly SseReader _events = new();

    public void Take(ReadOnlySpan<byte> chunk, IBufferWriter<byte> to) => _events.Take(chunk, e =>
    {
        try
        {
            if (e.Data.Span.SequenceEqual("[DONE]"u8)) Done(to);
            else if (JsonNode.Parse(e.Data.Span) is { } data) Take(data, to);
        }
        catch (Exception x) when (x is JsonException or InvalidOperationException)
        {
            // Not of this protocol: nothing that could be said of it.
        }
    });

    public abstract void End(IBufferWriter<byte> to);

    protected abstract void Take(JsonNode data, IBufferWriter<byte> to);

    protected virtual void Done(IBufferWriter<byte> to) { }
}

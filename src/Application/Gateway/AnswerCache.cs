using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Caching;

namespace Hindcast.Application.Gateway;

/// <summary>An answer as it went to a caller.</summary>
public sealed record CachedAnswer(string? ContentType, ReadOnlyMemory<byte> Body);

/// <summary>
/// Whole answers for requests that are the same but for the order of their members. A key begins with the project and holds the provider and its
/// key's version, so that no project hears another's answers, and none those of a provider it has left.
/// </summary>
public sealed class AnswerCache(IResponseCache answers)
{
    public async Task<CachedAnswer?> FindAsync(CacheKey key, CancellationToken ct)
    {
        if (await answers.GetAsync(key, ct) is not { Length: > 0 } held) return null;
        var type = held.Span[0];
        return new(type == 0 ? null : Encoding.ASCII.GetString(held.Span.Slice(1, type)), held[(1 + type)..]);
    }

    public async Task KeepAsync(CacheKey key, string? contentType, ReadOnlyMemory<byte> body, TimeSpan ttl)
    {
        var type = Encoding.ASCII.GetBytes(contentType ?? "");
        await answers.SetAsync(key, (byte[])[(byte)type.Length, .. type, .. body.Span], ttl, CancellationToken.None);
    }

    /// <summary>The project, who would answer, and the body with the members of every object in order.</summary>
    public static CacheKey KeyOf(string project, Protocol protocol, Route route, ReadOnlyMemory<byte> body)
    {
        var text = new ArrayBufferWriter<byte>(body.Length);
        using (var json = new Utf8JsonWriter(text))
        using (var document = JsonDocument.Parse(body))
            Sorted(document.RootElement, json);
        return CacheKey.Of(project, "gateway", protocol.Name(), route.Provider.Id, $"{route.Provider.KeyVersion}", route.Model, Convert.ToHexStringLower(SHA256.HashData(text.WrittenSpan)));
    }

    static void Sorted(JsonElement element, Utf8JsonWriter to)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                to.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    to.WritePropertyName(member.Name);
                    Sorted(member.Value, to);
                }
                to.WriteEndObject();
                break;
            case JsonValueKind.Array:
                to.WriteStartArray();
                foreach (var item in element.EnumerateArray()) Sorted(item, to);
                to.WriteEndArray();
                break;
            default:
                // As it was written: 1 and 1.0 may mean the same, and need not.
                to.WriteRawValue(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(element), skipInputValidation: true);
                break;
        }
    }
}

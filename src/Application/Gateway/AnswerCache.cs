using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hindcast.Application.Gateway;

/// <summary>An answer as it went to a caller.</summary>
public sealed record CachedAnswer(string? ContentType, ReadOnlyMemory<byte> Body, DateTimeOffset Until);

/// <summary>
/// Whole answers for requests that are the same but for the order of their members. A key begins with the project and holds the provider and its
/// key's version, so that no project hears another's answers, and none those of a provider it has left. Bounded; the oldest go first.
/// </summary>
public sealed class AnswerCache(TimeProvider clock)
{
    const long MostBytes = 64 << 20;
    const int MostBytesOfOne = 4 << 20;

    readonly ConcurrentDictionary<string, CachedAnswer> _answers = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<(string Key, CachedAnswer Answer)> _oldest = new();
    long _bytes;

    public CachedAnswer? Find(string key) => _answers.TryGetValue(key, out var answer) && clock.GetUtcNow() < answer.Until ? answer : null;

    public void Keep(string key, string? contentType, ReadOnlyMemory<byte> body, TimeSpan ttl)
    {
        if (body.Length > MostBytesOfOne) return;
        var answer = new CachedAnswer(contentType, body, clock.GetUtcNow() + ttl);
        _answers[key] = answer;
        _oldest.Enqueue((key, answer));
        Interlocked.Add(ref _bytes, body.Length);
        while (Interlocked.Read(ref _bytes) > MostBytes && _oldest.TryDequeue(out var old))
        {
            Interlocked.Add(ref _bytes, -old.Answer.Body.Length);
            _answers.TryRemove(new(old.Key, old.Answer));
        }
    }

    public void Clear(string project)
    {
        foreach (var key in _answers.Keys)
            if (key.StartsWith($"{project}:", StringComparison.Ordinal)) _answers.TryRemove(key, out _);
        // The queue holds on to answers, too: those that are no longer found go.
        for (var left = _oldest.Count; left > 0 && _oldest.TryDequeue(out var old); left--)
        {
            if (_answers.TryGetValue(old.Key, out var found) && ReferenceEquals(found, old.Answer)) _oldest.Enqueue(old);
            else Interlocked.Add(ref _bytes, -old.Answer.Body.Length);
        }
    }

    /// <summary>The project, who would answer, and the SHA-256 of the body with the members of every object in order.</summary>
    public static string KeyOf(string project, Protocol protocol, Route route, ReadOnlyMemory<byte> body)
    {
        var text = new ArrayBufferWriter<byte>(body.Length);
        using (var json = new Utf8JsonWriter(text))
        using (var document = JsonDocument.Parse(body))
            Sorted(document.RootElement, json);
        var hash = Convert.ToHexStringLower(SHA256.HashData(text.WrittenSpan));
        return $"{project}:{protocol.Name()}:{route.Provider.Id}:{route.Provider.KeyVersion}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(route.Model)))}:{hash}";
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

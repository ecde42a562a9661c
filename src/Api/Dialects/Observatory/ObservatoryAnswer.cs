using System.Buffers;
using System.Text.Json;
using Hindcast.Api.Native;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>An answer in the contract's envelope (4.6), from the cache where it holds one that is new enough.</summary>
internal sealed class ObservatoryAnswer(HttpContext http)
{
    readonly TimeProvider _clock = http.RequestServices.GetRequiredService<TimeProvider>();
    readonly AnswerCache _cache = http.RequestServices.GetRequiredService<AnswerCache>();
    readonly long _started = http.RequestServices.GetRequiredService<TimeProvider>().GetTimestamp();
    static readonly JsonWriterOptions s_writing = new() { Encoder = Envelope.Json.Encoder, SkipValidation = true, MaxDepth = 1_000 };

    public DateTimeOffset Now { get; } = http.Now();

    /// <summary>A cursor goes on in the list it was made for.</summary>
    /// <param name="query">Names the list, with its filter, order and caller.</param>
    public SearchPosition PlaceOf(string cursor, string query) => Cursors.Read(cursor, Then(query));

    public string CursorTo(SearchPosition place, string query) => Cursors.Write(place, Then(query));

    SearchCursors Cursors => http.RequestServices.GetRequiredService<SearchCursors>();

    /// <summary>The same list of another time is another list.</summary>
    string Then(string query) => http.Past() is { } past ? $"{query}\nas of {past.AsOf:O}" : query;

    /// <summary>The answer looks at texts too, which have a position of their own.</summary>
    public Task ReachTextsAsync(CancellationToken ct) => http.ReachAsync("texts", ct);

    /// <summary>True when it is answered: the cache held it, and it reaches as far as the caller wants.</summary>
    /// <param name="projects">What the answer may show; null: all there are.</param>
    /// <param name="name">Everything else it depends on; null is never held.</param>
    public async Task<bool> FromCacheAsync(IReadOnlyList<string>? projects, string? name, CancellationToken ct)
    {
        if (name is null || http.Past() is not null || http.Request.Headers.CacheControl.ToString().Contains("no-cache", StringComparison.OrdinalIgnoreCase)) return false;
        // With the database away a kept answer would look as if all were well.
        if (http.RequestServices.GetRequiredService<ServingModels>().IsAway) return false;
        if (await _cache.FindAsync(projects, name, ct) is not { } held || held.Position < (http.MinPosition() ?? 0)) return false;
        http.Response.Headers["X-Log-Position"] = held.Position.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await SendAsync(held.Body, cached: true, ct);
        return true;
    }

    public async Task WriteAsync(IReadOnlyList<string>? projects, string? name, TimeSpan keep, Action<Utf8JsonWriter> write, CancellationToken ct)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_writing))
        {
            json.WriteStartObject();
            json.WriteString("status", "success");
            write(json);
        }
        if (name is not null && http.Past() is null && long.TryParse(http.Response.Headers["X-Log-Position"], out var position)) await _cache.KeepAsync(projects, name, new(buffer.WrittenMemory, position), keep, ct);
        await SendAsync(buffer.WrittenMemory, cached: false, ct);
    }

    /// <summary>What was kept is open at its end: the time of the answer is that of this one.</summary>
    async Task SendAsync(ReadOnlyMemory<byte> body, bool cached, CancellationToken ct)
    {
        var end = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(end, s_writing))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", _clock.GetUtcNow().UtcDateTime);
            json.WriteNumber("execution_time_ms", (long)_clock.GetElapsedTime(_started).TotalMilliseconds);
            json.WriteBoolean("cached", cached);
            json.WriteString("version", "1.0");
            json.WriteString("request_id", http.TraceIdentifier);
            json.WriteEndObject();
        }
        var response = http.Response;
        response.Headers.CacheControl = "private, no-store";
        response.ContentType = "application/json; charset=utf-8";
        await response.BodyWriter.WriteAsync(body, ct);
        await response.BodyWriter.WriteAsync(",\"meta\":"u8.ToArray(), ct);
        await response.BodyWriter.WriteAsync(end.WrittenMemory, ct);
        await response.BodyWriter.WriteAsync("}"u8.ToArray(), ct);
    }
}

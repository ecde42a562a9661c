using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Search;

namespace Hindcast.Api.Dialects.Observatory;

/// <summary>
/// Places in a list as clients carry them: base64 of the contract's three members (4.7) and what is needed to go on in any order, sealed
/// with HMAC-SHA-256. A cursor opens for the query and the caller it was made for, for 24 hours, and not with one bit changed.
/// </summary>
public sealed class SearchCursors(byte[] key, TimeProvider clock)
{
    const int Longest = 8 * 1024;
    const string Seal = ",\"seal\":\"";
    static readonly TimeSpan Life = TimeSpan.FromHours(24);

    /// <param name="query">Names the query, with its filter, order and caller.</param>
    public string Write(SearchPosition position, string query)
    {
        var json = JsonSerializer.Serialize(new Place(
            Time.At(position.StartedAt).UtcDateTime, position.TraceId, position.SpanId, position.Project, position.Sort?.ToString(), position.Sort is long, (clock.GetUtcNow() + Life).ToUnixTimeSeconds()), Native.Envelope.Json);
        var open = json[..^1];
        return Convert.ToBase64String(Encoding.UTF8.GetBytes($"{open}{Seal}{SealOf(open, query)}\"}}"));
    }

    /// <exception cref="BadRequest">It is not one of ours, not for this query, or too old.</exception>
    public SearchPosition Read(string cursor, string query)
    {
        var bytes = new byte[Math.Min(cursor.Length, Longest)];
        // Base64 has several spellings of the same bytes, and one of them is ours.
        if (cursor.Length > Longest || !Convert.TryFromBase64String(cursor, bytes, out var length) || Convert.ToBase64String(bytes, 0, length) != cursor) throw Invalid();
        var json = Encoding.UTF8.GetString(bytes, 0, length);
        var end = json.LastIndexOf(Seal, StringComparison.Ordinal);
        if (end < 0 || !CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, length), Encoding.UTF8.GetBytes($"{json[..end]}{Seal}{SealOf(json[..end], query)}\"}}"))) throw Invalid();

        var place = JsonSerializer.Deserialize<Place>($"{json[..end]}}}", Native.Envelope.Json)!;
        if (DateTimeOffset.FromUnixTimeSeconds(place.Expires) <= clock.GetUtcNow()) throw new BadRequest("invalid_cursor", "Invalid cursor: it has expired");
        return new(
            place.Whole ? long.Parse(place.Sort!, CultureInfo.InvariantCulture) : place.Sort, new DateTimeOffset(place.Timestamp).Micros(), place.TraceId, place.SpanId, place.Project);
    }

    string SealOf(string json, string query)
    {
        var named = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(query)));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"cursor 1\n{named}\n{json}")));
    }

    static BadRequest Invalid() => new("invalid_cursor", "Invalid cursor: it was not made here, or for another query, order or caller");

    /// <param name="Sort">What the row was sorted by; null when it had no value.</param>
    sealed record Place(DateTime Timestamp, string TraceId, string SpanId, string Project, string? Sort, bool Whole, long Expires);
}

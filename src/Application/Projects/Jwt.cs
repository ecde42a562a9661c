using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hindcast.Application.Projects;

/// <summary>What a token says, by the LLM Observatory contract (4.1).</summary>
/// <param name="KeyId">Ours alone: the key that the token was given for, and that it lives no longer than.</param>
public sealed record TokenClaims(
    string Subject, string Org, IReadOnlyList<string> Projects, string Role, IReadOnlyList<string> Permissions, DateTimeOffset IssuedAt, DateTimeOffset Expires, string Id,
    string? KeyId = null);

/// <summary>JSON Web Tokens signed with HS256, and no others.</summary>
/// <remarks>
/// The header chooses nothing: it may say <c>alg: HS256</c> and <c>typ: JWT</c>, and a token that says anything more (another algorithm,
/// a key id, a place to fetch keys from, a critical extension) is none. Every claim must be there once, with its own type. The signature
/// is compared as text, so no second spelling of it passes. Nothing is looked up anywhere.
/// </remarks>
public static class Jwt
{
    public const int LongestToken = 8 * 1024;
    public static readonly TimeSpan LongestLife = TimeSpan.FromHours(24);
    /// <summary>How far other clocks may be ahead of ours; the end of a token is its end.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };
    static readonly string s_header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    public static string Sign(TokenClaims claims, ReadOnlySpan<byte> secret)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object?>
        {
            ["iss"] = "hindcast",
            ["sub"] = claims.Subject,
            ["org_id"] = claims.Org,
            ["projects"] = claims.Projects,
            ["role"] = claims.Role,
            ["permissions"] = claims.Permissions,
            ["iat"] = claims.IssuedAt.ToUnixTimeSeconds(),
            ["exp"] = claims.Expires.ToUnixTimeSeconds(),
            ["jti"] = claims.Id,
            ["key"] = claims.KeyId,
        }.Where(claim => claim.Value is not null).ToDictionary());
        var signed = $"{s_header}.{Base64Url.EncodeToString(payload)}";
        return $"{signed}.{SignatureOf(signed, secret)}";
    }

    /// <summary>Null for whatever is not a token of ours that holds now; the caller is not told why.</summary>
    public static TokenClaims? Read(string token, ReadOnlySpan<byte> secret, DateTimeOffset now)
    {
        if (token.Length > LongestToken || token.Split('.') is not [var header, var payload, var signature]) return null;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature), Encoding.UTF8.GetBytes(SignatureOf($"{header}.{payload}", secret)))) return null;
        try
        {
            using var head = Parse(header);
            using var body = Parse(payload);
            return IsOurs(head.RootElement) ? ClaimsOf(body.RootElement, now) : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    static string SignatureOf(string signed, ReadOnlySpan<byte> secret) => Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(signed)));

    static JsonDocument Parse(string part)
    {
        if (!part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) throw new FormatException();
        return JsonDocument.Parse(Base64Url.DecodeFromChars(part), s_strict);
    }

    static bool IsOurs(JsonElement header)
    {
        if (header.ValueKind != JsonValueKind.Object || !header.TryGetProperty("alg", out var alg) || !alg.ValueEquals("HS256")) return false;
        foreach (var member in header.EnumerateObject())
        {
            if (member.NameEquals("alg")) continue;
            if (!member.NameEquals("typ") || !string.Equals(member.Value.GetString(), "JWT", StringComparison.OrdinalIgnoreCase)) return false;
        }
        return true;
    }

    static TokenClaims? ClaimsOf(JsonElement body, DateTimeOffset now)
    {
        var claims = new TokenClaims(
            Text(body, "sub"), Text(body, "org_id"), Texts(body, "projects"), Text(body, "role"), Texts(body, "permissions"),
            Time(body, "iat"), Time(body, "exp"), Text(body, "jti"), body.TryGetProperty("key", out _) ? Text(body, "key") : null);
        if (Roles.Of(claims.Role) is null) return null;
        if (now >= claims.Expires || claims.IssuedAt > now + Skew || claims.Expires - claims.IssuedAt > LongestLife || claims.Expires <= claims.IssuedAt) return null;
        if (body.TryGetProperty("nbf", out _) && Time(body, "nbf") > now + Skew) return null;
        // Who names an audience means one service, and that is not known to be us.
        if (body.TryGetProperty("aud", out var aud) && !(aud.ValueKind == JsonValueKind.String && aud.ValueEquals("hindcast"))) return null;
        return claims;
    }

    static string Text(JsonElement body, string name) =>
        body.GetProperty(name) is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 and <= 255 } value ? value : throw new FormatException();

    static List<string> Texts(JsonElement body, string name) =>
        [.. body.GetProperty(name).EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String ? t.GetString()! : throw new FormatException())];

    /// <summary>Whole unix seconds, as a number, within the years that a time can hold.</summary>
    static DateTimeOffset Time(JsonElement body, string name) =>
        body.GetProperty(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var seconds) && seconds is >= 0 and < 253402300800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new FormatException();
}

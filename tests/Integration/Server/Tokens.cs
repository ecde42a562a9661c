using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hindcast.Integration.Server;

/// <summary>Tokens as another service with the same secret signs them.</summary>
static class SignedElsewhere
{
    public const string Secret = "the-secret-that-both-of-us-know-00";

    public static string Token(string role, string[] projects, string[]? permissions = null, int lives = 3600, string org = "default", string sub = "somebody")
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new
        {
            sub, org_id = org, projects, role, iat = now - 10, exp = now + lives, jti = Guid.NewGuid().ToString(),
            permissions = permissions ?? (role == "admin" ? ["*"] : role == "billing" ? ["read:costs", "read:usage"] : ["read:traces", "read:metrics", "read:costs"]),
        };
        var signed = $"{Base64Url.EncodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"u8)}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes(signed)))}";
    }
}

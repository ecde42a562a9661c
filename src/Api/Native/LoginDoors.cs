using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Limits;
using Hindcast.Application.Projects;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>POST /app/login</c> takes a key, as JSON or a form, and gives it back as a cookie that scripts cannot read and other sites cannot use.
/// <c>POST /app/logout</c> takes it away. Five failed tries in 15 minutes from one address, then 429.
/// </summary>
internal static class LoginDoors
{
    /// <summary>A try costs three; one comes back a minute: five tries in 15 minutes.</summary>
    static readonly Allowance s_tries = new(PerMinute: 1, Burst: 15);
    const int Try = 3;
    const int MostBytes = 4 << 10;

    public static async Task<IResult> Login(HttpContext http, IKeyRing keys, IRateLimiter limiter)
    {
        var bucket = $"login:{http.Connection.RemoteIpAddress}";
        var before = await limiter.DrawAsync(bucket, s_tries, 0, http.RequestAborted);
        if (before.Remaining < Try) throw new TooMany("Too many failed sign-ins. Please try again later.", TimeSpan.FromMinutes(Try - before.Remaining));
        var key = await KeyAsync(http);
        if (keys.Find(key) is not { } caller)
        {
            await limiter.DrawAsync(bucket, s_tries, Try, http.RequestAborted);
            throw new Unauthenticated();
        }
        http.Response.Cookies.Append(Access.Cookie, key, Options(http));
        return Results.Json(new { project_id = caller.Project, key_id = caller.KeyId, scopes = ScopeNames.List(caller.Scopes) }, Envelope.Json);
    }

    public static IResult Logout(HttpContext http)
    {
        http.Response.Cookies.Delete(Access.Cookie, Options(http));
        return Results.NoContent();
    }

    static CookieOptions Options(HttpContext http) =>
        new() { HttpOnly = true, SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Strict, Secure = http.Request.IsHttps, Path = "/", IsEssential = true };

    static async Task<string> KeyAsync(HttpContext http)
    {
        using var body = await RequestBody.ReadAsync(http, MostBytes, http.RequestAborted);
        if (http.Request.HasFormContentType)
        {
            var form = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(System.Text.Encoding.UTF8.GetString(body.Bytes.Span));
            return form.TryGetValue("key", out var fields) && fields is [{ } field] ? field.Trim() : throw new BadRequest("key", "key must be given once.");
        }
        try
        {
            using var json = JsonDocument.Parse(body.Bytes);
            return json.RootElement.Member("key") is { ValueKind: JsonValueKind.String } key ? key.GetString()!.Trim() : throw new BadRequest("key", "key must be a text.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BadRequest("body", "The body must be {\"key\": \"…\"}.");
        }
    }
}

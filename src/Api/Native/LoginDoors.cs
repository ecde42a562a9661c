using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Limits;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>
/// <c>POST /app/login</c> takes a key, as JSON or a form, and gives it back as a cookie that scripts cannot read and other sites cannot use; or
/// a member's name and secret, for a session of 12 hours; or the token of the link printed at the start, for a key of its own that ends after 12 hours. <c>POST /app/logout</c> takes the cookie away. 429 as <see cref="Guesses"/>.
/// </summary>
internal static class LoginDoors
{
    const int MostBytes = 4 << 10;
    static readonly TimeSpan s_linked = TimeSpan.FromHours(12);

    public static async Task<IResult> Login(HttpContext http, IRateLimiter limiter, LoginLinks links, IMediator app, TimeProvider clock)
    {
        await Guesses.LookAsync("login", http, limiter);
        var (name, key, isToken) = await ShownAsync(http);
        // A key is kept as its hash alone: who comes by the link gets one made for the purpose, listed and ended like any other.
        if (isToken && links.Use(key))
            key = (await app.Send(new CreateKey(FirstStart.Operator("login_link")) { Name = "Console, by login link", Scopes = Scopes.Admin, Expires = clock.GetUtcNow() + s_linked }, http.RequestAborted)).Secret;
        else if (isToken) key = "";
        var admission = await app.Send(new SignIn(name, key, Guesses.AddressOf(http)), http.RequestAborted);
        if (admission.Who is not { } caller) return await Guesses.FailAsync("login", http, limiter);
        http.Response.Cookies.Append(Access.Cookie, admission.Text, Options(http));
        return Results.Json(new { project_id = caller.Project, key_id = caller.KeyId, role = caller.Role, scopes = ScopeNames.List(caller.Scopes) }, Envelope.Json);
    }

    public static IResult Logout(HttpContext http)
    {
        http.Response.Cookies.Delete(Access.Cookie, Options(http));
        return Results.NoContent();
    }

    static CookieOptions Options(HttpContext http) =>
        new() { HttpOnly = true, SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Strict, Secure = http.Request.IsHttps, Path = "/", IsEssential = true };

    static async Task<(string? Name, string Text, bool IsToken)> ShownAsync(HttpContext http)
    {
        using var body = await RequestBody.ReadAsync(http, MostBytes, http.RequestAborted);
        if (http.Request.HasFormContentType)
        {
            var form = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(System.Text.Encoding.UTF8.GetString(body.Bytes.Span));
            if (form.TryGetValue("name", out var names) && names is [{ } name] && form.TryGetValue("secret", out var secrets) && secrets is [{ } secret]) return (name, secret.Trim(), false);
            return form.TryGetValue("key", out var fields) && fields is [{ } field] ? (null, field.Trim(), false) : throw new BadRequest("key", "key must be given once.");
        }
        try
        {
            using var json = JsonDocument.Parse(body.Bytes);
            if (json.RootElement.Member("key") is { ValueKind: JsonValueKind.String } key) return (null, key.GetString()!.Trim(), false);
            if (json.RootElement.Member("token") is { ValueKind: JsonValueKind.String } token) return (null, token.GetString()!, true);
            if (json.RootElement.Member("name") is { ValueKind: JsonValueKind.String } name && json.RootElement.Member("secret") is { ValueKind: JsonValueKind.String } secret)
                return (name.GetString()!, secret.GetString()!.Trim(), false);
            throw new BadRequest("key", "key must be a text.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BadRequest("body", "The body must be {\"key\": \"…\"}, {\"name\": \"…\", \"secret\": \"…\"} or {\"token\": \"…\"}.");
        }
    }
}

using Hindcast.Application.Projects;

namespace Hindcast.Api.Native;

/// <summary><c>POST /auth/token</c> <c>{client_id, client_secret}</c>: a token of 15 minutes for a key and its id or name.</summary>
internal static class TokenDoor
{
    public static async Task<IResult> Issue(HttpContext http, Tokens tokens, CancellationToken ct)
    {
        var body = await KeyBody.ReadAsync(http, ct);
        http.Response.Headers.CacheControl = "private, no-store";
        return tokens.Issue(body.Text("client_id") ?? "", body.Text("client_secret") ?? "") is { } token
            ? Results.Json(new { access_token = token, token_type = "Bearer", expires_in = (int)Tokens.Life.TotalSeconds }, Envelope.Json)
            : throw new Unauthenticated(missing: false);
    }
}

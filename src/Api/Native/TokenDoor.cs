using Hindcast.Application.Limits;
using Hindcast.Application.Projects;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary><c>POST /auth/token</c> <c>{client_id, client_secret}</c>: a token of 15 minutes for a key or a member's secret, and its id or name. 429 as <see cref="Guesses"/>.</summary>
internal static class TokenDoor
{
    public static async Task<IResult> Issue(HttpContext http, IRateLimiter limiter, IMediator app, CancellationToken ct)
    {
        await Guesses.LookAsync("token", http, limiter);
        var body = await KeyBody.ReadAsync(http, ct);
        http.Response.Headers.CacheControl = "private, no-store";
        var given = await app.Send(new IssueToken(body.Text("client_id") ?? "", body.Text("client_secret") ?? "", Guesses.AddressOf(http)), ct);
        if (given.Who is null) return await Guesses.FailAsync("token", http, limiter);
        return Results.Json(new { access_token = given.Text, token_type = "Bearer", expires_in = (int)Tokens.Life.TotalSeconds }, Envelope.Json);
    }
}

using Hindcast.Application.Limits;

namespace Hindcast.Api.Native;

/// <summary>Five failed tries in 15 minutes from one address, then 429: at the doors where a secret is shown by who has none yet.</summary>
internal static class Guesses
{
    /// <summary>A try costs three; one comes back a minute: five tries in 15 minutes.</summary>
    static readonly Allowance s_tries = new(PerMinute: 1, Burst: 15);
    const int Try = 3;

    public static string? AddressOf(HttpContext http) => http.Connection.RemoteIpAddress?.ToString();

    /// <exception cref="TooMany">Too many have failed.</exception>
    public static async Task LookAsync(string door, HttpContext http, IRateLimiter limiter)
    {
        var before = await limiter.DrawAsync($"{door}:{AddressOf(http)}", s_tries, 0, http.RequestAborted);
        if (before.Remaining < Try) throw new TooMany("Too many failed sign-ins. Please try again later.", TimeSpan.FromMinutes(Try - before.Remaining));
    }

    /// <exception cref="Unauthenticated">Always.</exception>
    public static async Task<IResult> FailAsync(string door, HttpContext http, IRateLimiter limiter)
    {
        await limiter.DrawAsync($"{door}:{AddressOf(http)}", s_tries, Try, http.RequestAborted);
        throw new Unauthenticated(missing: false);
    }
}

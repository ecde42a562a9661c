using System.Security.Cryptography;
using Microsoft.AspNetCore.WebUtilities;

namespace Hindcast.Api.Native;

/// <summary>
/// The link that whoever starts the server signs in with: its token works once, within the hour, in this process. It stands behind the
/// address's <c>#</c>, which browsers keep to themselves, so that no log of a request holds it.
/// </summary>
internal sealed class LoginLinks(TimeProvider clock)
{
    static readonly TimeSpan s_holds = TimeSpan.FromHours(1);

    readonly Lock _gate = new();
    (byte[] Hash, DateTimeOffset Until)? _one;

    /// <summary>A new token; the one before it is void.</summary>
    public string Make()
    {
        var token = WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));
        lock (_gate) _one = (Hash(token), clock.GetUtcNow() + s_holds);
        return token;
    }

    /// <summary>True once.</summary>
    public bool Use(string token)
    {
        lock (_gate)
        {
            if (_one is not var (hash, until) || clock.GetUtcNow() >= until || !CryptographicOperations.FixedTimeEquals(hash, Hash(token))) return false;
            _one = null;
            return true;
        }
    }

    static byte[] Hash(string token) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(token));
}

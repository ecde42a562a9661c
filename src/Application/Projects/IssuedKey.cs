using System.Security.Cryptography;
using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>A new key and its text, which exists here and nowhere else: it is shown once.</summary>
public sealed record IssuedKey(string Secret, KeyRow Row)
{
    /// <summary>Mints a key for a row that says all but the key.</summary>
    public static IssuedKey Mint(string prefix, Func<string, KeyHash, string, KeyRow> row)
    {
        var secret = ApiKey.Mint(prefix);
        var id = "key_" + RandomNumberGenerator.GetString("0123456789abcdefghijklmnopqrstuvwxyz", 20);
        return new(secret, row(id, KeyHash.Of(secret), secret[^4..]));
    }

    /// <summary>Never the secret: records print themselves into logs.</summary>
    public override string ToString() => Row.Masked;
}

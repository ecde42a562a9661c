using System.Security.Cryptography;
using System.Text;

namespace Hindcast.Application.Traces;

/// <summary>
/// Names whose data a fact is without saying who it is: HMAC-SHA-256 of project and user under a key that only the vault holds, so that
/// the log alone does not tell, and guessing names against it is of no use.
/// </summary>
public sealed class Subjects(byte[] key)
{
    public string Of(string project, string user) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{project}\0{user}")).AsSpan(0, 16));
}

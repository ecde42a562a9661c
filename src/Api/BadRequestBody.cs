namespace Hindcast.Api;

/// <summary>A request body that cannot be read; each dialect puts status, code and message into its own envelope.</summary>
public sealed class BadRequestBody(int status, string code, string message) : Exception(message)
{
    public int Status => status;

    public string Code => code;

    /// <summary>Set with 503: the value for the Retry-After header.</summary>
    public int? RetryAfterSeconds { get; init; }
}

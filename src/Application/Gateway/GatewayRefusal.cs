namespace Hindcast.Application.Gateway;

/// <summary>The gateway's own no, before or instead of a provider's.</summary>
/// <param name="status">HTTP.</param>
/// <param name="code">As the dialects spell it: <c>model_not_found</c>, <c>quota_exceeded</c> …</param>
public class GatewayRefusal(int status, string code, string message, TimeSpan? retryAfter = null) : Exception(message)
{
    public int Status => status;
    public string Code => code;
    public TimeSpan? RetryAfter => retryAfter;
}

public sealed class ModelNotFound(string model) : GatewayRefusal(404, "model_not_found", $"The model '{model}' does not exist or no provider here serves it.");

public sealed class NoProvider(string kind) : GatewayRefusal(
    400, "invalid_request_error", $"No {kind} provider is configured for this project. Add one under /api/v1/providers, or use a provider's slug before the model.");

/// <summary>A month's requests or a budget are used up; asking again does not help.</summary>
public sealed class QuotaExceeded(string message) : GatewayRefusal(429, "quota_exceeded", message);

/// <summary>A minute's tokens or the calls at once are used up; asking again later helps.</summary>
public sealed class RateExceeded(string message, TimeSpan wait) : GatewayRefusal(429, "rate_limit_exceeded", message, wait);

/// <summary>The provider gave no answer: unreachable 502, too slow 504.</summary>
public sealed class UpstreamFailed(int status, string message) : GatewayRefusal(status, "upstream_error", message);

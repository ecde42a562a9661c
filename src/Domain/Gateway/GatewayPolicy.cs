namespace Hindcast.Domain.Gateway;

/// <summary>How a project's calls are treated on their way. The default changes nothing: one attempt, no fallback, no cache, traffic before tracing.</summary>
public sealed record GatewayPolicy
{
    public const int MostAttempts = 10;
    public const int MostFallbacks = 10;

    public static readonly GatewayPolicy Default = new();

    /// <summary>Tries of one model, the first included, when it answers 408, 429 or 5xx, or not at all.</summary>
    public int Attempts { get; init; } = 1;
    /// <summary>The wait before the second try, in ms; it doubles with each, and chance takes up to half of it away.</summary>
    public int BackoffMs { get; init; } = 500;
    /// <summary>No wait is longer, whatever the provider asks for; who asks for more is not tried again. In ms.</summary>
    public int LongestBackoffMs { get; init; } = 30_000;
    /// <summary>Models to ask, in order, when the one that was named gave no answer.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];
    public bool Cache { get; init; }
    public int CacheTtlSeconds { get; init; } = 3_600;
    /// <summary>A call that cannot be recorded is not made: 503.</summary>
    public bool FailClosed { get; init; }
}

/// <summary>What may be used in a period: by a project, by one key, by one end user, or by each of them.</summary>
public sealed record Budget
{
    public required string Id { get; init; }
    /// <summary><c>project</c>, <c>key</c> or <c>user</c>.</summary>
    public required string Subject { get; init; }
    /// <summary>Which key or user; null: each for itself.</summary>
    public string? SubjectId { get; init; }
    /// <summary><c>minute</c>, <c>day</c> or <c>month</c>, in UTC.</summary>
    public required string Period { get; init; }
    public decimal? Usd { get; init; }
    public long? Tokens { get; init; }
    public long? Requests { get; init; }
}

using Hindcast.Domain.Projects;

namespace Hindcast.Application.Projects;

/// <summary>A key as the vault keeps it: everything but the key.</summary>
public sealed record KeyRow
{
    /// <summary>A key that is older is pointed out: time to rotate it.</summary>
    public static readonly TimeSpan Old = TimeSpan.FromDays(90);

    public required string Id { get; init; }
    public required string Project { get; init; }
    /// <summary>SHA-256 of the key's UTF-8.</summary>
    public required KeyHash Hash { get; init; }
    public required string Prefix { get; init; }
    public required string LastFour { get; init; }
    public string? Name { get; init; }
    public required Scopes Scopes { get; init; }
    public required string Environment { get; init; }
    /// <summary>Sets the rate of the gateway's requests: <see cref="Plans"/>.</summary>
    public required string Plan { get; init; }
    public long? MonthlyQuota { get; init; }
    public required DateTimeOffset Created { get; init; }
    public DateTimeOffset? Expires { get; init; }
    public DateTimeOffset? Revoked { get; init; }
    public DateTimeOffset? LastUsed { get; init; }
    /// <summary>The id of the key that replaces this one.</summary>
    public string? RotatedTo { get; init; }
    /// <summary>The end of the overlap, when it was rotated.</summary>
    public DateTimeOffset? ValidUntil { get; init; }

    public string Masked => ApiKey.Mask(Prefix, LastFour);

    public bool IsExpired(DateTimeOffset now) => now >= Expires || now >= ValidUntil;

    public bool Works(DateTimeOffset now) => Revoked is null && !IsExpired(now);

    public bool IsOld(DateTimeOffset now) => now - Created > Old;
}

/// <summary>What a key's requests are counted against.</summary>
public static class Plans
{
    public const string Free = "free";
    public const string Pro = "pro";
    public const string Custom = "custom";

    public static readonly IReadOnlyList<string> All = [Free, Pro, Custom];

    /// <summary>Requests a minute; null where the server's own limits are the agreement.</summary>
    public static int? PerMinute(string? plan) => plan switch
    {
        Free => 60,
        Pro => 600,
        _ => null,
    };
}

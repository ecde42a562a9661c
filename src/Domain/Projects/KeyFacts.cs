namespace Hindcast.Domain.Projects;

/// <summary>A project is there from its first key on.</summary>
[EventName("project_created")]
public sealed record ProjectCreated(string Project, string? Name = null, string? Description = null);

/// <summary>A key was issued. Nothing here opens a door: the secret was shown once, and its hash is in the vault alone.</summary>
[EventName("key_created")]
public sealed record KeyCreated(
    string KeyId, string Prefix, string LastFour, string? Name, string Scopes, string Environment, string Plan, long? MonthlyQuota, DateTimeOffset? Expires);

/// <summary>A key was replaced; the old one works on for a while.</summary>
[EventName("key_rotated")]
public sealed record KeyRotated(string KeyId, string NewKeyId, DateTimeOffset ValidUntil);

[EventName("key_revoked")]
public sealed record KeyRevoked(string KeyId);

public sealed class KeyIsRevoked(string id) : RuleBroken($"Key {id} is revoked.");

public sealed class KeyIsRotated(string id, string next) : RuleBroken($"Key {id} was rotated already; its successor is {next}.");

namespace Hindcast.Domain.Gateway;

/// <summary>A project's provider was added or changed. Its key is in the vault alone; here is what may be shown of it.</summary>
[EventName("provider_saved")]
public sealed record ProviderSaved(string ProviderId, string Slug, string Kind, string BaseUrl, int KeyVersion, string LastFour, string Fingerprint);

[EventName("provider_deleted")]
public sealed record ProviderDeleted(string ProviderId);

/// <summary>The keys of all providers were wrapped anew under another key-encryption key.</summary>
[EventName("provider_keys_rewrapped")]
public sealed record ProviderKeysRewrapped(string KeyEncryptionKey, int Keys);

[EventName("gateway_policy_set")]
public sealed record GatewayPolicySet(GatewayPolicy Policy);

[EventName("budget_set")]
public sealed record BudgetSet(Budget Budget);

[EventName("budget_deleted")]
public sealed record BudgetDeleted(string BudgetId);

public sealed class ProviderKeyNeeded() : RuleBroken("The base URL, kind or slug cannot change without the key: a stored key goes where it was given for, and nowhere else.");

public sealed class ProviderSlugTaken(string slug) : RuleBroken($"There is a provider '{slug}' already.");

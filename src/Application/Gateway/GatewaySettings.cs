using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Domain.Gateway;

namespace Hindcast.Application.Gateway;

/// <summary>
/// Providers, policies and budgets of all projects, answered from memory. A change is a fact in the log first, then a row in the vault, then
/// known here; a crash in between leaves a fact whose answer nobody had, and the same command makes the rest.
/// </summary>
public sealed class GatewaySettings
{
    const string ProviderKind = "provider";
    const string PolicyKind = "policy";
    const string BudgetKind = "budget";

    static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    readonly IGatewayStore _store;
    readonly Streams _streams;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<string, ProjectSettings> _projects = new(StringComparer.Ordinal);
    readonly SemaphoreSlim _changing = new(1);

    public GatewaySettings(IGatewayStore store, Streams streams, TimeProvider clock, IReadOnlyList<Provider> fromSettings)
    {
        (_store, _streams, _clock, FromSettings) = (store, streams, clock, fromSettings);
        // Composition is not asynchronous; this waits for a few rows of a local store, once.
        foreach (var row in store.SettingsAsync(CancellationToken.None).GetAwaiter().GetResult()) Take(row);
    }

    /// <summary>Providers that every project may use.</summary>
    public IReadOnlyList<Provider> FromSettings { get; private set; }

    public ProjectSettings Of(string project) => _projects.GetValueOrDefault(project, ProjectSettings.None);

    /// <exception cref="NotFound">The project has none of that id.</exception>
    public Provider Provider(string project, string id) => Of(project).Providers.Find(p => p.Id == id) ?? throw new NotFound($"There is no provider '{id}'.");

    /// <summary>The same provider as it is now; null when it is gone.</summary>
    public Provider? Current(Provider provider) =>
        (provider.Project is { } project ? Of(project).Providers : FromSettings).FirstOrDefault(p => p.Id == provider.Id);

    public Task SaveAsync(Caller by, string project, Provider provider, CancellationToken ct) => ChangeAsync(
        by, project,
        new ProviderSaved(provider.Id, provider.Slug, provider.Kind.Name(), provider.BaseUrl, provider.KeyVersion, provider.LastFour, provider.Fingerprint),
        new(project, ProviderKind, provider.Id, JsonSerializer.Serialize(provider, s_json), provider.SealedKey), ct);

    public Task SaveAsync(Caller by, string project, GatewayPolicy policy, CancellationToken ct) => ChangeAsync(
        by, project, new GatewayPolicySet(policy), new(project, PolicyKind, PolicyKind, JsonSerializer.Serialize(policy, s_json), null), ct);

    public Task SaveAsync(Caller by, string project, Budget budget, CancellationToken ct) => ChangeAsync(
        by, project, new BudgetSet(budget), new(project, BudgetKind, budget.Id, JsonSerializer.Serialize(budget, s_json), null), ct);

    public Task DeleteProviderAsync(Caller by, string project, string id, CancellationToken ct) => RemoveAsync(
        by, project, new ProviderDeleted(id), ProviderKind, id, s => s with { Providers = s.Providers.RemoveAll(p => p.Id == id) }, ct);

    public Task DeleteBudgetAsync(Caller by, string project, string id, CancellationToken ct) => RemoveAsync(
        by, project, new BudgetDeleted(id), BudgetKind, id, s => s with { Budgets = s.Budgets.RemoveAll(b => b.Id == id) }, ct);

    /// <summary>Wraps every stored key under a new key-encryption key; calls go on meanwhile. Says how many.</summary>
    public async Task<int> RewrapAsync(Caller by, IKeySeal seal, CancellationToken ct)
    {
        await _changing.WaitAsync(ct);
        try
        {
            var providers = _projects.Values.SelectMany(p => p.Providers).Concat(FromSettings).ToList();
            var stored = providers.Count - FromSettings.Count;
            var masters = (await _store.SettingsAsync(ct)).Where(row => row.Kind == MasterKey.Kind).ToList();
            await seal.RotateAsync([.. providers.Select(p => (p.SealedKey, p.Binding)), .. masters.Select(m => (m.Secret!, MasterKey.Binding))], async sealedKeys =>
            {
                var rows = providers.Take(stored).Zip(sealedKeys, (p, key) => new SettingRow(p.Project!, ProviderKind, p.Id, JsonSerializer.Serialize(p, s_json), key)).ToList();
                await _store.SaveAsync([.. rows, .. masters.Zip(sealedKeys.Skip(providers.Count), (m, key) => m with { Secret = key })], ct);
                foreach (var row in rows) Take(row);
                FromSettings = [.. FromSettings.Zip(sealedKeys.Skip(stored), (p, key) => p with { SealedKey = key })];
            });
            await AppendAsync(by, by.Project, new ProviderKeysRewrapped(seal.KeyEncryptionKey, stored), ct);
            return stored;
        }
        finally
        {
            _changing.Release();
        }
    }

    async Task ChangeAsync<T>(Caller by, string project, T fact, SettingRow row, CancellationToken ct) where T : notnull
    {
        await _changing.WaitAsync(ct);
        try
        {
            await AppendAsync(by, project, fact, ct);
            await _store.SaveAsync([row], ct);
            Take(row);
        }
        finally
        {
            _changing.Release();
        }
    }

    async Task RemoveAsync<T>(
        Caller by, string project, T fact, string kind, string id, Func<ProjectSettings, ProjectSettings> without, CancellationToken ct) where T : notnull
    {
        await _changing.WaitAsync(ct);
        try
        {
            await AppendAsync(by, project, fact, ct);
            await _store.DeleteAsync(project, kind, id, ct);
            _projects[project] = without(Of(project));
        }
        finally
        {
            _changing.Release();
        }
    }

    async Task AppendAsync<T>(Caller by, string project, T fact, CancellationToken ct) where T : notnull => await _streams.DecideAsync(
        StreamName.Of("gateway", project, "settings"), _ => [KeyStream.Draft(fact, by, project, _clock.GetUtcNow())], ct);

    void Take(SettingRow row)
    {
        var settings = Of(row.Project);
        _projects[row.Project] = row.Kind switch
        {
            ProviderKind when JsonSerializer.Deserialize<Provider>(row.Body, s_json)! is var p => settings with
            {
                Providers = settings.Providers.RemoveAll(known => known.Id == p.Id).Add(p with { Project = row.Project, SealedKey = row.Secret ?? [] }),
            },
            PolicyKind => settings with { Policy = JsonSerializer.Deserialize<GatewayPolicy>(row.Body, s_json)! },
            BudgetKind when JsonSerializer.Deserialize<Budget>(row.Body, s_json)! is var b => settings with
            {
                Budgets = settings.Budgets.RemoveAll(known => known.Id == b.Id).Add(b),
            },
            // A newer release's; it stays in the vault.
            _ => settings,
        };
    }
}

/// <summary>What one project has set.</summary>
public sealed record ProjectSettings(ImmutableList<Provider> Providers, GatewayPolicy Policy, ImmutableList<Budget> Budgets)
{
    public static readonly ProjectSettings None = new([], GatewayPolicy.Default, []);
}

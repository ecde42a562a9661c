namespace Hindcast.Application.Gateway;

/// <summary>What the gateway keeps in the vault: settings with what must not be in the log, and how much of each budget is used.</summary>
/// <remarks>Asked at the start and on changes, never for a call. What was saved survives the death of the machine.</remarks>
public interface IGatewayStore
{
    Task<IReadOnlyList<SettingRow>> SettingsAsync(CancellationToken ct);

    /// <summary>Inserts or replaces, all of the rows or none.</summary>
    Task SaveAsync(IReadOnlyList<SettingRow> rows, CancellationToken ct);

    Task DeleteAsync(string project, string kind, string id, CancellationToken ct);

    Task<IReadOnlyList<LedgerRow>> LedgerAsync(CancellationToken ct);

    /// <summary>Inserts or replaces, and forgets what ended before <paramref name="olderThan"/>.</summary>
    Task SaveAsync(IReadOnlyList<LedgerRow> rows, DateTimeOffset olderThan, CancellationToken ct);
}

/// <param name="Kind"><c>provider</c>, <c>policy</c>, <c>budget</c>, <see cref="Erasure.MasterKey.Kind"/>, or the kind of a <see cref="Projects.ProjectSetting{T}"/>.</param>
/// <param name="Body">JSON.</param>
/// <param name="Secret">Sealed, or null.</param>
public sealed record SettingRow(string Project, string Kind, string Id, string Body, byte[]? Secret);

/// <summary>What was used of one thing in one period.</summary>
/// <param name="Account">Project, budget and subject.</param>
/// <param name="Pico">Money in pico-USD.</param>
public sealed record LedgerRow(string Account, DateTimeOffset Start, DateTimeOffset End, long Requests, long Tokens, long Pico);

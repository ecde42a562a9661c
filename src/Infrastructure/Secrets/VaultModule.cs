using Hindcast.Application.Audit;
using Hindcast.Application.Projects;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The vault of the embedded engines, and the audit list in it: <c>vault.db</c> in the data directory, beside the log and never among the read models.</summary>
public static class VaultModule
{
    public static IServiceCollection AddVault(this IServiceCollection services, string dataDirectory) =>
        services.AddSingleton<IVault>(_ => SqliteVault.Open(Path.Combine(dataDirectory, "vault.db"))).AddSingleton<IAuditStore>(provider =>
        {
            // The vault's file is made and looked over by the vault.
            provider.GetRequiredService<IVault>();
            return SqliteAudit.Open(Path.Combine(dataDirectory, "vault.db"));
        });
}

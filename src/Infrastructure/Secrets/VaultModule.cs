using Hindcast.Application.Audit;
using Hindcast.Application.Intake;
using Hindcast.Application.Projects;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The vault of the embedded engines, and the audit list in it: <c>vault.db</c> in the data directory, beside the log and never among the read models.</summary>
public static class VaultModule
{
    public static IServiceCollection AddVault(this IServiceCollection services, string dataDirectory) => services
        .AddSingleton<IVault>(_ => SqliteVault.Open(FileIn(dataDirectory)))
        .AddSingleton<IIntakeStore>(provider => IntakeStore.Open(MadeBy(provider, dataDirectory)))
        .AddSingleton<IAuditStore>(provider => SqliteAudit.Open(MadeBy(provider, dataDirectory)))
        .AddSingleton<IntakeCare>().AddHostedService(provider => provider.GetRequiredService<IntakeCare>());

    /// <summary>The vault's file, which the vault makes and looks over before others open it.</summary>
    static string MadeBy(IServiceProvider provider, string dataDirectory)
    {
        provider.GetRequiredService<IVault>();
        return FileIn(dataDirectory);
    }

    static string FileIn(string dataDirectory) => Path.Combine(dataDirectory, "vault.db");
}

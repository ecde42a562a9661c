using Hindcast.Application.Intake;
using Hindcast.Application.Projects;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Infrastructure.Secrets;

/// <summary>The vault of the embedded engines: <c>vault.db</c> in the data directory, beside the log and never among the read models.</summary>
public static class VaultModule
{
    public static IServiceCollection AddVault(this IServiceCollection services, string dataDirectory) => services
        .AddSingleton<IVault>(_ => SqliteVault.Open(FileIn(dataDirectory)))
        .AddSingleton<IIntakeStore>(provider =>
        {
            // The vault's file is made and looked over by the vault.
            provider.GetRequiredService<IVault>();
            return IntakeStore.Open(FileIn(dataDirectory));
        })
        .AddSingleton<IntakeCare>().AddHostedService(provider => provider.GetRequiredService<IntakeCare>());

    static string FileIn(string dataDirectory) => Path.Combine(dataDirectory, "vault.db");
}

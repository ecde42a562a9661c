using Hindcast.Application.Traces;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Projects;

/// <summary>Projects and keys. Needs the log, the clock and an <see cref="IVault"/>; handlers are found by the scan.</summary>
public static class ProjectsModule
{
    public static IServiceCollection AddProjects(this IServiceCollection services) => services
        .AddSingleton(provider => new KeyRing(provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<IOptions<HindcastOptions>>().Value.AdminKey))
        .AddSingleton<IKeyRing>(provider => provider.GetRequiredService<KeyRing>())
        .AddSingleton<IdempotencyKeys>()
        .AddSingleton<Views.SavedViews>()
        .AddSingleton<Members>()
        .AddSingleton(provider => new Tokens(
            Tokens.SecretOf(provider.GetRequiredService<IOptions<HindcastOptions>>().Value.Jwt, provider.GetRequiredService<IVault>()),
            provider.GetRequiredService<KeyRing>(), provider.GetRequiredService<Members>(), provider.GetRequiredService<TimeProvider>()))
        .AddScoped<FirstStart>()
        .AddHostedService<KeyCare>()
        // Composition is not asynchronous; this one waits for one row of a local store, once.
        .AddSingleton(provider => new Subjects(
            provider.GetRequiredService<IVault>().SecretAsync(Secrets.Subjects, Secrets.Make, CancellationToken.None).GetAwaiter().GetResult()));
}

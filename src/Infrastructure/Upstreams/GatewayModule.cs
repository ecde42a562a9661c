using Hindcast.Application;
using Hindcast.Application.Alerts;
using Hindcast.Application.Erasure;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;
using Hindcast.Infrastructure.Secrets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>The gateway and its way out.</summary>
public static class GatewayModule
{
    public static IServiceCollection AddGateway(this IServiceCollection services, IConfiguration configuration, string dataDirectory)
    {
        var upstreams = configuration.GetSection("Hindcast:Upstreams");
        return services
            .AddSingleton<IKeySeal>(_ => KeySeal.Open(dataDirectory, configuration["Hindcast:KeyEncryptionKey"]))
            .AddSingleton<IGatewayStore>(provider =>
            {
                // The vault's file is made and looked over by the vault.
                provider.GetRequiredService<IVault>();
                return GatewayStore.Open(Path.Combine(dataDirectory, "vault.db"));
            })
            .AddSingleton<ISubjectKeys>(provider => SubjectKeys.Open(
                Path.Combine(dataDirectory, "vault.db"), MasterKey.Of(provider.GetRequiredService<IGatewayStore>(), provider.GetRequiredService<IKeySeal>())))
            .AddSingleton<ISeal>(provider => new SubjectSeal(
                provider.GetRequiredService<ISubjectKeys>(),
                provider.GetRequiredService<IOptions<HindcastOptions>>().Value.Sealing ?? Storage.EventStoreDb(configuration) is null))
            .AddSingleton<IAlertStore>(provider => AlertStore.Open(
                Path.Combine(dataDirectory, "vault.db"), MasterKey.Of(provider.GetRequiredService<IGatewayStore>(), provider.GetRequiredService<IKeySeal>())))
            .AddSingleton<IWebhooks>(_ => new WebhookClient(UpstreamOptions.MayBePrivate(upstreams)))
            .AddSingleton<IUpstreams>(provider =>
                new UpstreamClient(
                    provider.GetRequiredService<IKeySeal>(), UpstreamOptions.MayBePrivate(upstreams), provider.GetRequiredService<GatewaySettings>().Current,
                    provider.GetRequiredService<TimeProvider>()))
            .AddSingleton(provider => new GatewaySettings(
                provider.GetRequiredService<IGatewayStore>(), provider.GetRequiredService<Streams>(), provider.GetRequiredService<TimeProvider>(),
                UpstreamOptions.Read(upstreams, provider.GetRequiredService<IKeySeal>())))
            .AddSingleton<ITranslation, Anthropic.ChatToMessages>().AddSingleton<ITranslation, OpenAi.MessagesToChat>()
            .AddSingleton<Routing>().AddSingleton<Candidates>().AddSingleton<Ledger>().AddSingleton<CallPrices>().AddSingleton<CallCosts>().AddSingleton<AnswerCache>()
            .AddSingleton<CallsAtOnce>().AddSingleton<Recording>().AddSingleton<ModelGateway>().AddSingleton<Questions>()
            .AddSingleton<Spool>().AddHostedService(provider => provider.GetRequiredService<Spool>()).AddHostedService<LedgerCare>();
    }
}

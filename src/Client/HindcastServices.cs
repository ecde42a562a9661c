using Hindcast.Client;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Hindcast among the services of an application.</summary>
public static class HindcastServices
{
    /// <summary>One <see cref="HindcastClient"/> for the application; it sends what waits when the application ends.</summary>
    /// <returns>The builder of its HTTP client, for handlers and proxies of yours.</returns>
    public static IHttpClientBuilder AddHindcast(this IServiceCollection services, Action<HindcastOptions> configure)
    {
        services.AddOptions<HindcastOptions>().Configure(configure);
        services.AddSingleton(provider => new HindcastClient(
            provider.GetRequiredService<IOptions<HindcastOptions>>().Value, provider.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(HindcastClient)), provider.GetService<TimeProvider>()));
        return services.AddHttpClient(nameof(HindcastClient));
    }

    /// <summary>Sends the requests of this client through the gateway, into a trace.</summary>
    public static IHttpClientBuilder ThroughHindcast(this IHttpClientBuilder builder, string? traceId = null) =>
        builder.AddHttpMessageHandler(provider => ModelCalls.Link(provider.GetRequiredService<HindcastClient>(), traceId));
}

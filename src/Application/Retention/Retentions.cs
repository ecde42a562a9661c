using Hindcast.Application.EventSourcing;
using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;
using Hindcast.Domain.Retention;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Application.Retention;

/// <summary>How long each project keeps its traces.</summary>
public sealed class Retentions(IGatewayStore store, Streams streams, TimeProvider clock) : ProjectSetting<RetentionSet>("retention", store, streams, clock);

public static class RetentionModule
{
    public static IServiceCollection AddRetention(this IServiceCollection services) =>
        services.AddSingleton<Retentions>().AddSingleton<ExpiredTraces>().AddSingleton<RetentionSweep>();
}

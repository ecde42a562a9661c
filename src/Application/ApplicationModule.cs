using AutoMapper;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.TimeTravel;
using Hindcast.Application.Traces;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Application;

/// <summary>The application floor: handlers, projections and payload readers are found, not listed.</summary>
public static class ApplicationModule
{
    public static IServiceCollection AddApplication(this IServiceCollection services, params System.Reflection.Assembly[] dialects)
    {
        services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<ISeal, Unsealed>()
            .AddSingleton<Streams>()
            .AddSingleton<Intake.IntakeBook>()
            .AddSingleton<FactReader>()
            .AddSingleton<ServingModels>()
            .AddSingleton<RepricingProgress>()
            .AddSingleton(PastsOf)
            .AddSingleton<Live.LiveFeed>()
            .AddSingleton<Search.Finder>()
            .AddSingleton<Exports.ExportJobs>()
            .AddScoped<ServiceFactory>(provider => provider.GetRequiredService)
            .AddScoped<IMediator, Mediator>()
            .AddTransient(typeof(IPipelineBehavior<,>), typeof(Audit.Auditing<,>))
            .AddTransient(typeof(IPipelineBehavior<,>), typeof(Reading<,>))
            .AddSingleton<IMapper>(_ => new MapperConfiguration(map => map.AddProfiles(dialects)).CreateMapper())
            .Scan(scan => scan.FromAssemblies([typeof(ApplicationModule).Assembly, .. dialects])
                .AddClasses(types => types.AssignableTo(typeof(IRequestHandler<,>)), publicOnly: false).AsImplementedInterfaces().WithTransientLifetime()
                .AddClasses(types => types.AssignableTo<Projection>()).As<Projection>().WithSingletonLifetime()
                .AddClasses(types => types.AssignableTo<IPayloadReader>(), publicOnly: false).As<IPayloadReader>().AsSelf().WithSingletonLifetime());
        return services;
    }

    static Pasts PastsOf(IServiceProvider services)
    {
        var store = services.GetRequiredKeyedService<IReadStore>(Pasts.Store);
        return new(store, ActivatorUtilities.CreateInstance<Refold>(services, store), services.GetRequiredService<TimeProvider>());
    }

    /// <summary>Followers of the log; without them the read models stay where they are.</summary>
    public static IServiceCollection AddProjectionHost(this IServiceCollection services) =>
        services.AddHostedService<ProjectionHost>().AddHostedService<Operations.WarmUp>();
}

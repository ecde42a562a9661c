using Hindcast.Api.Dialects;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Api.Dialects.TraceLlm;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Application;
using Hindcast.Application.Alerts;
using Hindcast.Application.Erasure;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Redaction;
using Hindcast.Application.Retention;
using Hindcast.Application.Search;
using Hindcast.Infrastructure;
using Hindcast.Infrastructure.Secrets;
using Hindcast.Infrastructure.Upstreams;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Hindcast.Api;

/// <summary>Puts the floors together.</summary>
internal static class Hosting
{
    const string DefaultAddress = "http://127.0.0.1:8080";

    public static WebApplication Build(string[] args) => Build(args, _ => { });

    /// <param name="also">Has the last word on what stands behind a port; a test puts something there that fails.</param>
    internal static WebApplication Build(string[] args, Action<IServiceCollection> also)
    {
        // Settings are read once: a watcher on the working directory would wake up with every page the log writes.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = ["--hostBuilder:reloadConfigOnChange=false", .. args] });
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey])) builder.WebHost.UseUrls(DefaultAddress);
        builder.WebHost.ConfigureKestrel(Harden);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Error);
        // For a log that says nothing here every request would get an Activity, a scope and three copies of its execution context.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        AddHindcast(builder.Services, builder.Configuration);
        builder.Services.AddSingleton<GrpcListener>().AddHostedService(services => services.GetRequiredService<GrpcListener>());
        also(builder.Services);

        var app = builder.Build();
        GrpcListener.Tap(app);
        // From now on it counts.
        app.Services.GetRequiredService<Native.MetricsBook>();
        app.UseMiddleware<Problems>();
        app.UseWhyOpsPaths();
        app.UseTraceLlmPaths();
        app.UseRouting();
        app.UseSlashedIds();
        app.UseCors();
        app.UseAccess();
        app.UseAsOf();
        app.UseWebSockets();
        app.MapRoutes();
        return app;
    }

    /// <summary>Everything but the web server: the command line works on the files with it.</summary>
    public static void AddHindcast(IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<HindcastOptions>().Bind(configuration.GetSection("Hindcast")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<HindcastOptions>, SettingsInRange>();
        var options = configuration.GetSection("Hindcast").Get<HindcastOptions>() ?? new();
        Directory.CreateDirectory(options.DataDirectory);

        services.AddApplication(typeof(Hosting).Assembly).AddStorage(configuration, options.DataDirectory).AddVault(options.DataDirectory).AddProjects();
        services.AddGateway(configuration, options.DataDirectory).AddWires().AddErasure().AddRedaction().AddRetention();
        if (!options.Projections.Paused) services.AddProjectionHost().AddHostedService(provider => provider.GetRequiredService<RetentionSweep>());
        services.AddHostedService<Application.Exports.ExportWorker>().AddAlerts(watch: !options.Projections.Paused).AddSingleton<FilterWords>(Native.AlertDoors.FilterOf);
        services.AddSingleton<Application.Live.FactWords>(Live.StreamDoor.Words).AddSingleton<Application.Live.FactTail>();
        services.AddSingleton<Live.LiveSockets>().AddSingleton<TraceLlmVoice>().AddSingleton<ObservatoryVoice>();
        services.AddSingleton<AnswerCache>().AddSingleton(CursorsOf);
        services.AddSingleton(new Native.ConsoleFiles(typeof(Hosting).Assembly));
        services.AddSingleton<Native.LoginLinks>().AddSingleton<Native.MetricsBook>().AddSingleton<RateLimits>().AddSingleton<InFlightBudget>().AddSingleton<OtlpDropped>().AddOpenApi("v1", Describe).AddIngestCors();
    }

    /// <summary>Composition is not asynchronous; this one waits for one row of a local store, once.</summary>
    static SearchCursors CursorsOf(IServiceProvider services) => new(
        services.GetRequiredService<IVault>().SecretAsync(Secrets.Cursors, Secrets.Make, CancellationToken.None).GetAwaiter().GetResult(), services.GetRequiredService<TimeProvider>());

    static void Describe(Microsoft.AspNetCore.OpenApi.OpenApiOptions options) => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info.Title = "Hindcast";
        document.Info.Description = "An event-sourced store for traces of LLM applications. Keys go in Authorization: Bearer or X-API-Key.";
        return Task.CompletedTask;
    });

    /// <summary>Kestrel is lenient where a proxy in front of it may read otherwise; two readings of one request are a way in.</summary>
    static void Harden(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 32 * 1024 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
    }
}

/// <summary>Every range that a setting names, those of the groups within too; who starts with another value is told which it is.</summary>
[OptionsValidator]
internal sealed partial class SettingsInRange : IValidateOptions<HindcastOptions>;

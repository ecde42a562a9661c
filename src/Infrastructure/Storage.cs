using Hindcast.Application;
using Hindcast.Application.Caching;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Limits;
using Hindcast.Application.Live;
using Hindcast.Application.ReadModels;
using Hindcast.Application.TimeTravel;
using Hindcast.Infrastructure.Caches.Memory;
using Hindcast.Infrastructure.Caches.Redis;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Infrastructure.ReadModels.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hindcast.Infrastructure;

/// <summary>The switchboard: the one place where an engine is chosen. Without a connection string the embedded one stands.</summary>
public static class Storage
{
    public static IServiceCollection AddStorage(this IServiceCollection services, IConfiguration configuration, string dataDirectory)
    {
        services.AddSingleton<IEventLog>(EventStoreDb(configuration) is { } eventStoreDb
            ? provider => EventStoreDbEventLog.Open(
                eventStoreDb, configuration["Hindcast:LogName"], Path.Combine(dataDirectory, "log-id"),
                provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<EventStoreDbEventLog>>())
            : provider => SqliteEventLog.Open(Path.Combine(dataDirectory, "log.db"), provider.GetRequiredService<TimeProvider>()));

        services.AddSingleton<IReadStore>(configuration.GetConnectionString("Postgres") is { Length: > 0 } postgres
            ? provider => new PostgresReadStore(postgres, $"{Environment.MachineName}:{Path.GetFullPath(dataDirectory)}", provider.GetRequiredService<TimeProvider>())
            : _ => new SqliteReadStore(Path.Combine(dataDirectory, "read")));

        // Pasts are as good as their process: what another left is nobody's.
        services.AddKeyedSingleton<IReadStore>(Pasts.Store, (_, _) =>
        {
            var folder = Path.Combine(dataDirectory, "past");
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            return new SqliteReadStore(folder);
        });

        services.AddCaches(configuration.GetConnectionString("Redis"));

        // Facts above what an append may hold are written in parts, the same on every engine, so that a log can move between them.
        services.Decorate<IEventLog>(inner => new PartedLog(inner));
        return services;
    }

    /// <summary>Where the log is that several nodes may share; null: the embedded one, which one node has to itself.</summary>
    internal static string? EventStoreDb(IConfiguration configuration) => configuration.GetConnectionString("EventStoreDb") is { Length: > 0 } given ? given : null;

    /// <summary>Response cache, rate limits and live news: in this process, and on Redis where there is one. Losing Redis falls back to this process.</summary>
    static void AddCaches(this IServiceCollection services, string? redis)
    {
        services.AddSingleton<MemoryRateLimiter>().AddSingleton<MemoryFanOut>().AddSingleton<MemoryResponseCache>();
        if (string.IsNullOrEmpty(redis))
        {
            services.AddSingleton<IResponseCache>(provider => provider.GetRequiredService<MemoryResponseCache>())
                .AddSingleton<IRateLimiter>(provider => provider.GetRequiredService<MemoryRateLimiter>())
                .AddSingleton<IFanOut>(provider => provider.GetRequiredService<MemoryFanOut>());
            return;
        }
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<RedisLine>(provider, redis))
            .AddSingleton<IResponseCache, RedisResponseCache>()
            .AddSingleton<IRateLimiter>(provider => new RedisRateLimiter(provider.GetRequiredService<RedisLine>(), provider.GetRequiredService<MemoryRateLimiter>()))
            .AddSingleton<IFanOut>(provider => ActivatorUtilities.CreateInstance<RedisFanOut>(provider, provider.GetRequiredService<MemoryFanOut>()));
    }
}

using Hindcast.Application.Caching;
using Hindcast.Application.Limits;
using Hindcast.Application.Live;
using Hindcast.Infrastructure;
using Hindcast.Integration.Engines;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Caches;

/// <summary>The three small engines as a server composes them, for one node or two.</summary>
public abstract class CacheFixture : IAsyncLifetime
{
    readonly List<ServiceProvider> _nodes = [];
    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-caches-").FullName;

    /// <summary>Two nodes of this engine share what it holds.</summary>
    public abstract bool IsShared { get; }

    public IResponseCache Cache => First.GetRequiredService<IResponseCache>();
    public IRateLimiter Limiter => First.GetRequiredService<IRateLimiter>();
    public IFanOut FanOut => First.GetRequiredService<IFanOut>();

    /// <summary>The other node.</summary>
    public IServiceProvider Second => _nodes[1];

    protected IServiceProvider First => _nodes[0];

    protected abstract Task<string?> RedisAsync();

    protected virtual Task ReadyAsync(IServiceProvider node) => Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        var redis = await RedisAsync();
        for (var node = 0; node < 2; node++)
        {
            var services = new ServiceCollection().AddLogging().AddSingleton(TimeProvider.System).AddStorage(
                new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:Redis", redis)]).Build(), _folder);
            _nodes.Add(services.BuildServiceProvider());
            await ReadyAsync(_nodes[node]);
        }
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}

public sealed class MemoryFixture : CacheFixture
{
    public override bool IsShared => false;

    protected override Task<string?> RedisAsync() => Task.FromResult<string?>(null);
}

public sealed class RedisFixture : CacheFixture
{
    RedisServer? _server;

    public override bool IsShared => true;

    public RedisServer Server => _server!;

    protected override async Task<string?> RedisAsync() => (_server = await RedisServer.StartNewAsync()).ConnectionString;

    /// <summary>Up, and subscribed: a key that is written by one call is there for the next.</summary>
    protected override async Task ReadyAsync(IServiceProvider node)
    {
        node.GetRequiredService<IFanOut>();
        await BackAsync(node);
    }

    /// <summary>Until the engine is used again by the first node.</summary>
    public Task BackAsync() => BackAsync(First);

    static async Task BackAsync(IServiceProvider node)
    {
        while (!node.GetRequiredService<Infrastructure.Caches.Redis.RedisLine>().IsUp) await Task.Delay(20);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }
}

using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Infrastructure;
using Hindcast.Infrastructure.Secrets;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Keys;

/// <summary>Keys as the product composes them, on a data directory of its own; it can end and begin again.</summary>
public sealed class KeyHost : IAsyncDisposable
{
    ServiceProvider? _services;

    KeyHost(string folder) => Folder = folder;

    public string Folder { get; }
    public string VaultPath => Path.Combine(Folder, "vault.db");
    public KeyRing Ring => Get<KeyRing>();

    public static async Task<KeyHost> StartAsync(string? folder = null)
    {
        var host = new KeyHost(folder ?? Directory.CreateTempSubdirectory("hindcast-keys-").FullName);
        await host.RestartAsync();
        return host;
    }

    public async Task RestartAsync()
    {
        if (_services is not null) await _services.DisposeAsync();
        var configuration = new ConfigurationBuilder().Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddOptions<HindcastOptions>().Configure(o => o.DataDirectory = Folder);
        services.AddApplication().AddStorage(configuration, Folder).AddVault(Folder).AddProjects();
        _services = services.BuildServiceProvider();
        using var scope = _services.CreateScope();
        FirstKey = await scope.ServiceProvider.GetRequiredService<FirstStart>().RunAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>What the newest start minted.</summary>
    public IssuedKey? FirstKey { get; private set; }

    public T Get<T>() where T : notnull => _services!.GetRequiredService<T>();

    public async Task<T> SendAsync<T>(IRequest<T> request)
    {
        using var scope = _services!.CreateScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(request, TestContext.Current.CancellationToken);
    }

    public async Task<List<Fact>> FactsAsync(string project) =>
        await Get<Streams>().ReadAsync(StreamName.Of("keys", project, "all"), 0, TestContext.Current.CancellationToken).ToListAsync();

    public async ValueTask DisposeAsync()
    {
        await _services!.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}

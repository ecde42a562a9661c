using Hindcast.Application;
using Hindcast.Application.Projects;

namespace Hindcast.Api.CommandLine;

/// <summary>Registers everything but the web server: <c>Hosting.AddHindcast</c>.</summary>
internal delegate void Compose(IServiceCollection services, IConfiguration configuration);

/// <summary>What a command stands on: its words, the settings, and either the running server or the files of a stopped one.</summary>
internal sealed class Floor(Arguments arguments, IConfiguration configuration, Compose compose, Terminal terminal)
{
    public Arguments Arguments => arguments;
    public Terminal Terminal => terminal;

    string DataDirectory => (configuration.GetSection("Hindcast").Get<HindcastOptions>() ?? new()).DataDirectory;

    /// <summary>The server named by <c>--url</c>, else the one that works on the data directory; null when there is none.</summary>
    /// <exception cref="Failed">The directory is held by somebody who cannot be talked to.</exception>
    public ServerClient? FindServer()
    {
        if (arguments.Option("url") is { } url) return new(url, Key);
        if (DataDirectoryLock.Find(DataDirectory) is not { } holder) return null;
        return holder.Address is { } address ? new(address, Key) : throw new Failed(new DataDirectoryInUse(DataDirectory, holder).Message);
    }

    /// <exception cref="Failed">Nobody serves.</exception>
    public ServerClient Server() => FindServer()
        ?? throw new Failed($"No server works on '{DataDirectory}'. Start one with 'hindcast serve', or name one with --url.");

    /// <summary>Works on the files, alone.</summary>
    /// <exception cref="Failed">A server is running, or there are no files and <paramref name="create"/> is not set.</exception>
    public async Task<T> OnFilesAsync<T>(Func<IServiceProvider, Task<T>> work, bool create = false)
    {
        if (!create && !Directory.Exists(DataDirectory)) throw new Failed($"There is no data directory '{DataDirectory}'. Name it with --data-directory.");
        using var held = DataDirectoryLock.Take(DataDirectory);
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Error).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        services.AddSingleton(configuration);
        compose(services, configuration);
        await using var provider = services.BuildServiceProvider();
        await using var scope = provider.CreateAsyncScope();
        return await work(scope.ServiceProvider);
    }

    /// <summary>The same with the ring filled, for work on keys.</summary>
    public Task<T> OnKeysAsync<T>(Func<IServiceProvider, Task<T>> work, bool create = false) => OnFilesAsync(async services =>
    {
        await services.GetRequiredService<FirstStart>().LoadAsync(CancellationToken.None);
        return await work(services);
    }, create);

    string? Key => arguments.Option("key") ?? configuration["HINDCAST_KEY"] ?? configuration["Hindcast:AdminKey"];
}

using Hindcast.Application.ReadModels;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Infrastructure.ReadModels.Sqlite;
using Hindcast.Integration.Engines;

namespace Hindcast.Integration.ReadModels;

/// <summary>An engine for read models, empty.</summary>
public interface IReadFixture : IAsyncDisposable
{
    IReadStore Store { get; }

    Task StartAsync();

    /// <summary>The process ends and a new one opens the same store.</summary>
    Task RestartAsync();
}

public sealed class SqliteReadFixture : IReadFixture
{
    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-read-").FullName;
    SqliteReadStore? _store;

    public IReadStore Store => _store!;

    public Task StartAsync()
    {
        _store = new(_folder);
        return Task.CompletedTask;
    }

    public Task RestartAsync()
    {
        _store?.Dispose();
        return StartAsync();
    }

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

public sealed class PostgresReadFixture : IReadFixture
{
    string? _database;
    PostgresReadStore? _store;

    public IReadStore Store => _store!;

    public async Task StartAsync() => _store = new(_database ??= await PostgresServer.DatabaseAsync());

    public async Task RestartAsync()
    {
        await _store!.DisposeAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null) await _store.DisposeAsync();
    }
}

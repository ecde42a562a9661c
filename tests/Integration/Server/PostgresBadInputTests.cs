using Hindcast.Integration.Engines;

namespace Hindcast.Integration.Server;

/// <summary>The same on PostgreSQL, which takes no NUL and no deep JSON lightly.</summary>
public sealed class PostgresBadInputTests(PostgresBadInputTests.Lazily fixture) : BadInputTests, IClassFixture<PostgresBadInputTests.Lazily>
{
    /// <summary>Started by the first test, so that where there is no PostgreSQL the tests are skipped and the class does not fail.</summary>
    public sealed class Lazily : IAsyncDisposable
    {
        LiveServer? _server;

        public async Task<LiveServer> GetAsync()
        {
            if (_server is not null) return _server;
            var server = new OnPostgres();
            await server.InitializeAsync();
            return _server = server;
        }

        public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    sealed class OnPostgres : LiveServer
    {
        protected override async Task<Dictionary<string, string>> SettingsAsync() =>
            new() { ["ConnectionStrings__Postgres"] = await PostgresServer.DatabaseAsync() };
    }

    protected override Task<LiveServer> ServerAsync() => fixture.GetAsync();
}

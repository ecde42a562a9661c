using Hindcast.Integration.Engines;

namespace Hindcast.Integration.Server;

/// <summary>The server with its rows in PostgreSQL; <see cref="LiveServer"/> itself has them in SQLite. A test class for each, and one set of tests.</summary>
public class PostgresServerProcess : LiveServer
{
    protected override async Task<Dictionary<string, string>> SettingsAsync() =>
        new() { ["ConnectionStrings__Postgres"] = await PostgresServer.DatabaseAsync() };
}

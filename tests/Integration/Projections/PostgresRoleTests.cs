using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Infrastructure.ReadModels.Postgres;
using Hindcast.Integration.Engines;
using Npgsql;

namespace Hindcast.Integration.Projections;

/// <summary>What PostgreSQL is asked for: a role that may create schemas in one database, and owners who can be replaced.</summary>
public sealed class PostgresRoleTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_role_that_may_only_create_in_its_database_is_enough()
    {
        var database = new NpgsqlConnectionStringBuilder(await PostgresServer.DatabaseAsync());
        var role = $"plain_{Guid.NewGuid():n}";
        await using (var admin = NpgsqlDataSource.Create(database.ToString()))
        {
            await using var make = admin.CreateCommand(
                $"CREATE ROLE {role} LOGIN PASSWORD 'x' NOSUPERUSER NOCREATEDB NOCREATEROLE; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT CREATE, CONNECT ON DATABASE {database.Database} TO {role}");
            await make.ExecuteNonQueryAsync(Ct);
        }
        await using var log = new TempLog();
        await log.FillAsync(8, traces: 4);
        var asRole = new NpgsqlConnectionStringBuilder(database.ToString()) { Username = role, Password = "x" }.ToString();
        await using var store = new PostgresReadStore(asRole, "one");
        await using (var host = await Host.StartAsync(log, store))
        {
            await Host.UntilAsync(() => host.Progress.State == ProjectionState.Live);
            (await Logs.HashAsync(store, Host.Traces, 1)).Should().Be(await log.HashAsync());
        }

        // Taking over ends the sessions of the one before, which needs no more than being the same role.
        (await store.OwnAsync("traces", 0, null, Ct)).Ours.Should().BeTrue();
        await using var other = new PostgresReadStore(asRole, "two");
        (await other.OwnAsync("traces", 0, null, Ct)).Should().Match<Tenure>(t => !t.Ours && t.Node == "one");
        await using var held = await store.BeginAsync(Host.Traces, 1, 3, Ct);
        await held.UpsertAsync([new RunRow { Project = "p", TraceId = "held" }], Ct);

        // The one lets its lease run out, with a row locked.
        Tenure taken;
        while (!(taken = await other.OwnAsync("traces", 0, null, Ct)).Ours) await Task.Delay(100, Ct);
        var at = await other.ClaimAsync(Host.Traces, 1, taken.Epoch, Ct);
        await using (var batch = await other.BeginAsync(Host.Traces, 1, taken.Epoch, Ct))
        {
            await batch.UpsertAsync([new RunRow { Project = "p", TraceId = "held" }], Ct);
            await batch.CommitAsync(at, new(at.Value + 1), Ct);
        }
        await held.Invoking(b => b.CommitAsync(at, new(at.Value + 1), Ct)).Should().ThrowAsync<Exception>();
        (await store.OwnAsync("traces", taken.Epoch - 1, null, Ct)).Ours.Should().BeFalse();
    }
}

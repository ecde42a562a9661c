using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>Gives a query up as soon as the probe finds the database silent.</summary>
sealed class EndWhenAway(PostgresProbe probe) : DbCommandInterceptor
{
    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, probe.Away);
        return InterceptionResult<DbDataReader>.SuppressWithResult(await command.ExecuteReaderAsync(either.Token));
    }
}

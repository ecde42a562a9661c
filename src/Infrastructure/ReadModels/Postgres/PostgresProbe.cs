using System.Data.Common;
using Hindcast.Application;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// Asks the database again and again whether it is there. A stopped one refuses; a frozen one says nothing, and whoever waits for its answer
/// would wait for as long as it is frozen: so they ask here first, and are told when it falls silent while they wait. A busy one is not
/// taken for a frozen one: any answer to anybody counts.
/// </summary>
sealed class PostgresProbe : DbCommandInterceptor, IAsyncDisposable
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250), s_patience = TimeSpan.FromMilliseconds(1_250);
    static readonly TimeSpan s_soon = TimeSpan.FromSeconds(2);

    readonly NpgsqlDataSource _source;
    readonly TimeProvider _clock;
    readonly Action _returned;
    readonly CancellationTokenSource _ended = new();
    readonly Task _run;
    CancellationTokenSource _away = new();
    long _heard;

    /// <param name="source">One that nobody else takes connections from.</param>
    /// <param name="returned">The database is back, and nobody has asked it yet: connections from before may lead nowhere.</param>
    public PostgresProbe(NpgsqlDataSource source, TimeProvider clock, Action returned)
    {
        (_source, _clock, _returned) = (source, clock, returned);
        _run = Task.Run(RunAsync);
    }

    /// <summary>Cancelled while it does not answer.</summary>
    public CancellationToken Away => Volatile.Read(ref _away).Token;

    /// <summary>Asks the database for something, unless it is known to be silent.</summary>
    /// <exception cref="Unavailable">It does not answer.</exception>
    public async Task<T> Asked<T>(Func<Task<T>> ask)
    {
        if (_away.IsCancellationRequested) throw new Unavailable("PostgreSQL does not answer.", s_soon);
        try
        {
            var answer = await ask();
            Heard();
            return answer;
        }
        catch (NpgsqlException e) when (IsPassing(e))
        {
            throw new Unavailable($"PostgreSQL does not answer: {e.Message}", s_soon);
        }
        catch (TimeoutException)
        {
            throw new Unavailable("PostgreSQL does not answer in time.", s_soon);
        }
    }

    /// <summary>No connection, no resources, shutting down, lost a race: it passes. What the server says of the data itself does not.</summary>
    public static bool IsPassing(NpgsqlException e) =>
        e is not PostgresException server || e.IsTransient || server.SqlState is ['0', '8', ..] or ['4', '0', ..] or ['5', '3', ..] or ['5', '7', ..];

    /// <summary>A query was answered.</summary>
    public override ValueTask<DbDataReader> ReaderExecutedAsync(
        DbCommand command, CommandExecutedEventData eventData, DbDataReader result, CancellationToken cancellationToken = default)
    {
        Heard();
        return ValueTask.FromResult(result);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    void Heard() => Volatile.Write(ref _heard, _clock.GetTimestamp());

    async Task RunAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            // An answer that is late is still waited for: asking again would only add to the heap.
            var (asked, since) = (AskAsync(), _clock.GetTimestamp());
            while (await Task.WhenAny(asked, Task.Delay(s_pause, _clock, _ended.Token)) != asked && !_ended.IsCancellationRequested)
                if (_clock.GetElapsedTime(Math.Max(since, Volatile.Read(ref _heard))) >= s_patience) await _away.CancelAsync();
            if (!await asked) await _away.CancelAsync();
            else if (_away.IsCancellationRequested)
            {
                _returned();
                Volatile.Write(ref _away, new());
            }
            await Task.Delay(s_pause, _clock, _ended.Token);
        }
    }

    async Task<bool> AskAsync()
    {
        try
        {
            await using var command = _source.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(_ended.Token);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            // Too many connections is an answer.
            return e is PostgresException { SqlState: ['5', '3', ..] };
        }
    }
}

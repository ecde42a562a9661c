using Npgsql;

namespace Hindcast.Infrastructure.ReadModels.Postgres;

/// <summary>
/// Asks the database twice a second whether it is there. A stopped one refuses; a frozen one says nothing, and whoever waits for its answer
/// would wait for as long as it is frozen: so they ask here first, and are told when it falls silent while they wait.
/// </summary>
sealed class PostgresProbe : IAsyncDisposable
{
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500), s_patience = TimeSpan.FromMilliseconds(750);

    readonly NpgsqlDataSource _source;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _ended = new();
    readonly Task _run;
    CancellationTokenSource _away = new();

    /// <param name="source">One that nobody else takes connections from.</param>
    public PostgresProbe(NpgsqlDataSource source, TimeProvider clock)
    {
        (_source, _clock) = (source, clock);
        _run = Task.Run(RunAsync);
    }

    /// <summary>Cancelled while it does not answer.</summary>
    public CancellationToken Away => Volatile.Read(ref _away).Token;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    async Task RunAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            var asked = AskAsync();
            // An answer that is late is still waited for: asking again would only add to the heap.
            if (!await WithinAsync(asked)) await _away.CancelAsync();
            if (await asked) Back();
            else await _away.CancelAsync();
            await Task.Delay(s_pause, _clock, _ended.Token);
        }
    }

    void Back()
    {
        if (_away.IsCancellationRequested) Volatile.Write(ref _away, new());
    }

    async Task<bool> WithinAsync(Task<bool> asked)
    {
        try
        {
            await asked.WaitAsync(s_patience, _clock, _ended.Token);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
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
            return e is PostgresException { SqlState: ['5', '3', ..] };
        }
    }
}

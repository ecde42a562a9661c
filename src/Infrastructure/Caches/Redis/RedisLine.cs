using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Hindcast.Infrastructure.Caches.Redis;

/// <summary>
/// The one connection to Redis, and the breaker before it. What is asked of Redis is always something this process can do without for a
/// while, so a Redis that is stopped, frozen or slow costs a request a moment once, and after that nothing.
/// </summary>
/// <remarks>
/// <para><b>Closed</b>: a call waits 250 ms at most. The first that fails or waits in vain opens the breaker; those under way at that moment
/// wait out their own 250 ms.</para>
/// <para><b>Open</b>: calls are answered "away" at once, and nothing is sent. One prober, and no request, asks for a PONG twice a second
/// and closes the breaker with the first that comes.</para>
/// <para>The breaker begins open: connecting happens behind the start of the process, and Redis may come later than we do. The client library
/// has no timeout for asynchronous calls, so a call that was given up lives on in its queue until Redis thaws or the connection breaks; the
/// breaker is what keeps that queue short.</para>
/// </remarks>
sealed class RedisLine : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(500);

    readonly CancellationTokenSource _stop = new();
    readonly TimeProvider _clock;
    readonly ILogger _logger;
    readonly Task _probing;
    readonly TaskCompletionSource<ConnectionMultiplexer> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile ConnectionMultiplexer? _redis;
    volatile bool _open = true;

    public RedisLine(string connectionString, TimeProvider clock, ILogger<RedisLine> logger)
    {
        (_clock, _logger) = (clock, logger);
        var options = ConfigurationOptions.Parse(connectionString);
        options.AbortOnConnectFail = false;
        options.ClientName ??= "hindcast";
        _probing = Task.Run(() => ProbeAsync(options));
    }

    /// <summary>Calls go through.</summary>
    public bool IsUp => !_open;

    /// <summary>The connection, from the first on; it mends itself.</summary>
    public Task<ConnectionMultiplexer> Connection => _connected.Task;

    /// <summary>False: Redis is away; do without.</summary>
    public async Task<(bool Answered, T? Value)> AskAsync<T>(Func<IDatabase, Task<T>> ask)
    {
        if (_open || _redis is not { } redis) return default;
        try
        {
            return (true, await ask(redis.GetDatabase()).WaitAsync(Patience, _clock));
        }
        catch (Exception e) when (e is TimeoutException or RedisException or ObjectDisposedException or TaskCanceledException)
        {
            Open(e);
            return default;
        }
    }

    void Open(Exception why)
    {
        if (_open) return;
        _open = true;
        _logger.LogWarning("Redis is away ({Why}); this process does without it until it is back", why.GetType().Name);
    }

    async Task ProbeAsync(ConfigurationOptions options)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (_redis is null) _connected.TrySetResult(_redis = await ConnectionMultiplexer.ConnectAsync(options));
                if (_open)
                {
                    await _redis.GetDatabase().PingAsync().WaitAsync(Patience, _clock, _stop.Token);
                    _open = false;
                    _logger.LogInformation("Redis is there");
                }
            }
            catch (Exception e) when (e is TimeoutException or RedisException or System.Net.Sockets.SocketException or OperationCanceledException or InvalidOperationException)
            {
                // Still away; asked again.
            }
            await Task.Delay(Probe, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _probing;
        // Not waiting for what a frozen Redis still owes.
        _redis?.Close(allowCommandsToComplete: false);
        _redis?.Dispose();
        _stop.Dispose();
    }
}

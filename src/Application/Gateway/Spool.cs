using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hindcast.Application.Gateway;

/// <summary>
/// Between calls and the log. What happened is read, settled and written here, while the callers are long gone; when the log is away, it waits
/// (<see cref="GatewayOptions.SpoolBytes"/>) and is written when the log is back, under the same ids, so that nothing stands there twice. What does
/// not fit is dropped and counted: a call never fails, nor waits, because it cannot be recorded.
/// </summary>
public sealed class Spool(
    Recording recording, CallCosts costs, CallsAtOnce calls, IServiceScopeFactory scopes, IOptions<HindcastOptions> options, TimeProvider clock, IMeterFactory meters, ILogger<Spool> logger)
    : BackgroundService
{
    /// <summary>As many as make an fsync cheap, and no more while it keeps up: who works for long at a time makes calls wait for a processor.</summary>
    const int FactsAtOnce = 128, MostFactsAtOnce = 2_000;
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(10);

    readonly long _mostBytes = options.Value.Gateway.SpoolBytes;
    /// <summary>
    /// What opens a call and what ends it are then one append, and an fsync costs as much for one as for hundreds. The first after a pause does
    /// not wait for it, nor does a budget for what a call really used.
    /// </summary>
    readonly TimeSpan _gather = options.Value.Gateway.Gather;
    readonly Channel<Item> _items = Channel.CreateUnbounded<Item>(new() { SingleReader = true });
    readonly Rush _rush = new(calls, clock);
    readonly Queue<(Caller Caller, NewEvent Event, long Bytes)> _facts = [];
    readonly Counter<long> _dropped = meters.Create("Hindcast.Gateway").CreateCounter<long>("hindcast.gateway.unrecorded", "{fact}", "Facts of calls that could not be recorded");
    long _bytes, _unrecorded;
    readonly SemaphoreSlim _settles = new(0);
    int _atOnce = MostFactsAtOnce;
    volatile bool _logIsAway;

    /// <summary>What happened, to be read later: a call, or with an attempt how that one ended.</summary>
    readonly record struct Item(GatewayCall Call, Route Route, DateTimeOffset At, Attempt? Attempt = null, CallCost? Cost = null)
    {
        public long Bytes => Attempt?.Held ?? Call.Form.Body.Length;
    }

    /// <summary>As far as can be known now, what is handed over will be in the log in a moment.</summary>
    public bool Records => !_logIsAway && Interlocked.Read(ref _bytes) < _mostBytes;

    /// <summary>Facts, or calls whose facts were never read, that are lost.</summary>
    public long Unrecorded => Interlocked.Read(ref _unrecorded);

    public long Bytes => Interlocked.Read(ref _bytes);

    bool KeepsUp => Bytes < _mostBytes / 8;

    /// <summary>What may wait for its turn while calls keep the processors busy; the rest of the room is for a log that is away.</summary>
    bool MayWait => Bytes < _mostBytes / 2;

    public void Open(GatewayCall call, Route route) => Add(new(call, route, clock.GetUtcNow()));

    /// <summary>Writes what opens the call, and answers when it is in the log.</summary>
    public async Task OpenNowAsync(GatewayCall call, Route route, CancellationToken ct) =>
        await AppendAsync(call.Caller, [recording.Opening(call, route, clock.GetUtcNow())], ct);

    /// <summary>An attempt is over; the reservation is settled by what it used, and that does not wait for the log.</summary>
    public void Close(Attempt attempt, CallCost cost)
    {
        Add(new(attempt.Call, attempt.Route, attempt.StartedAt, attempt, cost));
        if (cost.Reservation is not null && _settles.CurrentCount == 0) _settles.Release();
    }

    void Add(Item item)
    {
        var bytes = item.Bytes;
        if (Interlocked.Add(ref _bytes, bytes) <= _mostBytes)
        {
            _items.Writer.TryWrite(item);
            return;
        }
        Interlocked.Add(ref _bytes, -bytes);
        if (item is { Attempt: { } attempt, Cost: { } cost }) costs.Settle(cost, attempt, null);
        item.Attempt?.LetGo();
        Drop(1);
    }

    List<NewEvent> FactsOf(Item item)
    {
        if (item is not { Attempt: { } attempt, Cost: { } cost }) return [recording.Opening(item.Call, item.Route, item.At)];
        var answer = recording.AnswerTo(attempt);
        var (usage, estimated) = Recording.UsageOf(attempt, answer);
        costs.Settle(cost, attempt, usage);
        return [.. recording.Closing(attempt, answer, usage, estimated)];
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Not the host's: what is waiting when the process is told to stop is written first.
        try
        {
            for (var behindSince = clock.GetTimestamp(); ;)
            {
                if (_facts.Count == 0 && !_items.Reader.TryPeek(out _))
                {
                    if (!await _items.Reader.WaitToReadAsync(stoppingToken)) return;
                    behindSince = clock.GetTimestamp();
                }
                await GiveWayAsync(behindSince, stoppingToken);
                Read();
                var gathered = _facts.Count >= FactsAtOnce;
                if (!await WriteAsync(stoppingToken)) await Task.Delay(s_pause, clock, stoppingToken);
                else if (!gathered) await _settles.WaitAsync(_gather, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            using var last = new CancellationTokenSource(s_lastWords, clock);
            do Read();
            while (_facts.Count > 0 && await WriteAsync(last.Token));
            if (_facts.Count > 0) Drop(_facts.Count);
        }
    }

    /// <summary>Calls that come come before calls that are over, until these have waited for a second; a budget waits for none.</summary>
    async Task GiveWayAsync(long behindSince, CancellationToken ct)
    {
        while (_rush.IsOn() && MayWait && clock.GetElapsedTime(behindSince) < Rush.MostBehind)
            if (await _settles.WaitAsync(Rush.Look, ct)) return;
    }

    void Read()
    {
        while (_items.Reader.TryRead(out var item))
        {
            var bytes = item.Bytes;
            try
            {
                var facts = FactsOf(item);
                for (var i = 0; i < facts.Count; i++) _facts.Enqueue((item.Call.Caller, facts[i], i == 0 ? bytes : 0));
                // Calls that wait for a processor come first, as long as this keeps up with them.
                if (KeepsUp) Thread.Yield();
            }
            catch (Exception e)
            {
                Interlocked.Add(ref _bytes, -bytes);
                Drop(1);
                logger.LogError("A call could not be read for its trace: {Exception} {Stack}", e.GetType().Name, e.StackTrace);
            }
            finally
            {
                item.Attempt?.LetGo();
            }
            if (_facts.Count >= (KeepsUp ? FactsAtOnce : MostFactsAtOnce)) return;
        }
    }

    /// <summary>Writes what waits, oldest first; false when the log is away.</summary>
    async Task<bool> WriteAsync(CancellationToken ct)
    {
        while (_facts.Count > 0)
        {
            var caller = _facts.Peek().Caller;
            var together = _facts.Take(_atOnce).TakeWhile(f => f.Caller == caller).ToList();
            try
            {
                await AppendAsync(caller, [.. together.Select(f => f.Event)], ct);
                (_logIsAway, _atOnce) = (false, MostFactsAtOnce);
            }
            catch (Exception e) when (e is not (LogUnavailable or IOException or TimeoutException or OperationCanceledException))
            {
                // One of them is not fit for the log, today or ever: the others go on without it.
                logger.LogError("A fact of a call cannot be written: {Exception} {Stack}", e.GetType().Name, e.StackTrace);
                if (together.Count == 1)
                {
                    Drop(1);
                    Interlocked.Add(ref _bytes, -_facts.Dequeue().Bytes);
                }
                _atOnce = 1;
                continue;
            }
            catch (Exception e)
            {
                if (!_logIsAway) logger.LogWarning("The log does not take what the gateway records; calls go on: {Reason}", e.GetType().Name);
                _logIsAway = true;
                return false;
            }
            foreach (var _ in together) Interlocked.Add(ref _bytes, -_facts.Dequeue().Bytes);
        }
        return true;
    }

    async Task AppendAsync(Caller caller, IReadOnlyList<NewEvent> events, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var outcomes = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new AppendEvents(caller, events), ct);
        var refused = outcomes.Where(o => o.Refused is not null).ToList();
        if (refused.Count == 0) return;
        Drop(refused.Count);
        logger.LogWarning("{Count} facts of calls were refused by their traces: {Reason}", refused.Count, refused[0].Refused!.Message);
    }

    void Drop(int count)
    {
        Interlocked.Add(ref _unrecorded, count);
        _dropped.Add(count);
    }
}

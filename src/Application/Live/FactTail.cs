using System.Collections.Immutable;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;

namespace Hindcast.Application.Live;

/// <summary>
/// The end of the log, followed once for all who stream it: each new fact is read and worded once, whoever gets it. It is followed while
/// somebody listens, and a little longer.
/// </summary>
/// <remarks>
/// <b>Whoever joins is told where.</b> Joining and handing out a fact exclude each other, so what stands behind that place comes through the
/// subscription and what stands before it is in the log: between the two is nothing, and nothing is in both.
/// </remarks>
public sealed class FactTail : IDisposable
{
    static readonly TimeSpan s_linger = TimeSpan.FromSeconds(30);

    readonly IEventLog _log;
    readonly FactReader _reader;
    readonly FactWords _words;
    readonly TimeProvider _clock;
    readonly ITimer _beat;
    readonly Lock _gate = new();
    readonly LiveBudget _budget = new();
    readonly CancellationTokenSource _stop = new();
    ImmutableArray<Listener> _listeners = [];
    LogPosition _reached;
    Task? _starting;
    bool _following;
    long _left;

    sealed record Listener(FactQuestion Asked, LiveSubscription Heard);

    public FactTail(IEventLog log, FactReader reader, FactWords words, TimeProvider clock)
    {
        (_log, _reader, _words, _clock) = (log, reader, words, clock);
        // One for all who listen, where each would have to wind its own with every message.
        _beat = clock.CreateTimer(_ => Beat(), null, FactStream.Heartbeat, FactStream.Heartbeat);
    }

    /// <summary>How many listen.</summary>
    public int Listeners => _listeners.Length;

    /// <summary>Everything up to here was handed out.</summary>
    public LogPosition Reached
    {
        get
        {
            lock (_gate) return _reached;
        }
    }

    public StreamedFact? Read(LogRecord record) => StreamedFact.Of(record, _reader, _words);

    /// <summary>Hears every wanted fact behind the position that is answered, until the subscription is disposed of.</summary>
    /// <exception cref="LogUnavailable">The log does not say where it ends.</exception>
    public async Task<(LiveSubscription Heard, LogPosition Joined)> JoinAsync(FactQuestion asked, CancellationToken ct)
    {
        while (true)
        {
            Task starting;
            lock (_gate)
            {
                if (_following) return (Add(asked), _reached);
                starting = _starting ??= StartAsync();
            }
            await starting.WaitAsync(ct);
        }
    }

    public void Dispose()
    {
        _beat.Dispose();
        _stop.Cancel();
        _stop.Dispose();
    }

    LiveSubscription Add(FactQuestion asked)
    {
        Listener? listener = null;
        listener = new(asked, new(null, _budget, _ =>
        {
            lock (_gate)
            {
                _listeners = _listeners.Remove(listener!);
                _left = _clock.GetTimestamp();
            }
        }));
        _listeners = _listeners.Add(listener);
        return listener.Heard;
    }

    async Task StartAsync()
    {
        // The caller holds the gate.
        await Task.Yield();
        try
        {
            var head = await _log.HeadAsync(_stop.Token);
            lock (_gate) (_reached, _following, _left) = (head, true, _clock.GetTimestamp());
            _ = Task.Run(() => FollowAsync(head));
        }
        finally
        {
            lock (_gate) _starting = null;
        }
    }

    async Task FollowAsync(LogPosition after)
    {
        try
        {
            await foreach (var page in _log.FollowAsync(after, _stop.Token))
            {
                foreach (var record in page.Records) Tell(record);
                lock (_gate)
                {
                    _reached = page.Last;
                    if (!_listeners.IsEmpty || _clock.GetElapsedTime(_left) < s_linger) continue;
                    _following = false;
                    return;
                }
            }
        }
        catch (Exception)
        {
            // Whoever asks next asks the log again. Those who listened read on from where they are, as far as it answers.
            lock (_gate) _following = false;
            foreach (var listener in _listeners) listener.Heard.Close("the log does not answer");
        }
    }

    void Beat()
    {
        lock (_gate)
            foreach (var (_, heard) in _listeners)
                heard.Offer(new(_reached, default), always: true);
    }

    void Tell(LogRecord record)
    {
        lock (_gate)
        {
            if (!_listeners.IsEmpty && Read(record) is { } fact)
                foreach (var (asked, heard) in _listeners)
                    if (heard.Closed is null && asked.Wants(fact)) heard.Offer(fact.Message);
            _reached = record.Position;
        }
    }
}

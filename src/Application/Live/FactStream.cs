using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Live;

/// <summary>One reader's way from a place in the log to its end and on with it: every wanted fact once, in order.</summary>
/// <remarks>
/// <para><b>The past</b> is read from the log, as fast as the reader takes it, until its end. <b>Then it listens</b>, reads what came between from the log, up to
/// where it began to listen, and takes the rest from its queue. Where the two meet it says so, once.</para>
/// <para><b>A burst is no slowness</b>: a queue that runs over is let go of, and the reader goes on from the log at its own pace; what it has not
/// taken is still there. One that is not at the end again within <see cref="Patience"/> is too slow for this log: it is told where it
/// stands, and let go. Nobody waits for it meanwhile.</para>
/// <para><b>A replay</b> keeps the distances in which the past was recorded, divided by the speed.</para>
/// </remarks>
/// <param name="speed">Null: as fast as it can be taken.</param>
/// <param name="caughtUp">The message that marks the passage from past to present.</param>
public sealed class FactStream(
    IEventLog log, FactTail tail, FactQuestion asked, LogPosition from, int? speed, Func<LogPosition, ReadOnlyMemory<byte>> caughtUp, TimeProvider clock) : ILiveSource, IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    /// <summary>So often there is a message without bytes: how far a reader has come, though it wanted nothing of it.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    /// <summary>Of the past at once: a reader who has stopped reading holds so much, and there may be many of them.</summary>
    const int PastBytes = 256 << 10;

    readonly CancellationTokenSource _end = new();
    IAsyncEnumerator<LiveMessage>? _messages;
    string? _closed;
    LogPosition _at = from;
    long? _behindSince;
    long _beat;
    (DateTimeOffset Recorded, long Said)? _first;

    public string? Closed => Volatile.Read(ref _closed);

    public LogPosition Position { get; private set; } = from;

    public async ValueTask<LiveMessage?> NextAsync(CancellationToken ct)
    {
        if (Closed is not null) return null;
        await using var stop = ct.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);
        _messages ??= MessagesAsync(_end.Token).GetAsyncEnumerator(CancellationToken.None);
        try
        {
            if (!await _messages.MoveNextAsync() || Closed is not null) return null;
        }
        catch (OperationCanceledException) when (Closed is not null)
        {
            return null;
        }
        catch (LogUnavailable)
        {
            Close("the log does not answer");
            return null;
        }
        Position = _messages.Current.Position;
        return _messages.Current;
    }

    public void Close(string why)
    {
        if (Interlocked.CompareExchange(ref _closed, why, null) is null) _end.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        Close("left");
        if (_messages is not null) await _messages.DisposeAsync();
        _end.Dispose();
    }

    async IAsyncEnumerable<LiveMessage> MessagesAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        for (var said = false; ;)
        {
            await foreach (var message in PastAsync(null, ct)) yield return message;
            var (heard, joined) = await tail.JoinAsync(asked, ct);
            using var listening = heard;
            await foreach (var message in PastAsync(joined, ct)) yield return message;
            if (!said) yield return new(_at, caughtUp(_at));
            said = true;

            while (heard.Closed is null)
            {
                if (heard.Take() is { } message)
                {
                    if (message.Position > _at)
                    {
                        _at = message.Position;
                        yield return message;
                    }
                    // The log was read further than the tail had come: a fact was said already, a beat is one all the same.
                    else if (message.Bytes.IsEmpty) yield return new(_at, default);
                    continue;
                }
                if (heard.Closed is not null) break;
                _behindSince = null;
                await heard.WaitAsync(ct);
            }
            _behindSince ??= clock.GetTimestamp();
        }
    }

    /// <summary>What the log holds behind where it stands: up to a place, or to its end.</summary>
    async IAsyncEnumerable<LiveMessage> PastAsync(LogPosition? upTo, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        if (_at >= upTo) yield break;
        _beat = clock.GetTimestamp();
        await foreach (var page in log.FollowAsync(_at, ct, PastBytes))
        {
            foreach (var record in page.Records)
            {
                if (record.Position > upTo) yield break;
                if (_behindSince is { } since && clock.GetElapsedTime(since) > Patience)
                {
                    Close(LiveSubscription.TooSlow);
                    yield break;
                }
                if (tail.Read(record) is { } fact && asked.Wants(fact))
                {
                    while (Wait(fact) is var wait && wait > TimeSpan.Zero)
                    {
                        await Task.Delay(wait < Heartbeat ? wait : Heartbeat, clock, ct);
                        if (wait >= Heartbeat) yield return new(_at, default);
                    }
                    _beat = clock.GetTimestamp();
                    yield return fact.Message;
                }
                _at = record.Position;
            }
            _at = page.Last;
            if (upTo is { } end ? _at >= end : page.AtHead) yield break;
            if (clock.GetElapsedTime(_beat) < Heartbeat) continue;
            _beat = clock.GetTimestamp();
            yield return new(_at, default);
        }
    }

    /// <summary>How long a replay holds a fact back.</summary>
    TimeSpan Wait(StreamedFact fact)
    {
        if (speed is not { } times || fact.Fact is not { Header.RecordedAt: var recorded }) return TimeSpan.Zero;
        _first ??= (recorded, clock.GetTimestamp());
        return ((recorded - _first.Value.Recorded) / times) - clock.GetElapsedTime(_first.Value.Said);
    }
}

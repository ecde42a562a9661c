using System.Buffers;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Timeout = System.Threading.Timeout;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

/// <summary>Where an append ended in its stream and in the log.</summary>
readonly record struct Written(long Revision, LogPosition Position);

/// <summary>The one call that carries every append of this process to the leader, many of them in flight at once.</summary>
/// <remarks>
/// <para>An append waits in the queue, goes out, and is answered by its correlation id, in whatever order the server is done with them.</para>
/// <para><b>When the call ends</b>, nobody knows what became of those in flight. They go out again on the next call, before all others and with
/// the same event ids: what was stored is then answered as stored (the expected revision and the ids are what they were), what was not is stored now.
/// That an append is always at an exact revision makes this certain, not just likely.</para>
/// <para><b>When its deadline passes</b> an append is answered <see cref="LogUnavailable"/>, wherever it is: its caller must not hang with the
/// server. It may still be written; a retry finds it by its ids. If nothing at all came back for a while, the call and its connection are given up.</para>
/// <para><b>Answers that are errors</b> are errors whatever their code (the server says OK when it is too busy). A timeout in the server's cluster
/// leaves the fate unknown as well, so those go out again too, until their deadline.</para>
/// </remarks>
sealed class AppendPipe : IAsyncDisposable
{
    /// <summary>Within which an append is answered, one way or the other; the doors have five seconds.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(4.5);
    /// <summary>A server that is alive answers something within it.</summary>
    static readonly TimeSpan s_silence = TimeSpan.FromSeconds(2), s_sweep = TimeSpan.FromMilliseconds(200), s_again = TimeSpan.FromMilliseconds(100), s_soon = TimeSpan.FromSeconds(5);
    const int MostInFlight = 1_024;
    const int FlushAfter = 256 << 10;
    /// <summary>The server takes just under 16 MiB in a message; more events than fit go out in several.</summary>
    const int MessageBytes = 3 << 20;

    readonly Cluster _cluster;
    readonly TimeProvider _time;
    readonly Channel<Append> _queue = Channel.CreateUnbounded<Append>(new() { SingleReader = true });
    /// <summary>All that have no answer yet, sent or not.</summary>
    readonly ConcurrentDictionary<Guid, Append> _open = new();
    readonly SemaphoreSlim _window = new(MostInFlight);
    readonly CancellationTokenSource _closing = new();
    readonly Task _running;
    readonly ITimer _sweeper;
    CancellationTokenSource? _call;
    GrpcFailure? _why;
    long _sent, _heard;

    public AppendPipe(Cluster cluster, TimeProvider time)
    {
        (_cluster, _time) = (cluster, time);
        _running = Task.Run(RunAsync);
        _sweeper = time.CreateTimer(_ => Sweep(), null, s_sweep, s_sweep);
    }

    /// <summary>One append on its way. Its task is done when its fate is known or its deadline has passed.</summary>
    sealed class Append(string stream, long expected, BatchAppendReq.Types.ProposedMessage[] events, long started)
        : TaskCompletionSource<Written?>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public readonly Guid Id = Guid.NewGuid();
        public string Stream => stream;
        public long Expected => expected;
        public BatchAppendReq.Types.ProposedMessage[] Events => events;
        public long Started => started;
        /// <summary>When it first went out, in the order of all; 0: it has not.</summary>
        public long Order { get; set; }
        /// <summary>Whether it counts as in flight.</summary>
        public int Place;
    }

    const int NoPlace = 0, HasPlace = 1, Gone = 2;

    /// <summary>Null: the stream is elsewhere, and nothing was written.</summary>
    /// <param name="started">When the caller began to wait.</param>
    /// <exception cref="LogUnavailable">Whether it was written is unknown.</exception>
    public Task<Written?> SendAsync(string stream, long expected, BatchAppendReq.Types.ProposedMessage[] events, long started)
    {
        var append = new Append(stream, expected, events, started);
        _open[append.Id] = append;
        if (_time.GetElapsedTime(started) >= Deadline || !_queue.Writer.TryWrite(append)) Close(append, Away());
        return append.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _closing.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _sweeper.DisposeAsync();
        foreach (var append in _open.Values) Close(append, Away());
    }

    async Task RunAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                // Without anything to append no call is needed; the first append pays for opening it.
                if (_open.IsEmpty && !await _queue.Reader.WaitToReadAsync(_closing.Token)) return;
                var node = await _cluster.NodeAsync(_closing.Token);
                using var call = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
                Volatile.Write(ref _heard, _time.GetTimestamp());
                Volatile.Write(ref _call, call);
                try
                {
                    await node.BatchAppendAsync(WriteAsync, Answered, call.Token);
                    throw new GrpcFailure(GrpcStatus.Unavailable, "the server ended the call");
                }
                catch (OperationCanceledException) when (!_closing.IsCancellationRequested)
                {
                    _cluster.Failed(node, _why = new(GrpcStatus.Unavailable, $"{node.At} has been silent for {s_silence.TotalSeconds} s"));
                }
                catch (GrpcFailure failure)
                {
                    _why = failure;
                    _cluster.Failed(node, failure);
                    if (failure.IsRefusedLogin) RefuseAll(failure);
                    else if (failure.Reason is null) await Task.Delay(s_again, _time, _closing.Token);
                }
                finally
                {
                    Volatile.Write(ref _call, null);
                }
            }
            catch (GrpcFailure failure)
            {
                // The cluster paces the attempts.
                _why = failure;
                if (failure.IsRefusedLogin || failure.Status == GrpcStatus.Unimplemented) RefuseAll(failure);
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // Whatever it was: without this loop nothing would ever be appended again.
                _why = GrpcFailure.Unavailable(failure);
                await Task.Delay(s_again, _time);
            }
        }
    }

    async Task WriteAsync(Stream call, CancellationToken ct)
    {
        var frames = new ArrayBufferWriter<byte>(FlushAfter);
        foreach (var append in _open.Values.Where(append => append.Order > 0).OrderBy(append => append.Order)) await WriteAsync(append, frames, call, ct);
        await FlushAsync(frames, call, ct);
        while (await _queue.Reader.WaitToReadAsync(ct))
        {
            while (_queue.Reader.TryRead(out var append))
            {
                // From here on the next call would send it, should this one end.
                if (append.Order == 0) append.Order = ++_sent;
                if (append.Place == NoPlace && !_window.Wait(0, ct))
                {
                    await FlushAsync(frames, call, ct);
                    await _window.WaitAsync(ct);
                }
                if (append.Place == HasPlace || Interlocked.CompareExchange(ref append.Place, HasPlace, NoPlace) == NoPlace) await WriteAsync(append, frames, call, ct);
                else _window.Release();
            }
            await FlushAsync(frames, call, ct);
        }
    }

    static async ValueTask WriteAsync(Append append, ArrayBufferWriter<byte> frames, Stream call, CancellationToken ct)
    {
        // The caller takes its bytes back as soon as the append is closed: it is copied as long as it is open, or not sent at all.
        lock (append)
        {
            if (append.Place == Gone) return;
            Copy(append, frames);
        }
        if (frames.WrittenCount >= FlushAfter) await FlushAsync(frames, call, ct);
    }

    static void Copy(Append append, ArrayBufferWriter<byte> frames)
    {
        var request = new BatchAppendReq
        {
            CorrelationId = StoredForm.IdOf(append.Id),
            Options = new() { StreamIdentifier = new() { StreamName = ByteString.CopyFromUtf8(append.Stream) } },
        };
        if (append.Expected < 0) request.Options.NoStream = new();
        else request.Options.StreamPosition = (ulong)append.Expected;
        var bytes = 0;
        foreach (var added in append.Events)
        {
            var size = added.Data.Length + added.CustomMetadata.Length;
            if (request.ProposedMessages.Count > 0 && bytes + size > MessageBytes)
            {
                GrpcFrame.Write(request, frames);
                (request, bytes) = (new() { CorrelationId = request.CorrelationId }, 0);
            }
            request.ProposedMessages.Add(added);
            bytes += size;
        }
        request.IsFinal = true;
        GrpcFrame.Write(request, frames);
    }

    static async ValueTask FlushAsync(ArrayBufferWriter<byte> frames, Stream call, CancellationToken ct)
    {
        if (frames.WrittenCount > 0) await call.WriteAsync(frames.WrittenMemory, ct);
        frames.ResetWrittenCount();
        await call.FlushAsync(ct);
    }

    void Answered(BatchAppendResp answer)
    {
        Volatile.Write(ref _heard, _time.GetTimestamp());
        // Those that ran out of time are nobody's any more.
        if (!_open.TryGetValue(StoredForm.IdOf(answer.CorrelationId), out var append)) return;
        if (answer.ResultCase == BatchAppendResp.ResultOneofCase.Success) Succeeded(append, answer.Success);
        else Refused(append, answer.Error ?? new());
    }

    void Succeeded(Append append, BatchAppendResp.Types.Success success)
    {
        var last = append.Expected + append.Events.Length;
        var isThere = success.CurrentCase == BatchAppendResp.Types.Success.CurrentOneofCase.CurrentRevision && success.CurrentRevision == (ulong)last;
        if (isThere && success.Position is { } position) Close(append, new Written(last, new((long)position.CommitPosition)));
        else Close(append, new LogUnavailable($"The log server answered an append to {append.Stream} with a place it cannot have.", s_soon));
    }

    void Refused(Append append, Status error)
    {
        var detail = error.Details?.TypeUrl is { } url ? url[(url.LastIndexOf('.') + 1)..] : "";
        switch (detail)
        {
            case nameof(WrongExpectedVersion):
                Close(append, (Written?)null);
                break;
            case nameof(AccessDenied):
                Close(append, NotAllowed(error.Message));
                break;
            case nameof(StreamDeleted):
                Close(append, new LogDamaged(LogPosition.Start, $"stream {append.Stream} was deleted for good."));
                break;
            case nameof(MaximumAppendSizeExceeded) or nameof(MaximumAppendEventSizeExceeded) or nameof(BadRequest):
                Close(append, new InvalidOperationException($"The log server does not take this append to {append.Stream}: {detail} {error.Message}"));
                break;
            default:
                // Timeout, too busy, not ready, whatever else: the fate is unknown or open, so the same once more.
                _ = AgainAsync(append);
                break;
        }
    }

    async Task AgainAsync(Append append)
    {
        await Task.Delay(s_again, _time);
        if (!append.Task.IsCompleted) _queue.Writer.TryWrite(append);
    }

    void Close(Append append, Written? written)
    {
        Forget(append);
        append.TrySetResult(written);
    }

    void Close(Append append, Exception failure)
    {
        Forget(append);
        append.TrySetException(failure);
    }

    void Forget(Append append)
    {
        if (!_open.TryRemove(append.Id, out _)) return;
        lock (append)
            if (Interlocked.Exchange(ref append.Place, Gone) == HasPlace) _window.Release();
    }

    void RefuseAll(GrpcFailure failure)
    {
        foreach (var append in _open.Values) Close(append, NotAllowed(failure.Message));
    }

    void Sweep()
    {
        var waiting = false;
        foreach (var append in _open.Values)
        {
            var waited = _time.GetElapsedTime(append.Started);
            waiting |= append.Order > 0 && waited > s_silence;
            if (waited >= Deadline) Close(append, Away());
        }
        if (!waiting || _time.GetElapsedTime(Volatile.Read(ref _heard)) <= s_silence) return;
        try
        {
            Volatile.Read(ref _call)?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Over already.
        }
    }

    LogUnavailable Away() => new($"The log server does not answer{(_why is { } why ? $" ({why.Message})" : "")}.", TimeSpan.FromSeconds(Random.Shared.Next(2, 8)), _why);

    static LogUnavailable NotAllowed(string why) => new($"The log server does not let us in: {why}", TimeSpan.FromSeconds(30));
}

using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Direction = Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire.ReadReq.Types.Options.Types.Direction;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

public sealed partial class EventStoreDbEventLog
{
    /// <summary>
    /// Catching up and being live are one subscription. It ends often (the server cuts whoever is slow for a moment while live) and is taken up again
    /// behind the last event received; the follower notices nothing. A server that is away is waited for; one that refuses us is not.
    /// </summary>
    public async IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, [EnumeratorCancellation] CancellationToken ct, int pageBytes = IEventLog.PageBytes)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, _closing.Token);
        var buffer = new PageBuffer(after, pageBytes);
        var receiving = ReceiveAsync(after, buffer, stop.Token);
        try
        {
            while (true) yield return await buffer.TakeAsync(stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task ReceiveAsync(LogPosition after, PageBuffer buffer, CancellationToken ct)
    {
        await Task.Yield();
        var at = after == LogPosition.Start ? null : new Position { CommitPosition = (ulong)after.Value, PreparePosition = (ulong)after.Value };
        var (last, strange) = (after, 0);
        while (true)
        {
            Node? node = null;
            try
            {
                await _identified.WaitAsync(ct);
                node = await _followed.NodeAsync(ct);
                await foreach (var read in node.ReadAsync(Subscription(at), _followed.ReadsFromLeader, s_patience, ct))
                {
                    switch (read.ContentCase)
                    {
                        case ReadResp.ContentOneofCase.Event:
                            var (record, left) = RecordOf(read.Event);
                            at = new() { CommitPosition = (ulong)record.Position.Value, PreparePosition = (ulong)record.Position.Value };
                            // Delivered at least once; given out once.
                            if (record.Position <= last) break;
                            last = record.Position;
                            await buffer.AddAsync(record, left, ct);
                            strange = 0;
                            break;
                        case ReadResp.ContentOneofCase.Checkpoint when read.Checkpoint.CommitPosition > (at?.CommitPosition ?? 0):
                            // Traffic that is not ours: where to go on from, and nobody's news. Sent back exactly as it came.
                            at = read.Checkpoint;
                            break;
                        case ReadResp.ContentOneofCase.CaughtUp:
                            buffer.CaughtUp();
                            strange = 0;
                            break;
                        case ReadResp.ContentOneofCase.FellBehind:
                            buffer.Interrupted();
                            break;
                    }
                }
                buffer.Interrupted();
            }
            catch (GrpcFailure failure)
            {
                buffer.Interrupted();
                if (node is not null) _followed.Failed(node, failure);
                // A position that is no event's is answered like this, and so is a server in trouble: it may be tried, but not for ever.
                if (failure.Status == GrpcStatus.Unknown && ++strange >= 10) buffer.Fail(new LogUnavailable($"The log cannot be followed from position {at?.CommitPosition}: {failure.Message}", TimeSpan.FromSeconds(5), failure));
                else if (IsRefusal(failure)) buffer.Fail(Refused(failure));
                else
                {
                    if (failure.Status != GrpcStatus.Aborted && failure.Reason != "not-leader") await Task.Delay(s_again, _time, ct);
                    continue;
                }
                return;
            }
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                buffer.Fail(failure);
                return;
            }
        }
    }

    ReadReq.Types.Options Subscription(Position? at)
    {
        var options = new ReadReq.Types.Options { ReadDirection = Direction.Forwards, Subscription = new(), All = new(), Filter = _ours };
        if (at is null) options.All.Start = new();
        else options.All.Position = at;
        return options;
    }
}

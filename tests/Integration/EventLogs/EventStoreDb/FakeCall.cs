using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hindcast.Integration.EventLogs.EventStoreDb;

/// <summary>One call to a fake node: its frames in both directions, and what the two long calls do.</summary>
sealed class FakeCall(HttpContext http, FakeEventStore node, CancellationToken over)
{
    /// <summary>What the server keeps for a subscriber who does not read, once it is live.</summary>
    const int LiveBuffer = 32;

    /// <summary>Holds the call for as long as the node is frozen.</summary>
    public async Task UnlessFrozenAsync()
    {
        while (node.Faults.Frozen) await Task.Delay(20, over);
    }

    public void Buffer(IMessage message)
    {
        var size = message.CalculateSize();
        var frame = http.Response.BodyWriter.GetSpan(size + 5)[..(size + 5)];
        frame[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], size);
        message.WriteTo(frame[5..]);
        http.Response.BodyWriter.Advance(frame.Length);
    }

    public async Task SendAsync(IMessage message)
    {
        Buffer(message);
        await FlushAsync();
    }

    /// <summary>In the headers alone when nothing has been said yet, else in the trailers.</summary>
    public void End(FakeStatus status)
    {
        foreach (var (name, value) in status.Trailers.Prepend(("grpc-message", Uri.EscapeDataString(status.Message))).Prepend(("grpc-status", $"{status.Status}")))
            if (http.Response.HasStarted) http.Response.AppendTrailer(name, value);
            else http.Response.Headers[name] = value;
    }

    public async Task BatchAppendAsync()
    {
        var begun = new Dictionary<Guid, BatchAppendReq>();
        while (true)
        {
            var read = await http.Request.BodyReader.ReadAsync(over);
            var buffer = read.Buffer;
            while (TryTake(ref buffer) is { } frame)
            {
                await UnlessFrozenAsync();
                var request = BatchAppendReq.Parser.ParseFrom(frame);
                var id = StoredForm.IdOf(request.CorrelationId);
                if (begun.TryGetValue(id, out var first)) first.ProposedMessages.Add(request.ProposedMessages);
                else if (request.Options is not null) begun.Add(id, first = request);
                // What is not announced is dropped without a word.
                if (first is null || !request.IsFinal) continue;
                begun.Remove(id);
                await AppendAsync(first, first.ProposedMessages);
            }
            http.Request.BodyReader.AdvanceTo(buffer.Start, buffer.End);
            await FlushAsync();
            if (read.IsCompleted) return;
        }
    }

    async Task AppendAsync(BatchAppendReq request, IReadOnlyList<BatchAppendReq.Types.ProposedMessage> events)
    {
        var faults = node.Faults;
        node.RequireLeader();
        if (faults.Delay > TimeSpan.Zero) await Task.Delay(faults.Delay, over);
        if (faults.Take(f => f.CutBeforeStoring, (f, left) => f.CutBeforeStoring = left)) throw new FakeStatus(14, "cut before storing");
        if (faults.Take(f => f.Busy, (f, left) => f.Busy = left))
        {
            Answer(FakeStore.Error(0, "Server Is Busy", new Google.Protobuf.WellKnownTypes.Empty()), request);
            return;
        }
        var options = request.Options;
        BatchAppendResp answer;
        if (options.ExpectedCase == BatchAppendReq.Types.Options.ExpectedOneofCase.None) answer = FakeStore.Error(3, "expected", new BadRequest { Message = "no expectation" });
        else
            answer = node.Store.Append(options.StreamIdentifier.StreamName.ToStringUtf8(), options.ExpectedCase switch
            {
                BatchAppendReq.Types.Options.ExpectedOneofCase.StreamPosition => (long)options.StreamPosition,
                BatchAppendReq.Types.Options.ExpectedOneofCase.NoStream => -1,
                _ => null,
            }, events);
        if (faults.Take(f => f.CutAfterStoring, (f, left) => f.CutAfterStoring = left)) throw new FakeStatus(14, "cut after storing");
        if (faults.Take(f => f.TimeOutAfterStoring, (f, left) => f.TimeOutAfterStoring = left)) answer = FakeStore.Error(4, "Timeout", new Infrastructure.EventLogs.EventStoreDb.Wire.Timeout());
        Answer(answer, request);
    }

    /// <summary>Success comes back with the correlation id as it was sent, a failure always in the other form.</summary>
    void Answer(BatchAppendResp answer, BatchAppendReq request)
    {
        var id = StoredForm.IdOf(request.CorrelationId);
        answer.CorrelationId = answer.ResultCase == BatchAppendResp.ResultOneofCase.Error && request.CorrelationId.ValueCase == UUID.ValueOneofCase.Structured
            ? new() { Text = id.ToString() }
            : request.CorrelationId;
        answer.StreamIdentifier = request.Options.StreamIdentifier;
        Buffer(answer);
    }

    public async Task ReadAsync()
    {
        var options = (await RequestAsync(ReadReq.Parser)).Options;
        // The real server never answers when it is not told how to write ids.
        if (options.UuidOption is null) await Task.Delay(-1, over);
        if (options.FilteringCase == ReadReq.Types.Options.FilteringOneofCase.None) throw new FakeStatus(3, "The combination of options is invalid");
        if (options.ExtentCase == ReadReq.Types.Options.ExtentOneofCase.Count && options.Count == 0) throw new FakeStatus(2, "Unexpected ReadStreamResult: Error");
        if (options.Filter is { WindowCase: ReadReq.Types.Options.Types.Filter.WindowOneofCase.None }) throw new FakeStatus(3, "The combination of options is invalid");
        Interlocked.Increment(ref options.ExtentCase == ReadReq.Types.Options.ExtentOneofCase.Subscription ? ref node.Subscriptions : ref node.Reads);
        if (options.ExtentCase == ReadReq.Types.Options.ExtentOneofCase.Subscription) await SubscribeAsync(options);
        else if (options.SourceCase == ReadReq.Types.Options.SourceOneofCase.Stream) await StreamAsync(options);
        else await AllAsync(options);
    }

    async Task StreamAsync(ReadReq.Types.Options options)
    {
        if (options.Filter is not null) throw new FakeStatus(3, "A filter is for $all");
        var stream = options.Stream.StreamIdentifier.StreamName.ToStringUtf8();
        if (node.Store.IsDeleted(stream)) throw new FakeStatus(9, "deleted", ("exception", "stream-deleted"), ("stream-name", stream));
        var events = node.Store.Stream(stream);
        if (events.Count == 0)
        {
            await SendAsync(new ReadResp { StreamNotFound = new() { StreamIdentifier = options.Stream.StreamIdentifier } });
            return;
        }
        var from = options.Stream.FromCase switch
        {
            ReadReq.Types.Options.Types.Stream.FromOneofCase.Revision => (long)options.Stream.Revision,
            ReadReq.Types.Options.Types.Stream.FromOneofCase.End => events.Count - 1,
            _ => 0,
        };
        var wanted = options.ReadDirection == ReadReq.Types.Options.Types.Direction.Backwards
            ? events.Where(stored => stored.Revision <= from).Reverse()
            : events.Where(stored => stored.Revision >= from);
        await SendAllAsync(wanted.Take((int)Math.Min(options.Count, int.MaxValue)));
    }

    async Task AllAsync(ReadReq.Types.Options options)
    {
        var (matches, count) = (FakeStore.Filter(options), node.Store.Count);
        var backwards = options.ReadDirection == ReadReq.Types.Options.Types.Direction.Backwards;
        // A position is included forwards, and excluded backwards.
        var from = options.All.FromCase switch
        {
            ReadReq.Types.Options.Types.All.FromOneofCase.Position => After(options.All.Position) - (backwards ? 2 : 1),
            ReadReq.Types.Options.Types.All.FromOneofCase.End => count - (backwards ? 1 : 0),
            _ => 0,
        };
        var places = backwards ? Enumerable.Range(0, from + 1).Reverse() : Enumerable.Range(from, count - from);
        await SendAllAsync(places.Select(node.Store.At).Where(matches).Take((int)Math.Min(options.Count, int.MaxValue)));
    }

    int After(Position position) =>
        node.Store.IndexAfter((long)position.CommitPosition) is { } index && (position.PreparePosition == position.CommitPosition || position.PreparePosition == 0)
            ? index
            : throw new FakeStatus(2, "Unexpected ReadAllResult: Error");

    async Task SendAllAsync(IEnumerable<StoredEvent> events)
    {
        var sent = 0;
        foreach (var stored in events)
        {
            Buffer(Event(stored));
            if (++sent % 64 == 0) await FlushAsync();
            if (node.Faults.CutReadingAfter > 0 && sent == node.Faults.CutReadingAfter)
            {
                node.Faults.CutReadingAfter = 0;
                await FlushAsync();
                throw new FakeStatus(14, "cut while reading");
            }
        }
        await FlushAsync();
    }

    /// <summary>Exclusive of its position: history, then <c>caught_up</c> once, then what comes; a checkpoint now and then for what does not match.</summary>
    async Task SubscribeAsync(ReadReq.Types.Options options)
    {
        if (options.Filter is { CheckpointIntervalMultiplier: 0 }) throw new FakeStatus(2, "Unknown");
        var matches = FakeStore.Filter(options);
        var at = options.All.FromCase switch
        {
            ReadReq.Types.Options.Types.All.FromOneofCase.Position => After(options.All.Position),
            ReadReq.Types.Options.Types.All.FromOneofCase.End => node.Store.Count,
            _ => 0,
        };
        await SendAsync(new ReadResp { Confirmation = new() { SubscriptionId = Guid.NewGuid().ToString() } });
        var (live, skipped) = (false, 0);
        while (true)
        {
            var written = node.Store.Written;
            var count = node.Store.Count;
            for (; at < count; at++)
            {
                if (node.Faults.FreezeAt > 0 && at == node.Faults.FreezeAt)
                {
                    await FlushAsync();
                    (node.Faults.FreezeAt, node.Faults.Frozen) = (0, true);
                }
                await UnlessFrozenAsync();
                var stored = node.Store.At(at);
                if (matches(stored))
                {
                    if (live && node.Faults.Take(f => f.TooSlow, (f, left) => f.TooSlow = left))
                        throw new FakeStatus(10, "Operation timed out: Consumer too slow to handle event while live. Client resubscription required.");
                    Buffer(Event(stored));
                    if (at % 64 == 0) await FlushAsync();
                }
                else if (++skipped % LiveBuffer == 0)
                {
                    // Its prepare position is not always told; both numbers have to come back as they went.
                    Buffer(new ReadResp { Checkpoint = new() { CommitPosition = (ulong)stored.Position, PreparePosition = 0 } });
                }
            }
            if (!live) Buffer(new ReadResp { CaughtUp = new() });
            live = true;
            await FlushAsync();
            await written.WaitAsync(over);
        }
    }

    static ReadResp Event(StoredEvent stored) => new()
    {
        Event = new()
        {
            CommitPosition = (ulong)stored.Position,
            Event = new()
            {
                Id = StoredForm.IdOf(stored.Id),
                StreamIdentifier = new() { StreamName = ByteString.CopyFromUtf8(stored.Stream) },
                StreamRevision = (ulong)stored.Revision,
                CommitPosition = (ulong)stored.Position,
                PreparePosition = (ulong)stored.Position,
                Metadata = { new Dictionary<string, string>(stored.Metadata), },
                CustomMetadata = UnsafeByteOperations.UnsafeWrap(stored.CustomMetadata),
                Data = UnsafeByteOperations.UnsafeWrap(stored.Data),
            },
        },
    };

    async Task FlushAsync()
    {
        await UnlessFrozenAsync();
        await http.Response.BodyWriter.FlushAsync(over);
    }

    async Task<T> RequestAsync<T>(MessageParser<T> parser) where T : IMessage<T>
    {
        while (true)
        {
            var read = await http.Request.BodyReader.ReadAsync(over);
            var buffer = read.Buffer;
            if (TryTake(ref buffer) is { } frame) return parser.ParseFrom(frame);
            http.Request.BodyReader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) throw new FakeStatus(13, "no message");
        }
    }

    static byte[]? TryTake(ref ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < 5) return null;
        Span<byte> head = stackalloc byte[5];
        buffer.Slice(0, 5).CopyTo(head);
        var size = BinaryPrimitives.ReadInt32BigEndian(head[1..]);
        if (buffer.Length < 5 + size) return null;
        var frame = buffer.Slice(5, size).ToArray();
        buffer = buffer.Slice(5 + size);
        return frame;
    }
}

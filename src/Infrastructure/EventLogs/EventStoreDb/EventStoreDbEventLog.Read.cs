using System.Runtime.CompilerServices;
using Google.Protobuf;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Direction = Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire.ReadReq.Types.Options.Types.Direction;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

public sealed partial class EventStoreDbEventLog
{
    public async IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, [EnumeratorCancellation] CancellationToken ct)
    {
        var (next, started) = (Math.Max(0, from), _time.GetTimestamp());
        while (true)
        {
            await using var events = ReadOnceAsync(stream, next, long.MaxValue, started, ct).GetAsyncEnumerator(ct);
            while (true)
            {
                try
                {
                    if (!await events.MoveNextAsync()) yield break;
                }
                catch (GrpcFailure failure)
                {
                    // What was given stays given: it goes on behind it.
                    await TryAgainAsync(failure, started, ct);
                    break;
                }
                yield return events.Current;
                (next, started) = (events.Current.Revision + 1, _time.GetTimestamp());
            }
        }
    }

    public async Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct)
    {
        // Who reads the tail decides on it: what was made to follow a refused append is behind him.
        _lanes.TailWasRead(stream);
        return await AskAsync((node, stop) => TailOfAsync(node, stream, count, static record => record, stop), _time.GetTimestamp(), ct);
    }

    public Task<LogRecord?> AtAsync(LogPosition position, CancellationToken ct) => position <= LogPosition.Start ? Task.FromResult<LogRecord?>(null) : AskAsync(
        async (node, stop) =>
        {
            var question = Question(Direction.Forwards, 1);
            (question.All, question.Filter) = (new() { Position = new() { CommitPosition = (ulong)position.Value, PreparePosition = (ulong)position.Value } }, _ours);
            try
            {
                await foreach (var read in node.ReadAsync(question, leader: true, AppendPipe.Deadline, stop))
                    if (read.Event is { } stored && RecordOf(stored).Record is var record && record.Position == position) return record;
            }
            catch (GrpcFailure failure) when (failure.Status is GrpcStatus.Unknown or GrpcStatus.InvalidArgument)
            {
                // A position between two events is answered like this.
            }
            return (LogRecord?)null;
        },
        _time.GetTimestamp(), ct);

    public Task<LogPosition> HeadAsync(CancellationToken ct) => AskAsync(
        async (node, stop) =>
        {
            var question = Question(Direction.Backwards, 1);
            (question.All, question.Filter) = (new() { End = new() }, _ours);
            await foreach (var read in node.ReadAsync(question, leader: true, AppendPipe.Deadline, stop))
                if (read.Event is { } last) return new LogPosition((long)last.CommitPosition);
            return LogPosition.Start;
        },
        _time.GetTimestamp(), ct);

    /// <summary>The newest events, newest first; of each only what is wanted is kept.</summary>
    async Task<IReadOnlyList<T>> TailOfAsync<T>(Node node, StreamName stream, int count, Func<LogRecord, T> wanted, CancellationToken ct)
    {
        var question = Question(Direction.Backwards, count);
        (question.Stream, question.NoFilter) = (new() { StreamIdentifier = Identifier(stream), End = new() }, new());
        var (tail, before) = (new List<T>(), (LogRecord?)null);
        await foreach (var read in node.ReadAsync(question, leader: true, s_patience, ct))
        {
            if (read.Event is not { } stored) continue;
            var record = RecordOf(stored).Record;
            if (before is not null && record.Revision != before.Revision - 1) throw Missing(before, before.Revision - 1);
            before = record;
            tail.Add(wanted(record));
        }
        return tail;
    }

    /// <summary>One attempt at reading a stream forwards. A stream has no holes, so a missing revision is damage.</summary>
    async IAsyncEnumerable<LogRecord> ReadOnceAsync(StreamName stream, long from, long count, long started, [EnumeratorCancellation] CancellationToken ct)
    {
        await IdentifiedAsync(started, ct);
        var node = await NodeAsync(started, ct);
        var question = Question(Direction.Forwards, count);
        (question.Stream, question.NoFilter) = (new() { StreamIdentifier = Identifier(stream), Revision = (ulong)from }, new());
        await using var answers = node.ReadAsync(question, leader: true, s_patience < Rest(started) ? s_patience : Rest(started), ct).GetAsyncEnumerator(ct);
        while (true)
        {
            try
            {
                if (!await answers.MoveNextAsync()) yield break;
            }
            catch (GrpcFailure failure)
            {
                _cluster.Failed(node, failure);
                throw;
            }
            if (answers.Current.Event is not { } stored) continue;
            var record = RecordOf(stored).Record;
            if (record.Revision != from) throw Missing(record, from);
            from++;
            yield return record;
        }
    }

    /// <summary>Finding a server may take longer than a reader can wait; it goes on for the next one.</summary>
    async ValueTask<Node> NodeAsync(long started, CancellationToken ct)
    {
        var finding = _cluster.NodeAsync(ct);
        if (finding.IsCompletedSuccessfully) return finding.Result;
        try
        {
            return await finding.AsTask().WaitAsync(Rest(started), _time, ct);
        }
        catch (TimeoutException e)
        {
            throw Away(e);
        }
    }

    StreamIdentifier Identifier(StreamName stream) => new() { StreamName = ByteString.CopyFromUtf8(On(stream)) };

    static LogDamaged Missing(LogRecord beside, long missing) => new(beside.Position, $"revision {missing} of stream {beside.Stream} is missing beside it.");
}

using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire;
using Direction = Hindcast.Infrastructure.EventLogs.EventStoreDb.Wire.ReadReq.Types.Options.Types.Direction;

namespace Hindcast.Infrastructure.EventLogs.EventStoreDb;

public sealed partial class EventStoreDbEventLog
{
    const int BetweenMarks = 1_000;

    readonly SemaphoreSlim _counting = new(1);
    /// <summary>How many events stand from the first mark up to each: one in a thousand.</summary>
    readonly List<(LogPosition Position, long Count)> _marks = [];
    (LogPosition Position, long Count) _counted;

    /// <summary>
    /// The server cannot count, so events are read and counted, but once: from then on only what is new is read, and the piece between a mark and
    /// the position asked for. Who is cancelled leaves what was counted to the next. An earlier position than ever asked for begins anew.
    /// </summary>
    public async Task<long> CountAsync(LogPosition after, CancellationToken ct)
    {
        await _counting.WaitAsync(ct);
        try
        {
            if (_marks.Count == 0 || after < _marks[0].Position)
            {
                _marks.Clear();
                _marks.Add(_counted = (after, 0));
            }
            await foreach (var position in AfterAsync(_counted.Position, ct))
            {
                _counted = (position, _counted.Count + 1);
                if (_counted.Count - _marks[^1].Count == BetweenMarks) _marks.Add(_counted);
            }
            var (at, before) = _marks.FindLast(mark => mark.Position <= after);
            if (after >= _counted.Position) return 0;
            if (at < after)
                await foreach (var position in AfterAsync(at, ct))
                {
                    if (position > after) break;
                    before++;
                }
            return _counted.Count - before;
        }
        finally
        {
            _counting.Release();
        }
    }

    /// <summary>The positions of the events after one, up to the head.</summary>
    async IAsyncEnumerable<LogPosition> AfterAsync(LogPosition at, [EnumeratorCancellation] CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            await IdentifiedAsync(started, ct);
            var node = await NodeAsync(started, ct);
            var question = Question(Direction.Forwards, long.MaxValue);
            (question.All, question.Filter) = (new(), _ours);
            if (at == LogPosition.Start) question.All.Start = new();
            else question.All.Position = new() { CommitPosition = (ulong)at.Value, PreparePosition = (ulong)at.Value };
            await using var answers = node.ReadAsync(question, leader: true, AppendPipe.Deadline, ct).GetAsyncEnumerator(ct);
            while (true)
            {
                try
                {
                    if (!await answers.MoveNextAsync()) yield break;
                }
                catch (GrpcFailure failure)
                {
                    _cluster.Failed(node, failure);
                    await TryAgainAsync(failure, started, ct);
                    break;
                }
                // Reading begins at the position, counting behind it.
                if (answers.Current.Event is not { } read || (long)read.CommitPosition <= at.Value) continue;
                (at, started) = (new((long)read.CommitPosition), _time.GetTimestamp());
                yield return at;
            }
        }
    }
}

using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.Operations;

/// <summary>
/// Puts an archive into a log: same order, ids, revisions and hashes, at positions of the target's own. The target keeps the id it was made with,
/// because positions of the old log mean nothing in it: checkpoints made from the old one are built again, and its cursors are refused.
/// </summary>
/// <remarks>
/// <para>The target is empty, or with <paramref name="resume"/> holds the beginning of the same archive, as an import that broke off leaves it;
/// anything else is refused before anything is written.</para>
/// <para>Neighbours of one stream go in one append. An engine that keeps the order in which appends are started gets many at once; others
/// one after the other, which is the price of the order.</para>
/// </remarks>
/// <exception cref="TargetNotEmpty">The target holds something else.</exception>
/// <exception cref="BadArchive">The archive is damaged; what came before stands in the target, and <c>resume</c> goes on from there.</exception>
public sealed class ImportLog(IEventLog log, bool resume)
{
    const int MostInRun = 100;
    const int MostBytesInRun = 512 << 10;
    const int MostBytesAtOnce = 8 << 20;
    const int MostAtOnce = 512;

    readonly Queue<(Task<Appended> Append, StreamName Stream, long First, int Bytes)> _underWay = new();
    int _bytes;

    /// <summary>How many events were added.</summary>
    public async Task<long> RunAsync(IAsyncEnumerable<ArchivedEvent> archive, IProgress<long> progress, CancellationToken ct)
    {
        var there = await log.CountAsync(LogPosition.Start, ct);
        if (there > 0 && !resume) throw new TargetNotEmpty($"The log holds {there} events already. Import into an empty one, or go on with an import that broke off with --resume.");

        try
        {
            return await AddAsync(archive, there, progress, ct);
        }
        finally
        {
            // What was started is written or refused before anybody else looks at the log.
            foreach (var (append, _, _, _) in _underWay) await append.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    async Task<long> AddAsync(IAsyncEnumerable<ArchivedEvent> archive, long there, IProgress<long> progress, CancellationToken ct)
    {
        var (added, run, bytes) = (0L, new List<ArchivedEvent>(), 0);
        await using var events = archive.GetAsyncEnumerator(ct);
        if (there > 0) await SkipAsync(events, ct);
        while (await events.MoveNextAsync())
        {
            var next = events.Current;
            var size = next.Event.Header.Length + next.Event.Content.Length;
            if (run.Count > 0 && (run[0].Stream != next.Stream || run.Count == MostInRun || bytes + size > MostBytesInRun))
            {
                await StartAsync(run, bytes, ct);
                (run, bytes) = ([], 0);
                progress.Report(added);
            }
            run.Add(next);
            bytes += size;
            added++;
        }
        if (run.Count > 0) await StartAsync(run, bytes, ct);
        while (_underWay.Count > 0) await FinishAsync();
        progress.Report(added);
        return added;
    }

    async Task StartAsync(List<ArchivedEvent> run, int bytes, CancellationToken ct)
    {
        var most = log.KeepsStartOrder ? MostAtOnce : 1;
        while (_underWay.Count >= most || (_underWay.Count > 0 && _bytes + bytes > MostBytesAtOnce)) await FinishAsync();
        _bytes += bytes;
        _underWay.Enqueue((log.AppendAsync(run[0].Stream, run[0].Revision - 1, [.. run.Select(e => e.Event)], ct), run[0].Stream, run[0].Revision, bytes));
    }

    async Task FinishAsync()
    {
        var (append, stream, first, bytes) = _underWay.Dequeue();
        _bytes -= bytes;
        var places = (await append).Places;
        if (places.Select((place, i) => place.Revision == first + i && !place.Known).Contains(false))
            throw new TargetNotEmpty($"Stream {stream} is not as the archive has it at revision {first}: something else writes to this log.");
    }

    /// <summary>What the target holds must be how the archive begins.</summary>
    async Task SkipAsync(IAsyncEnumerator<ArchivedEvent> events, CancellationToken ct)
    {
        await foreach (var page in log.FollowAsync(LogPosition.Start, ct))
        {
            foreach (var record in page.Records)
            {
                if (!await events.MoveNextAsync()) throw new TargetNotEmpty("The log holds more than the archive.");
                var (stream, revision, said) = events.Current;
                if (stream != record.Stream || revision != record.Revision || said.Id != record.Id || said.Type != record.Type
                    || !said.Header.Span.SequenceEqual(record.Header.Span) || !said.Content.Span.SequenceEqual(record.Content.Span))
                    throw new TargetNotEmpty($"The log is not how the archive begins: they differ at position {record.Position}, stream {record.Stream}.");
            }
            if (page.AtHead) break;
        }
    }
}

public sealed class TargetNotEmpty(string message) : Exception(message);

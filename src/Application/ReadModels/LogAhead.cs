using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Application.ReadModels;

/// <summary>
/// Reads the log while the page before is being worked on, and hands over what has gathered meanwhile as one page: who is behind takes
/// larger steps, who is at the head waits for nothing. What is read ahead is bounded.
/// </summary>
static class LogAhead
{
    const int PagesAhead = 2;
    const int MostInPage = 2_000;

    public static async IAsyncEnumerable<LogPage> FollowAheadAsync(this IEventLog log, LogPosition after, [EnumeratorCancellation] CancellationToken ct, TimeSpan? patience = null)
    {
        var pages = Channel.CreateBounded<LogPage>(new BoundedChannelOptions(PagesAhead) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reading = Task.Run(() => ReadAsync(log, after, pages.Writer, stop.Token), CancellationToken.None);
        try
        {
            while (await MoreAsync(pages.Reader, patience, ct))
            {
                if (!pages.Reader.TryRead(out var page)) continue;
                if (!page.AtHead) page = Gather(page, pages.Reader);
                yield return page;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    static async ValueTask<bool> MoreAsync(ChannelReader<LogPage> pages, TimeSpan? patience, CancellationToken ct)
    {
        var more = pages.WaitToReadAsync(ct);
        if (patience is null || more.IsCompleted) return await more;
        try
        {
            return await more.AsTask().WaitAsync(patience.Value, ct);
        }
        catch (TimeoutException)
        {
            throw new LogUnavailable($"The log fell silent for {patience.Value.TotalSeconds:N0} s.", TimeSpan.FromSeconds(1));
        }
    }

    static LogPage Gather(LogPage first, ChannelReader<LogPage> reader)
    {
        if (first.Records.Count >= MostInPage || !reader.TryPeek(out _)) return first;
        var (records, last) = (new List<LogRecord>(first.Records), first);
        while (records.Count < MostInPage && !last.AtHead && reader.TryRead(out var next))
        {
            records.AddRange(next.Records);
            last = next;
        }
        return last with { Records = records };
    }

    static async Task ReadAsync(IEventLog log, LogPosition after, ChannelWriter<LogPage> pages, CancellationToken ct)
    {
        try
        {
            await foreach (var page in log.FollowAsync(after, ct)) await pages.WriteAsync(page, ct);
            pages.Complete();
        }
        catch (Exception e)
        {
            pages.Complete(e);
        }
    }
}

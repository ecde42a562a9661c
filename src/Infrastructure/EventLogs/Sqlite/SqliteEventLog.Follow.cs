using System.Runtime.CompilerServices;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Infrastructure.EventLogs.Sqlite;

public sealed partial class SqliteEventLog
{
    static readonly TimeSpan s_safetyPoll = TimeSpan.FromSeconds(1);

    TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Catching up and being live are the same reading. The wake-up is taken hold of before the page is read, so a commit between the two ends the
    /// wait at once; and were one lost all the same, the slow poll finds the event: a wake-up only shortens the wait.
    /// </summary>
    public async IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, [EnumeratorCancellation] CancellationToken ct, int pageBytes = IEventLog.PageBytes)
    {
        var saidHead = false;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var wake = Volatile.Read(ref _wake).Task;
            var (records, done) = Read(static (reader, at) => reader.Page(at.after.Value, PageEvents, at.pageBytes), (after, pageBytes));
            if (records.Count > 0) after = records[^1].Position;
            if (records.Count > 0 || (done && !saidHead)) yield return new(records, after, done);
            saidHead |= done;
            // SuppressThrowing: neither the poll's timeout nor a cancellation is news here; the loop's first line tells them apart.
            if (done) await wake.WaitAsync(s_safetyPoll, _time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Wake() => Interlocked.Exchange(ref _wake, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}

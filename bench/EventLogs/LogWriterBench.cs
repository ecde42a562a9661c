using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;
using Hindcast.Infrastructure.Sqlite;

namespace Hindcast.Bench.EventLogs;

/// <summary>
/// What the log costs above the bare disk: appends of one event, so many in flight, against inserts of the same bytes into one table with the same
/// settings, so many to a transaction. Rounds alternate, the median counts.
/// </summary>
static class LogWriterBench
{
    const int Events = 60_000, Rounds = 5, Streams = 200;

    public static async Task RunAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, "artifacts", "bench-log")).FullName;
        var (header, content) = (new byte[500], new byte[1_000]);
        new Random(1).NextBytes(header);
        new Random(2).NextBytes(content);
        Console.WriteLine($"SQLite {SqliteRuntime.Version}, {Events:N0} events of {header.Length} + {content.Length} bytes, {Streams} streams, median of {Rounds} rounds");
        foreach (var group in new[] { 100, 256 })
        {
            var (bare, writer, log, commits) = (new List<double>(), new List<double>(), new List<double>(), 0L);
            for (var round = 0; round < Rounds; round++)
            {
                bare.Add(Events / Bare(Path.Combine(folder, "bare.db"), group, header, content));
                writer.Add(Events / Writer(Path.Combine(folder, "log.db"), group, header, content));
                var (seconds, made) = await LogAsync(Path.Combine(folder, "log.db"), group, header, content);
                log.Add(Events / seconds);
                commits = made;
            }
            var (b, w, l) = (Median(bare), Median(writer), Median(log));
            Console.WriteLine($"group {group,3}: bare {b,9:N0}/s   writer alone {w,9:N0}/s = {w / b:P0}   log {l,9:N0}/s = {l / b:P0}   ({Events / (double)commits:N0} events a commit)");
        }
        Directory.Delete(folder, recursive: true);
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    static void Clear(string path)
    {
        foreach (var file in new[] { path, path + "-wal", path + "-shm" }) File.Delete(file);
    }

    static double Bare(string path, int group, byte[] header, byte[] content)
    {
        Clear(path);
        using var database = Database.Open(path, OpenAs.Create);
        database.Exec("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536");
        database.Exec("CREATE TABLE events(position INTEGER PRIMARY KEY, header BLOB NOT NULL, content BLOB NOT NULL)");
        using var insert = database.Prepare("INSERT INTO events VALUES(?1, ?2, ?3)");
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < Events;)
        {
            database.Exec("BEGIN IMMEDIATE");
            for (var n = 0; n < group && i < Events; n++, i++) insert.Bind(1, i + 1L).BindBlob(2, header).BindBlob(3, content).Run();
            database.Exec("COMMIT");
        }
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    static double Writer(string path, int group, byte[] header, byte[] content)
    {
        Clear(path);
        LogFile.CreateIfMissing(path);
        using var writer = new LogWriter(path, again: false);
        var ends = new int[Streams];
        var added = new LogEvent[1];
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < Events;)
        {
            writer.Begin();
            for (var n = 0; n < group && i < Events; n++, i++)
            {
                var end = ends[i % Streams]++;
                added[0] = new(Guid.CreateVersion7(), "span_recorded", header, content);
                writer.Write(StreamName.Trace("bench", $"{i % Streams}-{end / 50}"), end % 50 - 1, added);
            }
            writer.Commit();
            writer.CheckpointIfDue();
        }
        return TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }

    static async Task<(double Seconds, long Commits)> LogAsync(string path, int inFlight, byte[] header, byte[] content)
    {
        Clear(path);
        await using var log = SqliteEventLog.Open(path, TimeProvider.System);
        var next = 0;
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async caller =>
        {
            for (var turn = 0; Interlocked.Increment(ref next) <= Events; turn++)
            {
                // Each caller appends to a few streams of its own, one after the other, as agents do.
                var each = Math.Max(1, Streams / inFlight);
                var stream = StreamName.Trace("bench", $"{caller}-{turn % each}-{turn / each / 50}");
                await log.AppendAsync(stream, turn / each % 50 - 1, [new(Guid.CreateVersion7(), "span_recorded", header, content)], CancellationToken.None);
            }
        }));
        return (TimeProvider.System.GetElapsedTime(started).TotalSeconds, log.Commits);
    }
}

using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;

namespace Hindcast.Integration;

/// <summary>The real embedded log in a folder of its own, which a test can read whole and make fail.</summary>
sealed class TempLog : IEventLog, IAsyncDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hindcast-doors-");
    readonly SqliteEventLog _engine;
    readonly PartedLog _log;

    public TempLog()
    {
        _engine = SqliteEventLog.Open(Path.Combine(_folder.FullName, "log.db"), TimeProvider.System);
        _log = new(_engine);
    }

    public string Folder => _folder.FullName;

    /// <summary>Appends fail with it while it is set.</summary>
    public Exception? Failure { get; set; }

    /// <summary>While it is set, appends are written, and fail with it all the same: the answer was lost.</summary>
    public Exception? LostAnswer { get; set; }

    public IReadOnlyList<LogRecord> All
    {
        get
        {
            var all = new List<LogRecord>();
            foreach (var page in _log.FollowAsync(LogPosition.Start, CancellationToken.None).ToBlockingEnumerable())
            {
                all.AddRange(page.Records);
                if (page.AtHead) break;
            }
            return all;
        }
    }

    public IReadOnlyList<Fact> Facts => [.. All.Select(Fact.Of)];

    public Guid Id => _log.Id;

    public async Task<Appended> AppendAsync(StreamName stream, long expected, IReadOnlyList<LogEvent> events, CancellationToken ct)
    {
        if (Failure is { } failure) throw failure;
        var appended = await _log.AppendAsync(stream, expected, events, ct);
        return LostAnswer is { } lost ? throw lost : appended;
    }

    public IAsyncEnumerable<LogRecord> ReadAsync(StreamName stream, long from, CancellationToken ct) => _log.ReadAsync(stream, from, ct);

    public Task<IReadOnlyList<LogRecord>> TailAsync(StreamName stream, int count, CancellationToken ct) => _log.TailAsync(stream, count, ct);

    public IAsyncEnumerable<LogPage> FollowAsync(LogPosition after, CancellationToken ct, int pageBytes = IEventLog.PageBytes) => _log.FollowAsync(after, ct, pageBytes);

    public Task<LogRecord?> AtAsync(LogPosition position, CancellationToken ct) => _log.AtAsync(position, ct);

    public Task<LogPosition> HeadAsync(CancellationToken ct) => _log.HeadAsync(ct);

    public Task<long> CountAsync(LogPosition after, CancellationToken ct) => _log.CountAsync(after, ct);

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

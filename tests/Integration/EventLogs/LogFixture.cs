using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.Sqlite;

namespace Hindcast.Integration.EventLogs;

/// <summary>An engine to be held to the promises, on a store of its own.</summary>
public interface ILogFixture : IAsyncDisposable
{
    /// <summary>The engine as the product uses it: with parts.</summary>
    IEventLog Log { get; }

    /// <summary>The engine alone.</summary>
    IEventLog Engine { get; }

    Task StartAsync();

    /// <summary>The process ends and a new one opens the same store.</summary>
    Task RestartAsync();
}

public sealed class SqliteLogFixture : ILogFixture
{
    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-log-").FullName;
    SqliteEventLog? _engine;

    public string File => Path.Combine(_folder, "log.db");
    public SqliteEventLog Sqlite => _engine!;
    public IEventLog Engine => _engine!;
    public IEventLog Log { get; private set; } = null!;

    public Task StartAsync()
    {
        _engine = SqliteEventLog.Open(File, TimeProvider.System);
        Log = new PartedLog(_engine);
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        if (_engine is not null) await _engine.DisposeAsync();
        _engine = null;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>What tests of the log write and read.</summary>
static class Facts
{
    public static StreamName Stream(string id = "1") => StreamName.Trace("shop", id);

    public static LogEvent New(string content = "{}", string type = "span_recorded") =>
        new(Guid.NewGuid(), type, System.Text.Encoding.UTF8.GetBytes($$"""{"about":"{{content.Length}}"}"""), System.Text.Encoding.UTF8.GetBytes(content));

    public static LogEvent Big(int bytes, int seed = 1)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return new(Guid.NewGuid(), "span_recorded", "{}"u8.ToArray(), content);
    }

    public static LogEvent[] Many(int count) => [.. Enumerable.Range(0, count).Select(i => New($"{{\"n\":{i}}}"))];

    public static void ShouldBe(this LogRecord record, LogEvent written)
    {
        record.Id.Should().Be(written.Id);
        record.Type.Should().Be(written.Type);
        record.Header.Span.SequenceEqual(written.Header.Span).Should().BeTrue("the header is what was written");
        record.Content.Span.SequenceEqual(written.Content.Span).Should().BeTrue("the content is what was written");
    }

    public static async Task<List<LogRecord>> AllAsync(this IEventLog log, StreamName stream, long from = 0)
    {
        var records = new List<LogRecord>();
        await foreach (var record in log.ReadAsync(stream, from, TestContext.Current.CancellationToken)) records.Add(record);
        return records;
    }

    /// <summary>Everything after a position, up to the page that says it is the head.</summary>
    public static async Task<List<LogRecord>> ToHeadAsync(this IEventLog log, LogPosition after = default)
    {
        var records = new List<LogRecord>();
        await foreach (var page in log.FollowAsync(after, TestContext.Current.CancellationToken))
        {
            records.AddRange(page.Records);
            if (page.AtHead) break;
        }
        return records;
    }
}

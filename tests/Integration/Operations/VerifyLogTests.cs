using Hindcast.Application.EventSourcing;
using Hindcast.Application.Operations;
using Hindcast.Integration.EventLogs;

namespace Hindcast.Integration.Operations;

public sealed class VerifyLogTests : IAsyncLifetime
{
    readonly SqliteLogFixture _log = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _log.StartAsync();

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Fact]
    public async Task What_was_appended_as_it_should_be_verifies()
    {
        var streams = new Streams(_log.Log, TimeProvider.System);
        for (var i = 0; i < 30; i++) await streams.AppendAsync(Facts.Stream($"{i % 3}"), [Draft(i), Draft(i + 1_000)], Streams.Count, Ct);
        await streams.AppendAsync(Facts.Stream("big"), [Draft(1, bytes: 2 * 1024 * 1024), Draft(2)], Streams.Count, Ct);
        var report = await RunAsync();
        report.Faults.Should().BeEmpty();
        (report.Facts, report.Streams).Should().Be((62, 4));
    }

    [Fact]
    public async Task A_fact_that_does_not_follow_from_the_one_before_it_is_named()
    {
        var outcome = (await new Streams(_log.Log, TimeProvider.System).AppendAsync(Facts.Stream(), [Draft(1)], Streams.Count, Ct))[0];
        var forged = outcome.Header! with { EventId = Guid.NewGuid(), Previous = new byte[32] };
        var place = (await _log.Log.AppendAsync(Facts.Stream(), outcome.Revision, [new(forged.EventId, forged.Type, HeaderJson.Write(forged), default)], Ct)).Places[0];
        (await RunAsync()).Faults.Should().ContainSingle().Which.Should().StartWith($"Position {place.Position}, stream {Facts.Stream()}");
    }

    [Fact]
    public async Task A_stream_whose_beginning_is_missing_is_named()
    {
        var orphan = Draft(1).Header with { Previous = new byte[32] };
        await _log.Log.AppendAsync(Facts.Stream(), -1, [new(orphan.EventId, orphan.Type, HeaderJson.Write(orphan), default)], Ct);
        (await RunAsync()).Faults.Should().ContainSingle().Which.Should().Contain("missing");
    }

    Task<LogReport> RunAsync() => new VerifyLog(_log.Log).RunAsync(new Progress<(LogPosition At, LogPosition Head)>(), Ct);

    static Draft Draft(int n, int bytes = 10) => new(
        new Header { Type = "span_started", Project = "shop", EventId = EventIds.Of(BitConverter.GetBytes(n)), At = DateTimeOffset.UnixEpoch, Source = new("native", 1, null) },
        new Content(new byte[bytes], default));
}

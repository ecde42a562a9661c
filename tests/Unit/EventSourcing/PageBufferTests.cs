using Hindcast.Application.EventSourcing;
using Hindcast.Infrastructure.EventLogs.EventStoreDb;

namespace Hindcast.Unit.EventSourcing;

public sealed class PageBufferTests
{
    readonly PageBuffer _buffer = new(LogPosition.Start, IEventLog.PageBytes);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Half_an_append_is_never_the_head()
    {
        _buffer.CaughtUp();
        (await TakeAsync()).Should().Be((0, true));
        await AddAsync(1, left: 2);
        await AddAsync(2, left: 1);
        var page = _buffer.TakeAsync(Ct).AsTask();
        await Task.Delay(50, Ct);
        page.IsCompleted.Should().BeFalse();
        await AddAsync(3, left: 0);
        var whole = await page;
        (whole.Records.Count, whole.AtHead, whole.Last).Should().Be((3, true, new LogPosition(3)));
    }

    [Theory, InlineData(1), InlineData(1_000), InlineData(1_001), InlineData(2_500)]
    public async Task While_catching_up_the_last_page_and_no_other_says_head(int events)
    {
        for (var i = 1; i <= events; i++) await AddAsync(i, left: events - i);
        _buffer.CaughtUp();
        for (var seen = 0; seen < events;)
        {
            var (records, atHead) = await TakeAsync();
            records.Should().BePositive();
            atHead.Should().Be((seen += records) == events);
        }
    }

    [Fact]
    public async Task While_catching_up_something_is_kept_back_for_the_last_page()
    {
        for (var i = 1; i <= 1_000; i++) await AddAsync(i, left: 0);
        var page = _buffer.TakeAsync(Ct).AsTask();
        await Task.Delay(50, Ct);
        page.IsCompleted.Should().BeFalse("these could be the last");
        await AddAsync(1_001, left: 0);
        (await page).AtHead.Should().BeFalse();
    }

    [Fact]
    public async Task An_append_larger_than_the_buffer_goes_through_in_pieces()
    {
        const int events = 10_000;
        _buffer.CaughtUp();
        await TakeAsync();
        var adding = Task.Run(async () =>
        {
            for (var i = 1; i <= events; i++) await AddAsync(i, events - i);
        }, Ct);
        for (var seen = 0; seen < events;)
        {
            var (records, atHead) = await TakeAsync();
            atHead.Should().Be((seen += records) == events);
        }
        await adding;
    }

    [Fact]
    public async Task What_is_here_is_given_out_before_the_failure()
    {
        await AddAsync(1, left: 0);
        _buffer.Fail(new LogDamaged(new(2), "it is."));
        (await TakeAsync()).Should().Be((1, false));
        await _buffer.Invoking(buffer => buffer.TakeAsync(Ct).AsTask()).Should().ThrowAsync<LogDamaged>();
    }

    ValueTask AddAsync(long position, int left) =>
        _buffer.AddAsync(new(StreamName.Trace("p", "t"), position - 1, new(position), Guid.NewGuid(), "x", default, new byte[10]), left, Ct);

    async Task<(int Records, bool AtHead)> TakeAsync()
    {
        var page = await _buffer.TakeAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct);
        return (page.Records.Count, page.AtHead);
    }
}

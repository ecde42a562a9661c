using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Live;
using Hindcast.Application.Search;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using Hindcast.Integration.EventLogs;
using Hindcast.Integration.EventLogs.EventStoreDb;

namespace Hindcast.Integration.Live;

public sealed class SqliteFactStreamTests : FactStreamContract<SqliteLogFixture>;

public sealed class EventStoreDbFactStreamTests : FactStreamContract<EventStoreDbLogFixture>;

/// <summary>From any position on and then live: every fact once, in order, whoever else is slow, on every engine.</summary>
public abstract class FactStreamContract<TFixture> : IAsyncLifetime where TFixture : ILogFixture, new()
{
    static readonly FactQuestion s_all = new(["shop"], null, null, Filter.Everything, BuiltInPrices.Book);

    readonly TFixture _fixture = new();
    FactTail _tail = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _fixture.StartAsync();
        _tail = new(_fixture.Log, new FactReader([]), fact => Encoding.UTF8.GetBytes(fact.Record.Position.ToString()), TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _tail.Dispose();
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    FactStream Open(LogPosition from, FactQuestion? asked = null) =>
        new(_fixture.Log, _tail, asked ?? s_all, from, null, _ => "caught up"u8.ToArray(), TimeProvider.System);

    Task<Appended> WriteAsync(string trace, long expected, int count) => _fixture.Log.AppendAsync(StreamName.Trace("shop", trace), expected, Facts.Many(count), Ct);

    static async Task<LiveMessage> NextAsync(FactStream stream)
    {
        while (true)
        {
            var message = (await stream.NextAsync(Ct))!;
            if (!message.Bytes.IsEmpty) return message;
        }
    }

    [Fact]
    public async Task However_often_it_is_cut_the_union_is_the_log_without_gap_or_repeat()
    {
        var random = new Random(7);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var writing = Task.Run(async () =>
        {
            var revisions = new long[8];
            Array.Fill(revisions, -1);
            for (var round = 0; !done.IsCancellationRequested; round++)
            {
                var (trace, count) = (round % 8, 1 + (round % 40));
                await WriteAsync($"t{trace}", revisions[trace], count);
                revisions[trace] += count;
                await Task.Delay(5, Ct);
            }
        }, Ct);

        var (at, heard) = (LogPosition.Start, new List<LogPosition>());
        for (var cut = 0; cut < 120; cut++)
        {
            await using var stream = Open(at);
            for (var left = random.Next(60); left > 0; left--)
            {
                var message = await NextAsync(stream);
                if (message.About is not null) heard.Add(at = message.Position);
            }
        }
        await done.CancelAsync();
        await writing;
        var written = (await _fixture.Log.ToHeadAsync()).Select(r => r.Position).ToList();
        await using (var rest = Open(at))
            while (heard.Count < written.Count) heard.Add((await NextAsync(rest)) is { About: not null } m ? m.Position : heard[^1]);
        heard.Distinct().Should().Equal(written);
        heard.Count.Should().BeOneOf([written.Count, written.Count + 1], "nothing came twice; the mark may have come once");
    }

    [Fact]
    public async Task The_passage_to_the_present_is_marked_once_between_what_was_and_what_comes()
    {
        await WriteAsync("a", -1, 3);
        await using var stream = Open(LogPosition.Start);
        for (var i = 0; i < 3; i++) (await NextAsync(stream)).About.Should().NotBeNull();
        var mark = await NextAsync(stream);
        (Encoding.UTF8.GetString(mark.Bytes.Span), mark.Position).Should().Be(("caught up", (await _fixture.Log.ToHeadAsync())[^1].Position));
        await WriteAsync("b", -1, 2);
        var live = await NextAsync(stream);
        ((StreamedFact)live.About!).TraceId.Should().Be("b");
        (await NextAsync(stream)).Position.Should().BeGreaterThan(live.Position);
    }

    [Fact]
    public async Task One_who_does_not_read_holds_nobody_up_and_a_burst_loses_nothing()
    {
        await using FactStream slow = Open(LogPosition.Start), healthy = Open(LogPosition.Start);
        foreach (var stream in (FactStream[])[slow, healthy]) (await NextAsync(stream)).About.Should().BeNull("there is no past");
        var waiting = NextAsync(slow);
        for (var i = 0; i < 10; i++)
        {
            await WriteAsync("burst", (i * 100) - 1, 100);
            for (var n = 0; n < 100; n++) (await NextAsync(healthy)).About.Should().NotBeNull();
        }
        // Its queue of 256 ran over long ago; it goes on from the log.
        var written = (await _fixture.Log.ToHeadAsync()).Select(r => r.Position).ToList();
        var heard = new List<LogPosition> { (await waiting).Position };
        while (heard.Count < written.Count) heard.Add((await NextAsync(slow)).Position);
        heard.Should().Equal(written);
        slow.Closed.Should().BeNull();
    }

    [Fact]
    public async Task Who_falls_behind_for_longer_than_patience_is_told_where_it_stands()
    {
        var clock = new Clock();
        using var tail = new FactTail(_fixture.Log, new FactReader([]), _ => "x"u8.ToArray(), clock);
        await using var slow = new FactStream(_fixture.Log, tail, s_all, LogPosition.Start, null, _ => "now"u8.ToArray(), clock);
        await NextAsync(slow);
        await WriteAsync("a", -1, 1);
        var last = (await NextAsync(slow)).Position;
        await WriteAsync("a", 0, 600);
        while (tail.Reached < await _fixture.Log.HeadAsync(Ct)) await Task.Delay(5, Ct);
        // What it takes now comes from the log: it has fallen behind.
        last = (await NextAsync(slow)).Position;
        clock.Passed = FactStream.Patience + TimeSpan.FromSeconds(1);
        (await slow.NextAsync(Ct)).Should().BeNull();
        (slow.Closed, slow.Position).Should().Be((LiveSubscription.TooSlow, last));
        tail.Listeners.Should().Be(0);
    }

    [Fact]
    public async Task Who_wants_nothing_of_what_comes_is_told_how_far_it_has_come()
    {
        var clock = new Clock();
        using var tail = new FactTail(_fixture.Log, new FactReader([]), _ => "x"u8.ToArray(), clock);
        await using var stream = new FactStream(_fixture.Log, tail, s_all with { Types = new HashSet<string> { "error" } }, LogPosition.Start, null, _ => "now"u8.ToArray(), clock);
        await NextAsync(stream);
        await WriteAsync("a", -1, 3);
        var head = await _fixture.Log.HeadAsync(Ct);
        while (tail.Reached < head) await Task.Delay(5, Ct);
        clock.Beat!();
        var beat = await stream.NextAsync(Ct);
        (beat!.Bytes.IsEmpty, beat.Position, stream.Position).Should().Be((true, head, head));
        // Twice the same is a beat, too.
        clock.Beat!();
        (await stream.NextAsync(Ct))!.Position.Should().Be(head);
        await _fixture.Log.AppendAsync(StreamName.Trace("shop", "c"), -1, [Facts.New(type: "error")], Ct);
        (await NextAsync(stream)).Position.Should().BeGreaterThan(head);
    }

    [Theory, InlineData(1), InlineData(10)]
    public async Task A_replay_keeps_the_distances_in_which_the_past_was_recorded_divided_by_its_speed(int speed)
    {
        var began = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        int[] seconds = [0, 0, 2, 7, 207, 210];
        foreach (var after in seconds)
        {
            var header = new Header { Type = "error", Project = "shop", EventId = Guid.NewGuid(), At = began, RecordedAt = began.AddSeconds(after), Source = new("native", 1, null) };
            await _fixture.Log.AppendAsync(Facts.Stream($"t{Guid.NewGuid():n}"), -1, [Facts.New(type: "error") with { Header = HeaderJson.Write(header) }], Ct);
        }
        var clock = new PassingClock();
        await using var replay = new FactStream(_fixture.Log, _tail, s_all, LogPosition.Start, speed, _ => "now"u8.ToArray(), clock);
        var (said, beats) = (new List<double>(), 0);
        while (said.Count < seconds.Length)
        {
            var message = (await replay.NextAsync(Ct))!;
            if (message.About is not null) said.Add(clock.Passed.TotalSeconds * speed);
            else beats++;
        }
        said.Should().Equal(seconds.Select(s => (double)s));
        beats.Should().Be((int)(200 / speed / FactStream.Heartbeat.TotalSeconds), "a line that is silent for long is cut");
        (await replay.NextAsync(Ct))!.About.Should().BeNull("here the past ends");
        await WriteAsync("live", -1, 1);
        (await NextAsync(replay)).About.Should().NotBeNull();
        clock.Passed.TotalSeconds.Should().Be(210.0 / speed, "what comes now is not held back");
    }

    [Fact]
    public async Task Walls_traces_and_types_are_kept()
    {
        await WriteAsync("a b/ü", -1, 1);
        await _fixture.Log.AppendAsync(StreamName.Trace("shop2", "a"), -1, Facts.Many(1), Ct);
        await _fixture.Log.AppendAsync(StreamName.Of("prices", "shop", "a"), -1, Facts.Many(1), Ct);
        await _fixture.Log.AppendAsync(StreamName.Trace("shop", "c"), -1, [Facts.New(type: "error")], Ct);
        foreach (var (asked, traces) in ((FactQuestion, string[])[])[
            (s_all, ["a b/ü", "c"]), (s_all with { TraceId = "a b/ü" }, ["a b/ü"]), (s_all with { Types = new HashSet<string> { "error" } }, ["c"]), (s_all with { Projects = null }, ["a b/ü", "a", "c"]), (s_all with { Projects = [] }, [])])
        {
            await using var stream = Open(LogPosition.Start, asked);
            var heard = new List<string>();
            while (await NextAsync(stream) is { About: StreamedFact fact }) heard.Add(fact.TraceId);
            heard.Should().Equal(traces);
        }
    }

    [Fact]
    public async Task An_event_is_found_at_its_position_and_nothing_beside_it()
    {
        await WriteAsync("a", -1, 2);
        await _fixture.Log.AppendAsync(Facts.Stream(), -1, [Facts.Big(1 << 20)], Ct);
        foreach (var record in await _fixture.Log.ToHeadAsync())
        {
            var found = (await _fixture.Log.AtAsync(record.Position, Ct))!;
            (found.Id, found.Stream, found.Revision, found.Content.Length).Should().Be((record.Id, record.Stream, record.Revision, record.Content.Length));
        }
        foreach (var none in (long[])[0, -1, 1_000_000_000_000, long.MaxValue]) (await _fixture.Log.AtAsync(new(none), Ct)).Should().BeNull();
    }

    /// <summary>Monotonic time, and as much more as a test wants.</summary>
    sealed class Clock : TimeProvider
    {
        public TimeSpan Passed { get; set; }
        public Action? Beat { get; private set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (period == FactStream.Heartbeat) Beat = () => callback(state);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>Time passes only while somebody waits for it, and then at once.</summary>
    sealed class PassingClock : TimeProvider
    {
        long _passed;

        public TimeSpan Passed => new(Interlocked.Read(ref _passed));

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Passed.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref _passed, dueTime.Ticks);
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}

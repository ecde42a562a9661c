using Hindcast.Application.EventSourcing;

namespace Hindcast.Integration.EventLogs;

/// <summary>The promises of <see cref="IEventLog"/>, by their numbers, on one engine.</summary>
public abstract class EventLogContract<TFixture> : IAsyncLifetime where TFixture : ILogFixture, new()
{
    protected TFixture Fixture { get; } = new();
    protected IEventLog Log => Fixture.Log;
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await Fixture.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task P0_an_empty_log_has_an_id_and_a_start_and_no_streams()
    {
        Log.Id.Should().NotBeEmpty();
        (await Log.HeadAsync(Ct)).Should().Be(LogPosition.Start);
        (await Log.AllAsync(Facts.Stream())).Should().BeEmpty();
        (await Log.TailAsync(Facts.Stream(), 10, Ct)).Should().BeEmpty();
    }

    [Fact]
    public async Task P1_an_append_is_written_whole_with_a_place_for_each_event()
    {
        var events = Facts.Many(5);
        var appended = await Log.AppendAsync(Facts.Stream(), -1, events, Ct);

        appended.Places.Select(place => place.Revision).Should().Equal(0, 1, 2, 3, 4);
        appended.Places.Should().OnlyContain(place => !place.Known);
        var read = await Log.AllAsync(Facts.Stream());
        for (var i = 0; i < 5; i++)
        {
            read[i].ShouldBe(events[i]);
            read[i].Stream.Should().Be(Facts.Stream());
            (read[i].Revision, read[i].Position).Should().Be((appended.Places[i].Revision, appended.Places[i].Position));
        }
        (await Log.AllAsync(Facts.Stream(), from: 3)).Select(record => record.Id).Should().Equal(events[3].Id, events[4].Id);
        (await Log.TailAsync(Facts.Stream(), 2, Ct)).Select(record => record.Id).Should().Equal(events[4].Id, events[3].Id);
        (await Log.HeadAsync(Ct)).Should().Be(appended.Places[^1].Position);
    }

    [Fact]
    public async Task P1_empty_header_and_content_and_any_stream_name_come_back_as_they_were()
    {
        var stream = StreamName.Trace("shop", "ünï/#\0 %\"'" + new string('x', 300));
        var bare = new LogEvent(Guid.NewGuid(), "bare", default, default);
        await Log.AppendAsync(stream, -1, [bare], Ct);
        var record = (await Log.ToHeadAsync()).Should().ContainSingle().Subject;
        record.ShouldBe(bare);
        record.Stream.Should().Be(stream);
    }

    [Theory, InlineData(-1), InlineData(0), InlineData(2), InlineData(100)]
    public async Task P2_an_append_at_another_revision_is_refused_and_writes_nothing(long expected)
    {
        await Log.AppendAsync(Facts.Stream(), -1, Facts.Many(2), Ct);
        var stale = () => Log.AppendAsync(Facts.Stream(), expected, Facts.Many(3), Ct);
        await stale.Should().ThrowAsync<StreamMoved>();
        (await Log.ToHeadAsync()).Should().HaveCount(2);
    }

    [Fact]
    public async Task P2_a_stream_that_is_not_there_is_at_minus_one_only()
    {
        var append = () => Log.AppendAsync(Facts.Stream(), 0, Facts.Many(1), Ct);
        await append.Should().ThrowAsync<StreamMoved>();
        (await Log.ToHeadAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task P2_of_eight_writers_at_one_revision_exactly_one_wins_each_round()
    {
        for (var round = 0; round < 20; round++)
        {
            var expected = (long)round - 1;
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                try
                {
                    return (await Log.AppendAsync(Facts.Stream(), expected, [Facts.New()], Ct)).Places.Count;
                }
                catch (StreamMoved)
                {
                    await Log.TailAsync(Facts.Stream(), 1, Ct);
                    return 0;
                }
            })));
            outcomes.Sum().Should().Be(1);
        }
        (await Log.AllAsync(Facts.Stream())).Select(record => record.Revision).Should().Equal(Enumerable.Range(0, 20).Select(i => (long)i));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task P3_known_ids_answer_like_the_first_time_even_at_a_stale_revision(bool afterRestart)
    {
        var events = Facts.Many(3);
        var first = await Log.AppendAsync(Facts.Stream(), -1, events, Ct);
        await Log.AppendAsync(Facts.Stream(), 2, Facts.Many(2), Ct);
        if (afterRestart) await Fixture.RestartAsync();

        foreach (var expected in new long[] { -1, 1, 4, 77 })
        {
            var again = await Log.AppendAsync(Facts.Stream(), expected, events, Ct);
            again.Places.Should().Equal(first.Places.Select(place => place with { Known = true }));
        }
        (await Log.ToHeadAsync()).Should().HaveCount(5);
    }

    [Fact]
    public async Task P3_among_fresh_events_a_known_one_is_not_written_again()
    {
        var known = Facts.Many(2);
        var first = await Log.AppendAsync(Facts.Stream(), -1, known, Ct);
        var (a, b) = (Facts.New(), Facts.New());
        var mixed = await Log.AppendAsync(Facts.Stream(), 1, [a, known[0], b, a], Ct);

        mixed.Places.Select(place => (place.Revision, place.Known)).Should().Equal((2, false), (0, true), (3, false), (2, true));
        mixed.Places[1].Position.Should().Be(first.Places[0].Position);
        (await Log.AllAsync(Facts.Stream())).Select(record => record.Id).Should().Equal(known[0].Id, known[1].Id, a.Id, b.Id);
    }

    [Fact]
    public async Task P3_a_known_id_beside_a_fresh_one_at_a_stale_revision_is_refused()
    {
        var known = Facts.Many(1);
        await Log.AppendAsync(Facts.Stream(), -1, known, Ct);
        var append = () => Log.AppendAsync(Facts.Stream(), -1, [known[0], Facts.New()], Ct);
        await append.Should().ThrowAsync<StreamMoved>();
        (await Log.ToHeadAsync()).Should().HaveCount(1);
    }

    [Fact]
    public async Task P3_an_id_is_known_to_its_stream_only()
    {
        var shared = Facts.New();
        await Log.AppendAsync(Facts.Stream("1"), -1, [shared], Ct);
        (await Log.AppendAsync(Facts.Stream("2"), -1, [shared], Ct)).Places.Should().ContainSingle(place => !place.Known);
    }

    [Fact]
    public async Task P3_the_same_append_sent_a_hundred_times_at_once_is_one()
    {
        var events = Facts.Many(3);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => Log.AppendAsync(Facts.Stream(), -1, events, Ct))));
        answers.Count(answer => answer.Places.All(place => !place.Known)).Should().Be(1);
        answers.Should().OnlyContain(answer => answer.Places.Select(place => place.Revision).SequenceEqual(new long[] { 0, 1, 2 }));
        (await Log.ToHeadAsync()).Should().HaveCount(3);
    }

    [Fact]
    public async Task P4_nothing_ever_appears_before_what_a_reader_has_seen()
    {
        const int writers = 8, each = 60;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var seen = new List<LogRecord>();
            await foreach (var page in Log.FollowAsync(LogPosition.Start, enough.Token))
            {
                seen.AddRange(page.Records);
                if (seen.Count >= writers * each) break;
            }
            return seen;
        })).ToArray();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++) await Log.AppendAsync(Facts.Stream($"w{writer}"), i - 1, [Facts.New()], Ct);
        })));

        var log = await Log.ToHeadAsync();
        log.Select(record => record.Position).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        foreach (var seen in await Task.WhenAll(readers)) seen.Select(record => record.Position).Should().Equal(log.Select(record => record.Position));
    }

    [Fact]
    public async Task P5_following_gives_every_event_once_in_order_from_any_place_and_goes_on_live()
    {
        await Log.AppendAsync(Facts.Stream("a"), -1, Facts.Many(2_500), Ct);
        var all = await Log.ToHeadAsync();
        all.Should().HaveCount(2_500);
        (await Log.ToHeadAsync(all[1_999].Position)).Select(record => record.Id).Should().Equal(all.Skip(2_000).Select(record => record.Id));

        var live = new List<LogRecord>();
        Task? writing = null;
        await foreach (var page in Log.FollowAsync(all[2_400].Position, Ct))
        {
            live.AddRange(page.Records);
            if (page.AtHead) writing ??= Task.Run(async () =>
            {
                for (var i = 0; i < 50; i++) await Log.AppendAsync(Facts.Stream("b"), i - 1, [Facts.New()], Ct);
            }, Ct);
            if (live.Count == 149) break;
        }
        await writing!;
        live.Select(record => record.Id).Should().Equal((await Log.ToHeadAsync(all[2_400].Position)).Select(record => record.Id));
    }

    [Fact]
    public async Task P5_a_wake_up_does_not_wait_for_the_poll()
    {
        await using var pages = Log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        (await pages.MoveNextAsync()).Should().BeTrue();
        var waits = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var next = pages.MoveNextAsync().AsTask();
            var started = TimeProvider.System.GetTimestamp();
            await Log.AppendAsync(Facts.Stream(), i - 1, [Facts.New()], Ct);
            (await next).Should().BeTrue();
            waits.Add(TimeProvider.System.GetElapsedTime(started));
        }
        waits.Order().ElementAt(10).Should().BeLessThan(TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task P5_cancelling_ends_the_following()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var following = Task.Run(async () =>
        {
            await foreach (var _ in Log.FollowAsync(LogPosition.Start, stop.Token)) stop.CancelAfter(20);
        }, Ct);
        await following.Invoking(task => task.WaitAsync(TimeSpan.FromSeconds(10), Ct)).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task P6_the_first_page_at_the_head_says_so_even_if_empty_and_later_ones_again()
    {
        await using var pages = Log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await pages.MoveNextAsync();
        (pages.Current.Records.Count, pages.Current.AtHead, pages.Current.Last).Should().Be((0, true, LogPosition.Start));

        for (var i = 0; i < 3; i++)
        {
            var place = (await Log.AppendAsync(Facts.Stream(), i - 1, [Facts.New()], Ct)).Places[0];
            await pages.MoveNextAsync();
            (pages.Current.Records.Count, pages.Current.AtHead, pages.Current.Last).Should().Be((1, true, place.Position));
        }
    }

    [Fact]
    public async Task P6_no_page_before_the_head_says_it_is_there()
    {
        await Log.AppendAsync(Facts.Stream(), -1, Facts.Many(2_000), Ct);
        await Log.AppendAsync(Facts.Stream(), 1_999, Facts.Many(1_500), Ct);
        var seen = 0;
        await foreach (var page in Log.FollowAsync(LogPosition.Start, Ct))
        {
            page.Last.Should().Be(page.Records[^1].Position);
            page.AtHead.Should().Be((seen += page.Records.Count) == 3_500);
            if (page.AtHead) break;
        }
    }

    [Fact]
    public async Task P7_what_was_acknowledged_is_there_after_a_restart()
    {
        var id = Log.Id;
        var places = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Log.AppendAsync(Facts.Stream($"{i}"), -1, [Facts.New()], Ct)));
        await Fixture.RestartAsync();

        Log.Id.Should().Be(id);
        (await Log.ToHeadAsync()).Select(record => record.Position).Should().BeEquivalentTo(places.Select(appended => appended.Places[0].Position));
        (await Log.AppendAsync(Facts.Stream("0"), 0, [Facts.New()], Ct)).Places[0].Position.Should().BeGreaterThan(places.Max(appended => appended.Places[0].Position));
    }

    [Fact]
    public async Task P9_appends_started_in_order_are_written_in_order()
    {
        var events = Facts.Many(300);
        var answers = await Task.WhenAll(events.Select((added, i) => Log.AppendAsync(Facts.Stream(), i - 1, [added], Ct)).ToArray());
        answers.Select(answer => answer.Places[0].Revision).Should().Equal(Enumerable.Range(0, 300).Select(i => (long)i));
        (await Log.AllAsync(Facts.Stream())).Select(record => record.Id).Should().Equal(events.Select(added => added.Id));
    }

    [Fact]
    public async Task P9_two_hundred_streams_at_once_each_keep_their_order()
    {
        var appends = new List<Task<Appended>>();
        for (var i = 0; i < 5; i++)
            for (var stream = 0; stream < 200; stream++) appends.Add(Log.AppendAsync(Facts.Stream($"{stream}"), i - 1, [Facts.New($"{{\"n\":{i}}}")], Ct));
        await Task.WhenAll(appends);
        foreach (var stream in (await Log.ToHeadAsync()).GroupBy(record => record.Stream))
            stream.Select(record => record.Revision).Should().Equal(0, 1, 2, 3, 4);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task P9_what_was_made_to_follow_a_refused_append_is_not_written_even_where_it_would_fit(bool heard)
    {
        var there = Facts.New();
        await Log.AppendAsync(Facts.Stream(), -1, [there], Ct);
        await Fixture.RestartAsync();

        // Whoever takes the stream for a new one sends its first two events ahead of the answers; the second would fit where it is.
        var first = Log.AppendAsync(Facts.Stream(), -1, [Facts.New()], Ct);
        if (heard) await first.ContinueWith(static _ => { }, TaskScheduler.Default);
        var second = Log.AppendAsync(Facts.Stream(), 0, [Facts.New()], Ct);
        await ((Func<Task>)(() => first)).Should().ThrowAsync<StreamMoved>();
        await ((Func<Task>)(() => second)).Should().ThrowAsync<StreamMoved>();
        (await Log.AllAsync(Facts.Stream())).Select(record => record.Id).Should().Equal(there.Id);

        // Its tail was read, and it is decided anew.
        await Log.TailAsync(Facts.Stream(), 1, Ct);
        (await Log.AppendAsync(Facts.Stream(), 0, [Facts.New()], Ct)).Places[0].Revision.Should().Be(1);
    }

    [Fact]
    public async Task P10_a_caller_who_stops_waiting_does_not_halve_an_append()
    {
        for (var i = 0; i < 30; i++)
        {
            using var patience = new CancellationTokenSource();
            var events = Facts.Many(20);
            var append = Log.AppendAsync(Facts.Stream($"{i}"), -1, events, patience.Token);
            await patience.CancelAsync();
            try
            {
                await append;
            }
            catch (OperationCanceledException)
            {
                // Unknown, so it is sent again with the same ids.
            }
            (await Log.AppendAsync(Facts.Stream($"{i}"), -1, events, Ct)).Places.Should().HaveCount(20);
            (await Log.AllAsync(Facts.Stream($"{i}"))).Select(record => record.Id).Should().Equal(events.Select(added => added.Id));
        }
    }
}

using Hindcast.Application.EventSourcing;

namespace Hindcast.Integration.EventLogs;

/// <summary>Facts larger than an engine takes, on one engine: whole for every reader, and the same promises.</summary>
public abstract class PartedLogContract<TFixture> : IAsyncLifetime where TFixture : ILogFixture, new()
{
    const int FiveMiB = 5 << 20;

    protected TFixture Fixture { get; } = new();
    IEventLog Log => Fixture.Log;
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await Fixture.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory, InlineData(PartedLog.WholeUpTo, 1), InlineData(PartedLog.WholeUpTo + 1, 3), InlineData(1 << 20, 3), InlineData((1 << 20) + 1, 4), InlineData(FiveMiB, 11)]
    public async Task A_fact_of_any_size_comes_back_whole_and_takes_the_slots_it_said(int bytes, int slots)
    {
        PartedLog.SlotsOf(bytes).Should().Be(slots);
        var (before, big, after) = (Facts.New(), Facts.Big(bytes), Facts.New());
        var appended = await Log.AppendAsync(Facts.Stream(), -1, [before, big, after], Ct);
        appended.Places.Select(place => place.Revision).Should().Equal(0, slots, slots + 1);
        await Fixture.RestartAsync();

        foreach (var read in new[] { await Log.AllAsync(Facts.Stream()), await Log.ToHeadAsync(), [.. (await Log.TailAsync(Facts.Stream(), 3, Ct)).Reverse()] })
        {
            read.Should().HaveCount(3);
            read[0].ShouldBe(before);
            read[1].ShouldBe(big);
            read[2].ShouldBe(after);
            read.Select(record => record.Position).Should().Equal(appended.Places.Select(place => place.Position));
        }
        (await Log.AllAsync(Facts.Stream(), from: slots)).First().ShouldBe(big);
        (await Log.TailAsync(Facts.Stream(), 2, Ct)).Select(record => record.Id).Should().Equal(after.Id, big.Id);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_known_big_fact_is_not_written_again_and_leaves_no_parts(bool afterRestart)
    {
        var (big, small) = (Facts.Big(FiveMiB), Facts.New());
        var first = await Log.AppendAsync(Facts.Stream(), -1, [small, big], Ct);
        var head = await Fixture.Engine.HeadAsync(Ct);
        if (afterRestart) await Fixture.RestartAsync();

        foreach (var expected in new[] { -1, first.Places[1].Revision, 500 })
            (await Log.AppendAsync(Facts.Stream(), expected, [small, big], Ct)).Places.Should().Equal(first.Places.Select(place => place with { Known = true }));
        (await Fixture.Engine.HeadAsync(Ct)).Should().Be(head);
        (await Log.AppendAsync(Facts.Stream(), first.Places[1].Revision, [Facts.New()], Ct)).Places[0].Revision.Should().Be(first.Places[1].Revision + 1);
    }

    [Fact]
    public async Task A_stale_big_fact_is_refused_and_writes_nothing()
    {
        await Log.AppendAsync(Facts.Stream(), -1, Facts.Many(2), Ct);
        var head = await Fixture.Engine.HeadAsync(Ct);
        var append = () => Log.AppendAsync(Facts.Stream(), 0, [Facts.Big(FiveMiB)], Ct);
        await append.Should().ThrowAsync<StreamMoved>();
        (await Fixture.Engine.HeadAsync(Ct)).Should().Be(head);
    }

    [Fact]
    public async Task Appends_behind_a_big_one_keep_their_order_when_they_count_its_slots()
    {
        LogEvent[] events = [Facts.New(), Facts.Big(FiveMiB), Facts.New(), Facts.New(), Facts.Big(1 << 20), Facts.New()];
        var (end, appends) = (-1L, new List<Task<Appended>>());
        foreach (var added in events)
        {
            appends.Add(Log.AppendAsync(Facts.Stream(), end, [added], Ct));
            end += PartedLog.SlotsOf(added.Content.Length);
        }
        var elsewhere = Log.AppendAsync(Facts.Stream("other"), -1, [Facts.New()], Ct);
        var answers = await Task.WhenAll(appends);
        await elsewhere;
        answers[^1].Places[0].Revision.Should().Be(end);
        (await Log.AllAsync(Facts.Stream())).Select(record => record.Id).Should().Equal(events.Select(added => added.Id));
        (await Log.ToHeadAsync()).Should().HaveCount(7);
    }

    [Fact]
    public async Task Orphaned_parts_are_invisible_and_do_not_stop_the_stream()
    {
        await Log.AppendAsync(Facts.Stream(), -1, Facts.Many(2), Ct);
        await Fixture.Engine.AppendAsync(Facts.Stream(), 1, [.. Parts(3)], Ct);
        (await Log.AllAsync(Facts.Stream())).Should().HaveCount(2);
        (await Log.TailAsync(Facts.Stream(), 1, Ct)).Should().ContainSingle(record => record.Revision == 1);

        // Who reads the tail can append: a fact small or big, at the last revision that can be seen, and in a stream of nothing but orphans.
        var big = Facts.Big(FiveMiB);
        var place = (await Log.AppendAsync(Facts.Stream(), 1, [big], Ct)).Places[0];
        place.Revision.Should().Be(4 + 11);
        await Fixture.Engine.AppendAsync(Facts.Stream(), place.Revision, [.. Parts(1)], Ct);
        await Log.TailAsync(Facts.Stream(), 1, Ct);
        (await Log.AppendAsync(Facts.Stream(), place.Revision, [Facts.New()], Ct)).Places[0].Revision.Should().Be(place.Revision + 2);
        await Fixture.Engine.AppendAsync(Facts.Stream("new"), -1, [.. Parts(2)], Ct);
        await Log.TailAsync(Facts.Stream("new"), 1, Ct);
        (await Log.AppendAsync(Facts.Stream("new"), -1, [Facts.New()], Ct)).Places[0].Revision.Should().Be(2);

        (await Log.AllAsync(Facts.Stream())).Single(record => record.Id == big.Id).ShouldBe(big);
        var stale = () => Log.AppendAsync(Facts.Stream(), 0, [Facts.New()], Ct);
        await stale.Should().ThrowAsync<StreamMoved>();
        var amongParts = () => Log.AppendAsync(Facts.Stream(), 3, [Facts.New()], Ct);
        await amongParts.Should().ThrowAsync<StreamMoved>();
    }

    [Fact]
    public async Task A_page_of_parts_that_reaches_the_head_says_so()
    {
        await using var pages = Log.FollowAsync(LogPosition.Start, Ct).GetAsyncEnumerator(Ct);
        await pages.MoveNextAsync();
        var parts = await Fixture.Engine.AppendAsync(Facts.Stream(), -1, [.. Parts(2)], Ct);
        await pages.MoveNextAsync();
        (pages.Current.Records.Count, pages.Current.AtHead, pages.Current.Last).Should().Be((0, true, parts.Places[^1].Position));
    }

    [Fact]
    public async Task A_missing_part_is_named_and_nothing_is_served()
    {
        var real = Facts.Big(FiveMiB);
        await Log.AppendAsync(Facts.Stream(), -1, [real], Ct);
        var (stored, end) = ((await Fixture.Engine.TailAsync(Facts.Stream(), 1, Ct))[0], -1L);
        // One by one: together they are more than an engine takes in one append.
        await foreach (var part in Fixture.Engine.ReadAsync(Facts.Stream(), 1, Ct))
            if (part.Revision < 10)
                end = (await Fixture.Engine.AppendAsync(Facts.Stream("short"), end, [new(Guid.NewGuid(), part.Type, part.Header, part.Content)], Ct)).Places[0].Revision;
        var forged = (await Fixture.Engine.AppendAsync(Facts.Stream("short"), end, [new(Guid.NewGuid(), stored.Type, stored.Header, stored.Content)], Ct)).Places[0];

        var read = () => Log.AllAsync(Facts.Stream("short"));
        (await read.Should().ThrowAsync<LogDamaged>()).WithMessage($"*position {forged.Position}*");
    }

    [Theory, InlineData(0), InlineData(8), InlineData(1000)]
    public async Task Content_that_begins_like_a_manifest_is_only_content(int more)
    {
        await Log.AppendAsync(Facts.Stream(), -1, [Facts.Big(1 << 20)], Ct);
        var manifest = (await Fixture.Engine.TailAsync(Facts.Stream(), 1, Ct))[0].Content;
        var hostile = Facts.New() with { Content = (byte[])[.. manifest.Span[..(more == 0 ? 8 : manifest.Length)], .. new byte[more]] };
        var copy = Facts.New() with { Content = manifest };
        await Log.AppendAsync(Facts.Stream("hostile"), -1, [hostile, copy], Ct);
        var read = await Log.AllAsync(Facts.Stream("hostile"));
        read[0].ShouldBe(hostile);
        read[1].ShouldBe(copy);
    }

    [Fact]
    public async Task Nobody_appends_a_part_by_hand()
    {
        var append = () => Log.AppendAsync(Facts.Stream(), -1, [Facts.New(type: "content_part")], Ct);
        await append.Should().ThrowAsync<ArgumentException>();
    }

    static IEnumerable<LogEvent> Parts(int count) => Facts.Many(count).Select(part => part with { Type = "content_part" });
}

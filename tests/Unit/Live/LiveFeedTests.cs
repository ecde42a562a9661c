using System.Text;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Live;
using Hindcast.Infrastructure.Caches.Memory;

namespace Hindcast.Unit.Live;

/// <summary>What the feed tells, to whom, and what becomes of those who do not listen.</summary>
public sealed class LiveFeedTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly LiveFeed _feed = new(new MemoryFanOut());
    readonly Voice _voice = new();

    sealed class Voice : ILiveVoice
    {
        public int Bytes { get; set; } = 10;
        public int Said { get; private set; }

        public Task<IReadOnlyList<LiveMessage>> SayAsync(LiveNews news, CancellationToken ct)
        {
            Said += news.Traces.Count;
            return Task.FromResult<IReadOnlyList<LiveMessage>>(
                [.. news.Traces.Select(t => new LiveMessage(news.Position, Encoding.UTF8.GetBytes($"{(t.Created ? '+' : '~')}{t.TraceId}".PadRight(Bytes))))]);
        }
    }

    static TraceChange Change(string id, long? first, long last, string project = "p") => new(project, id, first is { } f ? new LogPosition(f) : null, new(last));

    static async Task<List<string>> TakeAsync(LiveSubscription heard, int count)
    {
        var all = new List<string>();
        while (all.Count < count && await heard.NextAsync(Ct) is { } message) all.Add(Encoding.UTF8.GetString(message.Bytes.Span).Trim());
        return all;
    }

    [Fact]
    public async Task A_trace_is_created_once_whoever_builds_it_again()
    {
        using var heard = _feed.Subscribe("p", _voice);
        _feed.Committed([Change("a", 4, 5), Change("old", null, 6)], new(6));
        (await TakeAsync(heard, 2)).Should().Equal("+a", "~old");
        // A generation that was built beside begins earlier, and tells the same page and a bit more.
        _feed.Committed([Change("old", null, 6), Change("a", 4, 8), Change("b", 7, 7), Change("told", 5, 5)], new(8));
        (await TakeAsync(heard, 2)).Should().Equal("~a", "+b");
    }

    [Fact]
    public async Task Only_the_project_hears_it_and_all_get_the_same_bytes()
    {
        using LiveSubscription one = _feed.Subscribe("p", _voice), two = _feed.Subscribe("p", _voice), other = _feed.Subscribe("q", _voice);
        _feed.Committed([Change("a", 1, 1), Change("b", 2, 2, "q")], new(2));
        var (first, second) = ((await one.NextAsync(Ct))!, (await two.NextAsync(Ct))!);
        first.Bytes.Equals(second.Bytes).Should().BeTrue("the message was made once");
        (await TakeAsync(other, 1)).Should().Equal("+b");
    }

    [Fact]
    public async Task Who_does_not_keep_up_is_closed_with_its_position_and_the_others_hear_everything()
    {
        using LiveSubscription healthy = _feed.Subscribe("p", _voice), slow = _feed.Subscribe("p", _voice);
        const int News = 1_000;
        for (var i = 1; i <= News; i++)
        {
            _feed.Committed([Change($"t{i}", i, i)], new(i));
            (await TakeAsync(healthy, 1)).Should().Equal($"+t{i}");
            if (i == 3) (await TakeAsync(slow, 3)).Should().HaveCount(3);
        }
        slow.Closed.Should().Be("too slow");
        (await slow.NextAsync(Ct)).Should().BeNull("nothing is sent with a gap before it");
        slow.Position.Should().Be(new LogPosition(3));
        healthy.Position.Should().Be(new LogPosition(News));
    }

    [Fact]
    public async Task A_queue_is_bounded_in_bytes_too_and_so_are_all_together()
    {
        _voice.Bytes = 300_000;
        using var greedy = _feed.Subscribe("p", _voice);
        _feed.Committed([.. Enumerable.Range(1, 4).Select(i => Change($"t{i}", i, i))], new(4));
        while (greedy.Closed is null) await Task.Delay(1, Ct);
        greedy.QueuedBytes.Should().BeLessThanOrEqualTo(LiveSubscription.MostBytes);

        var budget = new LiveBudget(most: 1_000);
        LiveSubscription thin = new(null, budget, _ => { }), fat = new(null, budget, _ => { });
        thin.Offer(new(new(1), new byte[100]));
        for (var i = 0; i < 9; i++) fat.Offer(new(new(1), new byte[100]));
        fat.Closed.Should().BeNull();
        thin.Offer(new(new(2), new byte[100]));
        (fat.Closed, thin.Closed).Should().Be(("too slow", null), "room is made by the one that holds the most");
    }

    [Fact]
    public async Task Who_leaves_is_forgotten_and_for_nobody_nothing_is_read()
    {
        var heard = _feed.Subscribe("p", _voice);
        _feed.Listeners.Should().Be(1);
        heard.Dispose();
        _feed.Listeners.Should().Be(0);
        _feed.Committed([Change("a", 1, 1)], new(1));
        (await heard.NextAsync(Ct)).Should().BeNull();
        _voice.Said.Should().Be(0);
    }
}

using System.Collections.Concurrent;
using Hindcast.Application.Live;

namespace Hindcast.Integration.Caches;

/// <summary>The promises of <see cref="IFanOut"/>, on each engine.</summary>
public abstract class FanOutContract<TFixture> : IAsyncLifetime where TFixture : CacheFixture, new()
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected TFixture Engine { get; } = new();

    public ValueTask InitializeAsync() => Engine.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected static LiveNews News(long position, string project = "one") =>
        new(project, new(position), [new($"trace {position} ä", Created: position % 2 == 0), new("other", Created: false)]);

    [Fact]
    public void Listeners_here_hear_everything_once_and_in_order_before_publishing_returns()
    {
        var heard = new List<long>();
        using (Engine.FanOut.Listen(news => heard.Add(news.Position.Value)))
            for (var i = 1; i <= 100; i++)
            {
                Engine.FanOut.Publish(News(i));
                heard.Should().HaveCount(i);
            }
        Engine.FanOut.Publish(News(101));
        heard.Should().Equal(Enumerable.Range(1, 100).Select(i => (long)i), "who left hears no more");
    }

    [Fact]
    public async Task Listeners_of_another_node_hear_the_same_when_the_engine_is_shared()
    {
        var other = (IFanOut)Engine.Second.GetService(typeof(IFanOut))!;
        var heard = new ConcurrentQueue<LiveNews>();
        using var here = other.Listen(heard.Enqueue);
        // A subscription is asked for once; the first to be heard shows that it stands.
        for (var i = 0; Engine.IsShared && heard.IsEmpty && i < 500; i++)
        {
            Engine.FanOut.Publish(News(1));
            await Task.Delay(20, Ct);
        }
        heard.Clear();

        for (var i = 2; i <= 500; i++) Engine.FanOut.Publish(News(i, i % 3 == 0 ? "two" : "one"));
        for (var i = 0; Engine.IsShared && heard.Count(n => n.Position.Value > 1) < 499 && i < 500; i++) await Task.Delay(20, Ct);

        heard.Where(n => n.Position.Value > 1).Should().BeEquivalentTo(
            Engine.IsShared ? Enumerable.Range(2, 499).Select(i => News(i, i % 3 == 0 ? "two" : "one")) : [], options => options.WithStrictOrderingFor(n => n));
    }
}

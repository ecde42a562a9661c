using Hindcast.Application.Limits;

namespace Hindcast.Integration.Caches;

/// <summary>The promises of <see cref="IRateLimiter"/>, on each engine. Buckets here fill so slowly that no test sees it, or at once.</summary>
public abstract class RateLimiterContract<TFixture> : IAsyncLifetime where TFixture : CacheFixture, new()
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static readonly Allowance s_ten = new(PerMinute: 1, Burst: 10);

    protected TFixture Engine { get; } = new();

    public ValueTask InitializeAsync() => Engine.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_new_bucket_is_full_and_gives_what_it_holds_and_no_more()
    {
        for (var left = 9; left >= 0; left--)
        {
            var draw = await Engine.Limiter.DrawAsync("k", s_ten, 1, Ct);
            (draw.Taken, draw.Remaining, draw.Wait).Should().Be((true, left, TimeSpan.Zero));
        }
        var refused = await Engine.Limiter.DrawAsync("k", s_ten, 1, Ct);
        (refused.Taken, refused.Remaining).Should().Be((false, 0));
        refused.Wait.Should().BeGreaterThan(TimeSpan.Zero).And.BeLessThanOrEqualTo(TimeSpan.FromMinutes(1));
        refused.UntilFull.Should().BeGreaterThan(TimeSpan.FromMinutes(8)).And.BeLessThanOrEqualTo(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task All_of_an_amount_is_taken_or_none()
    {
        (await Engine.Limiter.DrawAsync("k", s_ten, 7, Ct)).Remaining.Should().Be(3);
        (await Engine.Limiter.DrawAsync("k", s_ten, 4, Ct)).Should().Match<Draw>(d => !d.Taken && d.Remaining == 3);
        (await Engine.Limiter.DrawAsync("k", s_ten, 3, Ct)).Should().Match<Draw>(d => d.Taken && d.Remaining == 0);
    }

    [Fact]
    public async Task Buckets_know_nothing_of_each_other()
    {
        await Engine.Limiter.DrawAsync("k", s_ten, 10, Ct);
        (await Engine.Limiter.DrawAsync("l", s_ten, 10, Ct)).Taken.Should().BeTrue();
    }

    [Fact]
    public async Task An_empty_bucket_fills_again()
    {
        var quick = new Allowance(PerMinute: 60_000, Burst: 5);
        await Engine.Limiter.DrawAsync("k", quick, 5, Ct);
        for (var i = 0; i < 500 && !(await Engine.Limiter.DrawAsync("k", quick, 5, Ct)).Taken; i++) await Task.Delay(5, Ct);
        (await Engine.Limiter.DrawAsync("l", quick, 5, Ct)).UntilFull.Should().BeLessThan(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task However_many_draw_at_once_no_more_is_taken_than_was_there()
    {
        var other = (IRateLimiter)Engine.Second.GetService(typeof(IRateLimiter))!;
        var hundred = new Allowance(PerMinute: 1, Burst: 100);
        var draws = await Task.WhenAll(Enumerable.Range(0, 600).Select(i => Task.Run(async () =>
            await (i % 2 == 0 ? Engine.Limiter : other).DrawAsync("crowd", hundred, 1, Ct))));
        draws.Count(d => d.Taken).Should().Be(Engine.IsShared ? 100 : 200, "nodes on a shared engine share the limit, others have one each");
    }
}

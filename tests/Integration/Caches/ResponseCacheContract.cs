using System.Text;
using Hindcast.Application.Caching;

namespace Hindcast.Integration.Caches;

/// <summary>The promises of <see cref="IResponseCache"/>, on each engine.</summary>
public abstract class ResponseCacheContract<TFixture> : IAsyncLifetime where TFixture : CacheFixture, new()
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected TFixture Engine { get; } = new();

    public ValueTask InitializeAsync() => Engine.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_found_is_what_was_put_there_last()
    {
        var key = CacheKey.Of("one", "/api/v1/traces", "?limit=2");
        (await Engine.Cache.GetAsync(key, Ct)).Should().BeNull();

        foreach (var answer in (byte[][])["first"u8.ToArray(), [], [0, 255, 13, 10, 0], new byte[1 << 20]])
        {
            await Engine.Cache.SetAsync(key, answer, TimeSpan.FromMinutes(1), Ct);
            (await Engine.Cache.GetAsync(key, Ct))!.Value.ToArray().Should().Equal(answer);
        }
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_not_kept_and_leaves_nothing_older_behind()
    {
        var key = CacheKey.Of("one", "large");
        await Engine.Cache.SetAsync(key, "small"u8.ToArray(), TimeSpan.FromMinutes(1), Ct);
        await Engine.Cache.SetAsync(key, new byte[(1 << 20) + 1], TimeSpan.FromMinutes(1), Ct);
        (await Engine.Cache.GetAsync(key, Ct)).Should().BeNull();
    }

    [Fact]
    public async Task Nothing_is_found_after_its_time()
    {
        var key = CacheKey.Of("one", "short");
        await Engine.Cache.SetAsync(key, "x"u8.ToArray(), TimeSpan.FromMilliseconds(50), Ct);
        for (var i = 0; i < 500 && await Engine.Cache.GetAsync(key, Ct) is not null; i++) await Task.Delay(20, Ct);
        (await Engine.Cache.GetAsync(key, Ct)).Should().BeNull();
    }

    [Fact]
    public async Task No_key_of_one_project_is_a_key_of_another()
    {
        CacheKey[] keys =
        [
            CacheKey.Of("a"), CacheKey.Of("a", ""), CacheKey.Of("a", "b"), CacheKey.Of("a", "b", "c"), CacheKey.Of("a", "bc"), CacheKey.Of("a", "b:c"),
            CacheKey.Of("ab", "c"), CacheKey.Of("b", "a"), CacheKey.Of("cache", "b"), CacheKey.Of("a", "ä\0"),
        ];
        keys.Should().OnlyHaveUniqueItems();
        keys.Should().OnlyContain(key => key.Text.Contains(':'));
        foreach (var key in keys) await Engine.Cache.SetAsync(key, Encoding.UTF8.GetBytes(key.Text), TimeSpan.FromMinutes(1), Ct);
        foreach (var key in keys) Encoding.UTF8.GetString((await Engine.Cache.GetAsync(key, Ct))!.Value.Span).Should().Be(key.Text);

        CacheKey.Of("a", "b").Text.Should().StartWith("a:");
        ((Action)(() => CacheKey.Of("a:b", "c"))).Should().Throw<ArgumentException>("a project's name cannot hold what ends it");
    }

    [Fact]
    public async Task Two_nodes_share_it_when_the_engine_is_shared()
    {
        var key = CacheKey.Of("one", "shared");
        await Engine.Cache.SetAsync(key, "x"u8.ToArray(), TimeSpan.FromMinutes(1), Ct);
        var other = (IResponseCache)Engine.Second.GetService(typeof(IResponseCache))!;
        (await other.GetAsync(key, Ct) is not null).Should().Be(Engine.IsShared);
    }

    [Fact]
    public async Task A_project_is_forgotten_whole_and_no_other()
    {
        CacheKey[] gone = [.. Enumerable.Range(0, 2_500).Select(i => CacheKey.Of("one", $"{i}"))];
        CacheKey[] stays = [CacheKey.Of("one-more", "1"), CacheKey.Of("other", "1")];
        foreach (var key in gone.Concat(stays)) await Engine.Cache.SetAsync(key, "x"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);
        await Engine.Cache.ForgetAsync("one", Ct);
        foreach (var key in gone) (await Engine.Cache.GetAsync(key, Ct)).Should().BeNull();
        foreach (var key in stays) (await Engine.Cache.GetAsync(key, Ct)).Should().NotBeNull();
        await Engine.Cache.SetAsync(gone[0], "y"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);
        (await Engine.Cache.GetAsync(gone[0], Ct)).Should().NotBeNull("what comes later is kept as ever");
    }
}

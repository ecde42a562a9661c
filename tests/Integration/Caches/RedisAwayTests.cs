using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Hindcast.Application.Caching;
using Hindcast.Application.Limits;
using Hindcast.Bench;
using Hindcast.Integration.Engines;

namespace Hindcast.Integration.Caches;

/// <summary>
/// Redis stopped and frozen under the real server (F11): nothing is refused and nothing waits long; when it is back it is used again.
/// <c>HINDCAST_TEST_OUTAGE_SECONDS</c> says how long it is away; 3 without.
/// </summary>
public sealed class RedisAwayTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static readonly TimeSpan s_outage = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_OUTAGE_SECONDS") is { Length: > 0 } set ? set : "3", CultureInfo.InvariantCulture));

    [Theory, InlineData("stopped"), InlineData("frozen")]
    public async Task Requests_go_on_while_Redis_is_away_and_it_is_used_again(string how)
    {
        await using var redis = await RedisServer.StartNewAsync();
        var folder = Directory.CreateTempSubdirectory("hindcast-redis-away-").FullName;
        await using var server = await HindcastProcess.StartAsync(folder, new Dictionary<string, string>
        {
            ["ConnectionStrings__Redis"] = redis.ConnectionString,
            ["Hindcast__Limits__QueriesPerMinute"] = "1000000",
        });
        using var http = server.Client();
        await Limits.UntilSharedAsync(http, redis);

        var answers = new ConcurrentBag<HttpStatusCode>();
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var answer = i % 2 == 0
                    ? await http.GetAsync(new Uri("/limits", UriKind.Relative), Ct)
                    : await http.PostAsync(new Uri("/api/v1/events", UriKind.Relative), new StringContent("""{"type":"user_message","trace_id":"t"}""", null, "application/json"), Ct);
                answers.Add(answer.StatusCode);
                await Task.Delay(2, Ct);
            }
        })).ToList();

        await Task.Delay(200, Ct);
        await (how == "stopped" ? redis.StopAsync() : redis.FreezeAsync());
        await Task.Delay(s_outage, Ct);
        await (how == "stopped" ? redis.StartAsync() : redis.ThawAsync());
        await Limits.UntilSharedAsync(http, redis);
        await stop.CancelAsync();
        await Task.WhenAll(callers);

        answers.Should().HaveCountGreaterThan(100);
        answers.Where(status => (int)status >= 500).Should().BeEmpty("a cache is no reason to refuse anybody");
        answers.Distinct().Should().BeSubsetOf([HttpStatusCode.OK, HttpStatusCode.Accepted]);
        TestContext.Current.TestOutputHelper?.WriteLine($"{how} for {s_outage}: {answers.Count} answers, {answers.Count(s => (int)s >= 500)} x 5xx");
    }

    [Fact]
    public async Task A_limiter_without_Redis_counts_here_and_a_cache_finds_nothing()
    {
        await using var engine = new RedisFixture();
        await engine.InitializeAsync();
        var (key, one) = (CacheKey.Of("one", "k"), new Allowance(PerMinute: 1, Burst: 2));
        await engine.Cache.SetAsync(key, "x"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);
        (await engine.Limiter.DrawAsync("k", one, 2, Ct)).Taken.Should().BeTrue();

        await engine.Server.FreezeAsync();
        (await engine.Cache.GetAsync(key, Ct)).Should().BeNull();
        (await engine.Limiter.DrawAsync("k", one, 2, Ct)).Taken.Should().BeTrue("this process's own bucket is full");
        (await engine.Limiter.DrawAsync("k", one, 1, Ct)).Taken.Should().BeFalse("and it has the same limit");

        await engine.Server.ThawAsync();
        await engine.BackAsync();
        (await engine.Cache.GetAsync(key, Ct)).Should().NotBeNull();
        (await engine.Limiter.DrawAsync("k", one, 1, Ct)).Taken.Should().BeFalse("the shared bucket is as it was left");
    }

    [Fact]
    public async Task Without_Redis_answers_are_kept_here_and_what_was_to_be_forgotten_does_not_come_back()
    {
        await using var engine = new RedisFixture();
        await engine.InitializeAsync();
        var (before, during, other) = (CacheKey.Of("one", "before"), CacheKey.Of("one", "during"), CacheKey.Of("two", "before"));
        foreach (var key in (CacheKey[])[before, other]) await engine.Cache.SetAsync(key, "old"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);

        await engine.Server.FreezeAsync();
        await engine.Cache.SetAsync(during, "here"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);
        await engine.Cache.SetAsync(during, "here"u8.ToArray(), TimeSpan.FromMinutes(5), Ct);
        (await engine.Cache.GetAsync(during, Ct))!.Value.ToArray().Should().Equal("here"u8.ToArray());
        await engine.Cache.ForgetAsync("one", Ct);
        (await engine.Cache.GetAsync(during, Ct)).Should().BeNull();

        await engine.Server.ThawAsync();
        await engine.BackAsync();
        (await engine.Cache.GetAsync(before, Ct)).Should().BeNull("it was to be forgotten, and Redis still had it");
        (await engine.Cache.GetAsync(other, Ct)).Should().NotBeNull();
    }

    [Theory, InlineData("stopped"), InlineData("frozen")]
    public async Task Kept_answers_stand_in_Redis_and_losing_it_is_no_5xx_and_no_lie(string how)
    {
        await using var redis = await RedisServer.StartNewAsync();
        var folder = Directory.CreateTempSubdirectory("hindcast-redis-kept-").FullName;
        var settings = new Dictionary<string, string> { ["ConnectionStrings__Redis"] = redis.ConnectionString, ["Hindcast__Limits__QueriesPerMinute"] = "1000000" };
        await using var server = await HindcastProcess.StartAsync(folder, settings);
        await server.UntilReadyAsync();
        using var http = server.Client();
        await Limits.UntilSharedAsync(http, redis);
        (await http.PostAsync(new Uri("/api/v1/events", UriKind.Relative), new StringContent("""{"type":"user_message","trace_id":"t"}""", null, "application/json"), Ct)).EnsureSuccessStatusCode();

        async Task<bool> CachedAsync(int limit)
        {
            while (true)
            {
                var text = await http.GetStringAsync(new Uri($"/api/v1/traces?limit={limit}", UriKind.Relative), Ct);
                using var json = System.Text.Json.JsonDocument.Parse(text);
                if (json.RootElement.GetProperty("data").GetArrayLength() > 0) return json.RootElement.GetProperty("meta").GetProperty("cached").GetBoolean();
            }
        }

        (await CachedAsync(7)).Should().BeFalse();
        (await CachedAsync(7)).Should().BeTrue();
        using (var line = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},allowAdmin=true"))
            line.GetServer(line.GetEndPoints()[0]).Keys(pattern: "*:cache:*").Should().NotBeEmpty("Redis is where answers are kept");

        await (how == "stopped" ? redis.StopAsync() : redis.FreezeAsync());
        (await CachedAsync(8)).Should().BeFalse();
        (await CachedAsync(7)).Should().BeFalse("that one is in Redis");
        (await CachedAsync(7)).Should().BeTrue("and now here");
    }

    [Fact]
    public async Task Ten_thousand_calls_that_are_given_up_leave_the_engine_as_it_was()
    {
        await using var engine = new RedisFixture();
        await engine.InitializeAsync();
        var random = new Random(11);
        await Parallel.ForAsync(0, 10_000, Ct, async (i, _) =>
        {
            using var gone = new CancellationTokenSource();
            int kind;
            lock (random) kind = random.Next(3);
            if (kind == 0) await gone.CancelAsync();
            var key = CacheKey.Of($"p{i % 7}", $"{i % 50}");
            if (kind == 1) await engine.Cache.SetAsync(key, System.Text.Encoding.UTF8.GetBytes(key.Text), TimeSpan.FromMinutes(1), gone.Token);
            if (await engine.Cache.GetAsync(key, gone.Token) is { } found)
                System.Text.Encoding.UTF8.GetString(found.Span).Should().Be(key.Text, "an answer is found under its own key only");
        });
    }

    static class Limits
    {
        /// <summary>Until a request leaves its trace in Redis.</summary>
        public static async Task UntilSharedAsync(HttpClient http, RedisServer redis)
        {
            using var line = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync($"{redis.ConnectionString},abortConnect=false");
            var database = line.GetDatabase();
            await database.KeyDeleteAsync("limit:key_settings:queries");
            for (var i = 0; i < 1_000 && !await database.KeyExistsAsync("limit:key_settings:queries"); i++)
            {
                using var answer = await http.GetAsync(new Uri("/limits", UriKind.Relative), Ct);
                await Task.Delay(20, Ct);
            }
            (await database.KeyExistsAsync("limit:key_settings:queries")).Should().BeTrue("Redis is used again");
        }
    }
}

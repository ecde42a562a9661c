using Hindcast.Application.Analytics;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Pricing;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain.Analytics;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;
using Hindcast.Integration.ReadModels;
using Microsoft.EntityFrameworkCore;

namespace Hindcast.Integration.Analytics;

/// <summary>Figures from buckets are the figures of the requests themselves, on one engine: whatever came late, twice or corrected.</summary>
public abstract class AnalyticsContract<TFixture> : IAsyncLifetime where TFixture : IReadFixture, new()
{
    static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly Caller Reader = new("p", "k", Scopes.Read, "production");
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly TFixture _engine = new();
    readonly TracesProjection _traces = new(new FactReader([new PlainPayloads()]));

    public async ValueTask InitializeAsync() => await _engine.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Histories over a day and a half, so that spans meet in minutes and part over hours and days; some answered by a cache, some superseded.</summary>
    static List<SpanEvent> Histories(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 25).SelectMany(t => Unit.Histories.Of((seed * 101) + t, 40).Select(e => e with
        {
            TraceId = $"t{t}",
            At = Start + ((e.At - Start) * 47_533.7),
            TimeToFirstToken = random.Next(4) == 0 ? TimeSpan.FromMilliseconds(random.Next(400)) : null,
            Usage = e is LlmResponse ? UsageOf(random) : e.Usage,
            Attributes = random.Next(6) switch
            {
                0 => new Dictionary<string, string> { [ModelRequest.CacheHit] = "true" },
                1 => new Dictionary<string, string> { [ModelRequest.Superseded] = random.Next(2) == 0 ? "true" : "false" },
                _ => e.Attributes,
            },
        }))];
    }

    static Usage? UsageOf(Random random) => random.Next(5) switch
    {
        0 => null,
        1 => new() { Unsplit = random.Next(100) },
        2 => new() { Input = random.Next(100), CacheRead = random.Next(3), CacheWrite1h = random.Next(2), Output = random.Next(9) },
        _ => new() { Input = random.Next(1000), CacheRead = random.Next(2), CacheWrite5m = random.Next(3), Output = random.Next(50), Reasoning = random.Next(5) },
    };

    /// <summary>A price that begins in the middle of an hour, one without prices for what caches hold, and a model without any.</summary>
    static PriceBook Prices => new(
    [
        new("gpt-4o-mini", Start.AddYears(-1), 150_000, 600_000, 75_000, 180_000),
        new("gpt-4o-mini", Start.AddHours(7).AddMinutes(23), 100_000, 500_000, 50_000, 170_000, 190_000),
        new("gpt-4o-mini", Start.AddHours(26), 90_000, 400_000),
    ]);

    Task<ReadDb> BuildAsync(int number, IEnumerable<SpanEvent> facts, Random random) => BuildAsync(number, [.. facts.Select(Recorded.Of)], random);

    async Task<ReadDb> BuildAsync(int number, IReadOnlyList<LogEventOf> facts, Random random)
    {
        var generation = new Generation(_traces.Name, number, _traces.Version, Guid.NewGuid(), Serving: false);
        await _engine.Store.CreateAsync(_traces, generation, Ct);
        var follower = new Follower(_traces, generation, _engine.Store, TimeProvider.System);
        var at = LogPosition.Start;
        foreach (var page in Recorded.Pages(Recorded.Log(facts), random))
        {
            // A new follower has forgotten everything, as after a crash between two pages.
            if (random.Next(4) == 0) (follower, at) = (new(_traces, generation, _engine.Store, TimeProvider.System), await follower.StartAsync(Ct));
            at = await follower.ApplyAsync(page, at, Ct);
        }
        follower.Parked.Should().Be(0);
        return _engine.Store.Open(_traces, number);
    }

    [Fact]
    public async Task Buckets_and_requests_give_the_same_figures()
    {
        for (var seed = 1; seed <= 2; seed++)
        {
            var (facts, random) = (Histories(seed).ToArray(), new Random(seed));
            var requests = facts.GroupBy(e => e.TraceId).SelectMany(t => Trace.Of(t.Key, t).Spans.Values).Where(s => s.IsRequest()).ToList();
            random.Shuffle(facts);
            await using var db = await BuildAsync(seed, facts.Concat(facts.Where(_ => random.Next(5) == 0)), random);
            for (var round = 0; round < 30; round++) await CompareAsync(db, requests, Random(random), $"seed {seed}, round {round}");
        }
    }

    static GetAnalytics Random(Random random)
    {
        var from = Start.AddHours(-3) + TimeSpan.FromMicroseconds(random.NextInt64(30L * 3_600_000_000));
        if (random.Next(3) == 0) from = Start;
        var to = from + TimeSpan.FromMicroseconds(random.NextInt64(50L * 3_600_000_000));
        return new(Reader, from, random.Next(3) == 0 ? Start.AddDays(2) : to)
        {
            By = random.Next(4) switch { 0 => BucketWidth.Minute, 1 => BucketWidth.Hour, 2 => BucketWidth.Day, _ => null },
            GroupBy = (Dimensions)random.Next(32),
            Model = random.Next(3) == 0 ? "gpt-4o-mini" : null,
            Provider = random.Next(4) == 0 ? "openai" : null,
            Environment = random.Next(4) == 0 ? "production" : null,
            Status = random.Next(4) switch { 0 => SpanStatus.Success, 1 => SpanStatus.Error, _ => null },
        };
    }

    static async Task CompareAsync(ReadDb db, List<Span> requests, GetAnalytics query, string because)
    {
        var answer = await new GetAnalytics.Reading(db, query, Prices).RunAsync(Ct);
        answer.Exact.Should().BeTrue();
        var expected = requests
            .Where(s => s.StartedAt >= query.From && s.StartedAt < query.To)
            .Where(s => (query.Model ?? s.Model) == s.Model && (query.Provider ?? s.Provider) == s.Provider && (query.Environment ?? s.Environment) == s.Environment)
            .Where(s => query.Status is null || s.Status == query.Status || (query.Status == SpanStatus.Success && s.Status == SpanStatus.Warning))
            .GroupBy(s => (At: AtOf(s, query.By), Group: GroupOf(s, query.GroupBy)))
            .ToDictionary(g => g.Key, g => Shown([.. g]));

        var actual = answer.Cells.ToDictionary(c => (c.At, c.Group), c => Shown(c.Figures));
        actual.Should().BeEquivalentTo(expected, because);
        answer.Cells.Sum(c => c.Figures.Requests).Should().Be(expected.Values.Sum(e => e.Requests), because);
    }

    static DateTimeOffset? AtOf(Span s, BucketWidth? by) => by is { } width ? new DateTimeOffset(s.StartedAt.Ticks - (s.StartedAt.Ticks % ((long)width * TimeSpan.TicksPerSecond)), TimeSpan.Zero) : null;

    static AnalyticsGroup GroupOf(Span s, Dimensions by) => new(
        by.HasFlag(Dimensions.Kind) ? s.Kind : null, by.HasFlag(Dimensions.Provider) ? s.Provider ?? "" : null, by.HasFlag(Dimensions.Model) ? s.Model ?? "" : null,
        by.HasFlag(Dimensions.Environment) ? s.Environment ?? "" : null, by.HasFlag(Dimensions.Status) ? s.Status is SpanStatus.Warning ? SpanStatus.Success : s.Status : null);

    sealed record Seen(
        long Requests, long Errors, long Hits, long Unpriced, long Tokens, long Prompt, long Output, long? Cost, double? Average, double? P50, double? P95, double? P99, double? First);

    static Seen Shown(Figures f) => new(
        f.Requests, f.Errors, f.CacheHits, f.Unpriced, f.TotalTokens, f.PromptTokens, f.OutputTokens, f.Cost.Total, f.AverageMs, f.PercentileMs(50), f.PercentileMs(95),
        f.PercentileMs(99), f.FirstTokenPercentileMs(90));

    /// <summary>The same from the requests one by one, with sums and sorting and nothing else.</summary>
    static Seen Shown(List<Span> requests)
    {
        var durations = requests.Select(s => s.Duration?.TotalMicroseconds).OfType<double>().Order().ToList();
        var firsts = requests.Select(s => s.TimeToFirstToken?.TotalMicroseconds).OfType<double>().Order().ToList();
        var costs = requests.Select(s => Prices.CostOf(s).Total).ToList();
        return new(
            requests.Count, requests.Count(s => s.Status == SpanStatus.Error), requests.Count(s => s.IsCacheHit()),
            requests.Count(s => s.Usage is not null && Prices.CostOf(s).Total is null),
            requests.Sum(s => s.Usage?.Total ?? 0), requests.Sum(s => s.Usage?.Prompt ?? 0), requests.Sum(s => s.Usage?.Output ?? 0),
            costs.TrueForAll(c => c is null) ? null : costs.Sum(c => c ?? 0),
            durations.Count == 0 ? null : durations.Sum() / 1000.0 / durations.Count, At(durations, 50), At(durations, 95), At(durations, 99), At(firsts, 90));

        static double? At(List<double> values, double percent) => values.Count == 0 ? null : values[(int)Math.Ceiling(percent * values.Count / 100) - 1] / 1000.0;
    }

    [Fact]
    public async Task Too_many_requests_to_read_are_within_one_percent()
    {
        var random = new Random(7);
        var facts = Enumerable.Range(0, GetAnalytics.MostExact + 500).Select(i => (SpanEvent)new LlmResponse
        {
            EventId = Guid.NewGuid(), TraceId = $"t{i % 50}", SpanId = $"s{i}", At = Start.AddSeconds(random.Next(90_000)), Latency = TimeSpan.FromMicroseconds((long)Math.Exp(random.NextDouble() * 17)),
            Model = "gpt-4o-mini", Usage = new() { Input = 10, Output = 1 },
        }).ToList();
        await using var db = await BuildAsync(1, facts, random);
        var answer = await new GetAnalytics.Reading(db, new(Reader, Start.AddDays(-1), Start.AddDays(2)), Prices).RunAsync(Ct);

        answer.Exact.Should().BeFalse();
        var figures = answer.Cells.Should().ContainSingle().Subject.Figures;
        figures.Requests.Should().Be(facts.Count);
        var durations = facts.Select(f => f.Latency!.Value.TotalMilliseconds).Order().ToList();
        figures.AverageMs.Should().BeApproximately(durations.Average(), 1e-6);
        foreach (var percent in (double[])[50, 75, 90, 95, 99])
        {
            var exact = durations[(int)NearestRank.Of(percent, durations.Count) - 1];
            figures.PercentileMs(percent)!.Value.Should().BeApproximately(exact, exact * 0.01, $"p{percent}");
        }
    }

    static LogEventOf PricesSet(params Price[] prices)
    {
        var header = new Header
        {
            Type = SetPrices.Type, Project = "p", EventId = Guid.NewGuid(), At = Start, RecordedAt = Start, Source = new("native", 1, "k"),
        };
        return new(SetPrices.StreamOf("p"), new(header.EventId, header.Type, HeaderJson.Write(header), PricesJson.Write(prices.Select(p => p with { KnownFrom = p.Known }))));
    }

    /// <summary>Wherever in the log prices stand, before their spans, between them or after, the rows are those that a rebuild gives: paid at the newest.</summary>
    [Fact]
    public async Task Prices_in_the_log_price_what_came_before_them_and_what_comes_after()
    {
        for (var seed = 11; seed <= 12; seed++)
        {
            var random = new Random(seed);
            var facts = Histories(seed).ConvertAll(Recorded.Of);
            LogEventOf[] prices =
            [
                PricesSet(Prices.Listed.Take(1).ToArray()), PricesSet(Prices.Listed.Skip(1).ToArray()),
                PricesSet(new Price("nobody-knows", Start.AddHours(3), 11, 22, 33, 44, 55), new("gpt-4o-mini", Start.AddHours(30), 1, 2, 3, 4, 5)),
            ];
            var expected = await HashAsync(seed * 10, [.. prices, .. facts], random);
            for (var round = 1; round <= 3; round++)
            {
                var dealt = facts.Concat(round == 1 ? [] : prices).ToArray();
                random.Shuffle(dealt);
                (await HashAsync((seed * 10) + round, round == 1 ? [.. dealt, .. prices] : dealt, random)).Should().Be(expected, $"seed {seed}, round {round}");
            }

            await using var db = _engine.Store.Open(_traces, (seed * 10) + 2);
            var book = await PriceRow.BookAsync(db, "p", Ct);
            book.Set.Should().HaveCount(5);
            var spans = await db.Set<SpanRow>().ToListAsync(Ct);
            spans.Should().Contain(s => s.Model == "nobody-knows" && s.TotalCost != null);
            spans.Should().OnlyContain(s => s.TotalCost == (s.CacheHit ? Cost.Nothing : book.CostOf(s.Usage(), s.Model, Time.At(s.StartedAt))).Total);
            (await db.Set<RunRow>().SumAsync(r => r.TotalCost, Ct)).Should().Be(
                spans.GroupBy(s => s.TraceId).SelectMany(t => CountedUsage.Of([.. t], s => new(s.SpanId, s.ParentSpanId, s.Kind, s.Usage()))).Sum(s => s.TotalCost ?? 0));
            spans.Where(s => s.Kind == "llm" && s.Output != null).Should().NotBeEmpty("texts stay where they are");
        }
    }

    async Task<string> HashAsync(int number, IReadOnlyList<LogEventOf> facts, Random random)
    {
        await using var db = await BuildAsync(number, facts, random);
        return (await CanonicalDump.HashAsync(db, Ct)).Sha256;
    }
}

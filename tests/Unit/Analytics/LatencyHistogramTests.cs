using FsCheck;
using FsCheck.Fluent;
using Hindcast.Domain.Analytics;

namespace Hindcast.Unit;

/// <summary>A histogram is within 1 % of the values it stands for, and adding and taking out leave no trace.</summary>
public sealed class LatencyHistogramTests
{
    /// <summary>Durations from nothing to a month, most of them as calls to models take.</summary>
    static long[] Durations(int seed, int most = 400)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, random.Next(1, most)).Select(_ => random.Next(20) == 0 ? random.Next(3) : (long)Math.Exp(random.NextDouble() * 28.5))];
    }

    static void ForAll(Action<int> check) => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<int>(), check));

    [Fact]
    public void Any_percentile_is_within_one_percent_of_the_value_at_its_rank() => ForAll(seed =>
    {
        var values = Durations(seed);
        var histogram = new LatencyHistogram();
        foreach (var value in values) histogram.Add(value);

        var inOrder = values.Order().ToList();
        foreach (var percent in (double[])[0, 1, 50, 75, 90, 95, 99, 99.9, 100])
        {
            var exact = inOrder[(int)NearestRank.Of(percent, values.Length) - 1];
            histogram.Percentile(percent)!.Value.Should().BeApproximately(exact, (exact * 0.01) + 1e-6, $"p{percent} of {values.Length}");
        }
    });

    [Fact]
    public void Parts_add_up_to_the_whole_in_any_order_and_through_their_bytes() => ForAll(seed =>
    {
        var values = Durations(seed);
        var (whole, sum, random) = (new LatencyHistogram(), new LatencyHistogram(), new Random(seed));
        foreach (var value in values) whole.Add(value);
        random.Shuffle(values);
        foreach (var part in values.Chunk(random.Next(1, 50)))
        {
            var one = new LatencyHistogram();
            foreach (var value in part) one.Add(value);
            sum.Add(one.ToBytes());
        }
        sum.ToBytes().Should().Equal(whole.ToBytes());
        sum.Count.Should().Be(values.Length);
    });

    [Fact]
    public void What_is_taken_out_again_was_never_there() => ForAll(seed =>
    {
        var (kept, gone) = (Durations(seed), Durations(seed ^ 0x5555));
        var (expected, corrected) = (new LatencyHistogram(), new LatencyHistogram());
        foreach (var value in kept) expected.Add(value);
        foreach (var value in kept.Concat(gone)) corrected.Add(value);
        foreach (var value in gone) corrected.Add(value, -1);

        corrected.ToBytes().Should().Equal(expected.ToBytes());
        corrected.Percentile(95).Should().Be(expected.Percentile(95));
    });

    [Theory]
    [InlineData(95, 20, 19)]
    [InlineData(95, 21, 20)]
    [InlineData(7, 100, 7)]
    [InlineData(50, 1, 1)]
    [InlineData(0, 5, 1)]
    [InlineData(100, 5, 5)]
    public void The_nearest_rank_is_the_first_that_covers_the_share(double percent, long count, long rank) => NearestRank.Of(percent, count).Should().Be(rank);

    [Fact]
    public void Nothing_counted_has_no_percentile() => new LatencyHistogram().Percentile(50).Should().BeNull();
}

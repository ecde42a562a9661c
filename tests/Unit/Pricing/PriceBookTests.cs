using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit;

public sealed class PriceBookTests
{
    static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("anthropic/claude-sonnet-4-5")]
    [InlineData("claude-sonnet-4-5-20250929")]
    public void The_cache_example_costs_what_its_parts_cost(string model)
    {
        var usage = Usage.Split(1200, 240, 8200, 300, null, null, 9940, promptExcludesCache: true);

        usage.Total.Should().Be(9940);
        BuiltInPrices.Book.CostOf(usage, model, Now).Total.Should().Be(10_785_000_000, "1,200 × 3 + 8,200 × 0.30 + 300 × 3.75 + 240 × 15 per million is 0.010785 USD");
    }

    [Fact]
    public void Cached_tokens_inside_the_prompt_are_not_paid_twice()
    {
        var usage = Usage.Split(1000, 100, 800, null, null, null, 1100, promptExcludesCache: false);

        usage.Should().Be(new Usage { Input = 200, CacheRead = 800, Output = 100 });
        usage.Total.Should().Be(1100);
    }

    [Fact]
    public void What_is_not_known_is_not_zero()
    {
        BuiltInPrices.Book.CostOf(new Usage { Input = 5 }, "nobody-knows-it", Now).Total.Should().BeNull();
        BuiltInPrices.Book.CostOf(null, "gpt-4o", Now).Total.Should().BeNull();
        BuiltInPrices.Book.CostOf(new Usage { Unsplit = 50 }, "gpt-4o", Now).Total.Should().BeNull("nobody told which of them were output");
        BuiltInPrices.Book.CostOf(new Usage { Input = 5, CacheWrite1h = 7 }, "gpt-4o", Now).Total.Should().BeNull("that price is not in the book");
        BuiltInPrices.Book.CostOf(new Usage { Input = 5 }, "gpt-4o", new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero)).Total.Should().BeNull("it was not sold yet");
    }

    [Fact]
    public void Absurd_counts_stay_at_the_end_of_the_range()
    {
        var cost = BuiltInPrices.Book.CostOf(new Usage { Input = Usage.Most, Output = Usage.Most }, "claude-opus-4-1", Now);

        cost.Total.Should().Be(long.MaxValue);
    }
}

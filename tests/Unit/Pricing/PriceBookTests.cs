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

    [Theory]
    [InlineData("claude-sonnet-5-20260630", "2026-08-31", 2)]
    [InlineData("anthropic/claude-sonnet-5", "2026-09-01", 3)]
    [InlineData("gpt-5.6-luna-2026-06-26", "2026-07-29", 1)]
    [InlineData("openai/gpt-5.6-luna", "2026-07-30", 0.2)]
    public void A_model_costs_what_it_cost_on_its_day(string model, string day, decimal input) =>
        BuiltInPrices.Book.CostOf(new Usage { Input = 1_000_000 }, model, DateTimeOffset.Parse(day + "T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture)).Total
            .Should().Be((long)(input * 1_000_000_000_000m));

    [Fact]
    public void Absurd_counts_stay_at_the_end_of_the_range()
    {
        var cost = BuiltInPrices.Book.CostOf(new Usage { Input = Usage.Most, Output = Usage.Most }, "claude-opus-4-1", Now);

        cost.Total.Should().Be(long.MaxValue);
    }

    [Theory]
    [InlineData("claude-sonnet-4-5-20250929", "claude-sonnet-4-5")]
    [InlineData("anthropic/claude-sonnet-4-5", "claude-sonnet-4-5")]
    [InlineData("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5")]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5")]
    [InlineData("anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-3-5-sonnet")]
    [InlineData("claude-sonnet-4-5@20250929", "claude-sonnet-4-5")]
    [InlineData("publishers/anthropic/models/claude-opus-4-1@20250805", "claude-opus-4-1")]
    [InlineData("claude-3-5-haiku-latest", "claude-3-5-haiku")]
    [InlineData("openai/gpt-4o-mini", "gpt-4o-mini")]
    [InlineData("GPT-4o-2024-08-06", "gpt-4o")]
    [InlineData("openai/gpt-4.1-mini-2025-04-14", "gpt-4.1-mini")]
    [InlineData("models/gemini-2.0-flash-001", "gemini-2.0-flash")]
    [InlineData("gemini-embedding-001", "gemini-embedding")]
    [InlineData("mistral-large-2411", "mistral-large")]
    [InlineData("command-r-plus-08-2024", "command-r-plus")]
    [InlineData("meta.llama3-1-70b-instruct-v1:0", "llama-3.1-70b-instruct")]
    [InlineData("us.meta.llama4-scout-17b-instruct-v1:0", "llama-4-scout-17b-instruct")]
    [InlineData("deepseek/deepseek-chat", "deepseek-chat")]
    public void A_model_is_found_by_any_of_its_names(string name, string model) => BuiltInPrices.Book.Find(name, Now)?.Model.Should().Be(model);

    [Theory]
    [InlineData("deepseek/deepseek-chat:free")]
    [InlineData("ft:gpt-4o-mini-2024-07-18:acme::x")]
    [InlineData("gpt-4o-mini-realtime")]
    [InlineData("")]
    public void A_name_that_stands_for_another_price_is_not_found(string name) => BuiltInPrices.Book.Find(name, Now).Should().BeNull();

    [Fact]
    public void A_price_holds_from_its_day_until_the_next_one()
    {
        BuiltInPrices.Book.Find("o3", new(2025, 6, 9, 23, 59, 59, TimeSpan.Zero))!.Input.Should().Be(10_000_000);
        BuiltInPrices.Book.Find("o3", new(2025, 6, 10, 0, 0, 0, TimeSpan.Zero))!.Input.Should().Be(2_000_000);
    }

    [Fact]
    public void What_was_set_holds_before_what_is_built_in_and_was_not_known_before_it_was()
    {
        var set = BuiltInPrices.Book.With([new("openai/gpt-4o", new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), 7, 8, KnownFrom: new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero))]);

        set.Find("gpt-4o-2024-08-06", Now)!.Input.Should().Be(7);
        set.AsKnownAt(new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero)).Find("gpt-4o", Now)!.Input.Should().Be(2_500_000);
        set.AsKnownAt(new(2024, 6, 1, 0, 0, 0, TimeSpan.Zero)).Find("gpt-4o", Now)!.Input.Should().Be(5_000_000, "the cheaper one was not known yet");
        set.With([new("gpt-4o", new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), 9, 9, KnownFrom: new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero))]).Find("gpt-4o", Now)!.Input
            .Should().Be(9, "of two that begin together the one that was known last holds");
    }

    [Fact]
    public void Every_price_begins_with_a_minute_and_no_two_of_a_model_begin_together()
    {
        BuiltInPrices.Book.Listed.Should().OnlyContain(p => p.ValidFrom.Ticks % TimeSpan.TicksPerMinute == 0 && p.Provider != null);
        BuiltInPrices.Book.Listed.Select(p => (ModelName.Of(p.Model), p.ValidFrom)).Should().OnlyHaveUniqueItems();
    }
}

using Hindcast.Application.ReadModels;

namespace Hindcast.Unit.ReadModels;

/// <summary>What retention takes at once: a clock that is years ahead must not empty every list (F15).</summary>
public sealed class RetentionTests
{
    [Theory]
    [InlineData(31, 101, 101, "a day a day goes as it is due")]
    [InlineData(31, 103, 103, "and three after a weekend")]
    [InlineData(31, 99, 99, "nothing is due")]
    [InlineData(31, 3_750, 103, "with the clock ten years ahead: a tenth")]
    [InlineData(400, 470, 140, "days were set from none to 30: a tenth now, the rest later")]
    [InlineData(7, 105, 101, "of few days at least one")]
    [InlineData(1, 3_750, 3_750, "the only day goes when it is due")]
    [InlineData(0, 3_750, 3_750, "there is nothing to keep")]
    public void A_sweep_takes_what_is_due_but_no_more_than_a_tenth_of_the_days(int held, int due, int before, string why) =>
        Retention.ForgetBefore([.. Enumerable.Range(100, held)], due).Should().Be(before, why);

    [Fact]
    public void Sweep_after_sweep_all_that_is_due_goes()
    {
        var held = Enumerable.Range(0, 400).ToList();
        for (var sweep = 0; sweep < 40; sweep++) held.RemoveAll(day => day < Retention.ForgetBefore(held, 370));
        held.Should().Equal(Enumerable.Range(370, 30));
    }
}

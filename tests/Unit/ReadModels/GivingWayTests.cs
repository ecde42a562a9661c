using Hindcast.Application.Gateway;
using Hindcast.Application.Projects;
using Hindcast.Application.ReadModels;
using Hindcast.Unit.Projects;

namespace Hindcast.Unit.ReadModels;

public class GivingWayTests
{
    static readonly Caller s_caller = FirstStart.Operator("key");

    readonly ManualClock _clock = new();
    readonly CallsAtOnce _calls = new();

    /// <summary>So many calls in a hundredth of a second.</summary>
    void Pass(int calls, int ms = 10)
    {
        for (var i = 0; i < calls; i++) _calls.Begin(s_caller, int.MaxValue).Dispose();
        _clock.Now += TimeSpan.FromMilliseconds(ms);
    }

    [Fact]
    public void A_follower_rests_while_calls_are_many()
    {
        var way = new GivingWay(_calls, _clock);
        Pass(1);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeFalse("one call leaves the processors to others");
        Pass(100 * Environment.ProcessorCount);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeTrue();
        Pass(0);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeTrue("they come in gusts");
        Pass(0, ms: 100);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeFalse("they have eased");
    }

    [Fact]
    public void Calls_that_came_while_it_did_not_look_are_looked_at_again()
    {
        var way = new GivingWay(_calls, _clock);
        Pass(100 * Environment.ProcessorCount, ms: 10_000);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeTrue("they can have come at any time");
        Pass(1);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeFalse("they came long ago");
    }

    [Fact]
    public void One_that_comes_after_a_silence_may_be_the_first_of_many()
    {
        var way = new GivingWay(_calls, _clock);
        Pass(1, ms: 10_000);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeTrue("another look will tell");
        Pass(0, ms: 20);
        way.Rests(waitedFor: false, _clock.GetUtcNow()).Should().BeFalse("it was alone");
    }

    [Fact]
    public void It_rests_for_nobody_when_somebody_waits_or_it_is_late_or_has_read_nothing_yet()
    {
        var way = new GivingWay(_calls, _clock);
        Pass(100 * Environment.ProcessorCount);
        way.Rests(waitedFor: true, _clock.GetUtcNow()).Should().BeFalse();
        Pass(100 * Environment.ProcessorCount);
        way.Rests(waitedFor: false, _clock.GetUtcNow() - TimeSpan.FromSeconds(1)).Should().BeFalse();
        Pass(100 * Environment.ProcessorCount);
        way.Rests(waitedFor: false, null).Should().BeFalse();
    }
}

using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.Alerts;
using Hindcast.Domain.Alerts;

namespace Hindcast.Unit.Alerts;

/// <summary>A rule over any values of any windows: it turns once each way, keeps its cooldown, and does not care where it is put down and taken up again.</summary>
public sealed class AlertStateTests
{
    static readonly DateTimeOffset s_start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    static void ForAll(Action<int> check) => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ArbMap.Default.ArbFor<int>(), check));

    static (Alert Rule, double?[] Values) Case(int seed)
    {
        var random = new Random(seed);
        var rule = new Alert
        {
            Id = "a", Project = "p", Name = "n", WebhookUrl = "https://example.com/", WindowMinutes = 1, Threshold = random.Next(4), CooldownMinutes = random.Next(6),
            Metric = random.Next(4) == 0 ? AlertMetric.Absence : AlertMetric.Requests, Comparison = random.GetItems(Enum.GetValues<AlertComparison>(), 1)[0],
        };
        return (rule, [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(6) == 0 ? (double?)null : random.Next(5))]);
    }

    static List<(AlertTurn Turn, DateTimeOffset At, double? Value)> Run(Alert rule, double?[] values, int? putDown = null)
    {
        var (state, turns) = (new AlertState(s_start), new List<(AlertTurn, DateTimeOffset, double?)>());
        for (var i = 0; i < values.Length; i++)
        {
            if (i == putDown) state = JsonSerializer.Deserialize<AlertState>(JsonSerializer.Serialize(state, AlertJson.Options), AlertJson.Options)!;
            (state, var turn) = state.See(rule, s_start.AddMinutes(i + 1), values[i]);
            state.Evaluated.Should().Be(s_start.AddMinutes(i + 1));
            if (turn is { } turned) turns.Add((turned, s_start.AddMinutes(i + 1), values[i]));
        }
        return turns;
    }

    [Fact]
    public void Turns_alternate_and_each_has_its_reason() => ForAll(seed =>
    {
        var (rule, values) = Case(seed);
        var turns = Run(rule, values);
        turns.Select(t => t.Turn).Should().Equal(turns.Select((_, i) => i % 2 == 0 ? AlertTurn.Firing : AlertTurn.Resolved));
        turns.Should().NotContain(t => rule.Holds(t.Value) != (t.Turn == AlertTurn.Firing));
        var fired = turns.Where(t => t.Turn == AlertTurn.Firing).Select(t => t.At).ToList();
        fired.Zip(fired.Skip(1), (a, b) => (b - a).TotalMinutes).Should().NotContain(apart => apart < rule.CooldownMinutes);
    });

    [Fact]
    public void The_first_window_that_is_worth_it_fires() => ForAll(seed =>
    {
        var (rule, values) = Case(seed);
        var first = Array.FindIndex(values, v => rule.Holds(v) == true);
        Run(rule, values).Select(t => (DateTimeOffset?)t.At).FirstOrDefault().Should().Be(first < 0 ? null : s_start.AddMinutes(first + 1));
    });

    [Fact]
    public void It_is_put_down_and_taken_up_anywhere() => ForAll(seed =>
    {
        var (rule, values) = Case(seed);
        Run(rule, values, new Random(seed).Next(values.Length)).Should().Equal(Run(rule, values));
    });

    [Fact]
    public void Absence_is_none_at_all_and_what_is_unknown_is_neither()
    {
        var (rule, _) = Case(0);
        (rule with { Metric = AlertMetric.Absence }).Holds(0).Should().BeTrue();
        (rule with { Metric = AlertMetric.Absence }).Holds(1).Should().BeFalse();
        foreach (var metric in Enum.GetValues<AlertMetric>()) (rule with { Metric = metric }).Holds(null).Should().BeNull();
    }

    [Fact]
    public void Names_are_those_of_the_wire() =>
        Enum.GetValues<AlertMetric>().Select(m => m.Name()).Should().Equal("error_rate", "p95_ms", "cost_usd", "requests", "absence");
}

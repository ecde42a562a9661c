using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit;

/// <summary>B2, B4, B5, B8: what is found, where, and for how much.</summary>
public sealed class PayloadRulesTests
{
    [Fact]
    public void Any_payload_has_the_fault_the_slow_rules_find()
    {
        var faults = new Dictionary<string, int>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var element = new RandomJson(seed).Element();
            var expected = SlowRules.FirstFault(element);
            var found = PayloadRules.Check(element);
            (found?.Code).Should().Be(expected?.Code, $"seed {seed} is {Encoding.Latin1.GetString(element)}");
            if (expected is { Code: not "invalid_key", Field.Length: < 200 }) found!.Value.Field.Should().Be(expected.Value.Field, $"seed {seed}");
            faults[found?.Code ?? "none"] = faults.GetValueOrDefault(found?.Code ?? "none") + 1;
        }));
        faults.Should().HaveCount(4, "the payloads should be of every kind").And.OnlyContain(kind => kind.Value > 20);
    }

    [Theory]
    [InlineData(31), InlineData(32), InlineData(33), InlineData(63), InlineData(64)]
    public void Sixty_four_levels_are_allowed(int levels)
    {
        PayloadRules.Check(Arrays(levels)).Should().BeNull();
        PayloadRules.Check(Objects(levels)).Should().BeNull();
    }

    [Theory]
    [InlineData(65), InlineData(66), InlineData(1_001), InlineData(6_000), InlineData(100_000)]
    public void More_levels_are_a_fault_and_cost_no_stack(int levels)
    {
        PayloadRules.Check(Arrays(levels))!.Value.Code.Should().Be("too_deep");
        var fault = PayloadRules.Check(Objects(levels))!.Value;
        fault.Code.Should().Be("too_deep");
        fault.Field.Should().Be(string.Join('.', Enumerable.Repeat("a", 64)));
    }

    [Fact]
    public void A_hundred_thousand_levels_are_refused_and_hurt_no_stack()
    {
        foreach (var body in new[] { Arrays(100_000), Objects(100_000) })
        {
            using var batch = JsonBatch.Parse(body);
            PayloadRules.Check(batch.RawOf(0).Span)!.Value.Code.Should().Be("too_deep");
        }
    }

    /// <summary>So many keys that some hashes are equal by chance: equal hashes are no equal keys.</summary>
    [Fact]
    public void Hundreds_of_thousands_of_different_keys_are_no_duplicates() =>
        PayloadRules.Check(Wide(600_000)).Should().BeNull();

    [Fact]
    public void One_repeated_key_among_two_hundred_thousand_is_found()
    {
        var good = Wide(200_000);
        good.Length.Should().BeGreaterThan(2_300_000);
        var bad = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(good)[..^1] + ",\"\\u006b0000000\":1}");
        PayloadRules.Check(good).Should().BeNull();
        PayloadRules.Check(bad).Should().Be(new Fault("k0000000", "duplicate_key", PayloadRules.Check(bad)!.Value.Message));
    }

    [Fact]
    public void Two_hundred_thousand_escaped_keys_are_compared_as_what_they_spell() =>
        PayloadRules.Check(Wide(200_000, "\\u006b")).Should().BeNull();

    [Theory]
    [InlineData(2), InlineData(11), InlineData(12), InlineData(13), InlineData(14), InlineData(31), InlineData(32), InlineData(33), InlineData(64), InlineData(65), InlineData(1_000)]
    public void The_repeated_key_is_found_wherever_it_stood_first(int keys)
    {
        var wide = Encoding.UTF8.GetString(Wide(keys));
        for (var i = 0; i < keys; i += Math.Max(1, keys / 50))
        {
            foreach (var spelling in new[] { "k", "\\u006b", "\\u006B" })
            {
                var json = $"{{\"outer\":[{wide},{wide[..^1]},\"{spelling}{i:D7}\":1}}]}}";
                var fault = PayloadRules.Check(Encoding.UTF8.GetBytes(json));
                fault!.Value.Field.Should().Be($"outer[1].k{i:D7}");
            }
        }
    }

    [Fact]
    public void An_outer_object_remembers_its_keys_across_inner_ones()
    {
        var inner = "{\"a\":1,\"\\u0062\":2,\"c\":{\"a\":1,\"\\u0062\":2}}";
        for (var i = 1; i < 40; i++)
        {
            var members = Enumerable.Range(0, i).Select(n => $"\"{(n % 2 == 0 ? "k" : "\\u006b")}{n}\":{inner}");
            PayloadRules.Check(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}")).Should().BeNull();
            for (var n = 0; n < i; n++)
                PayloadRules.Check(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)},\"k{n}\":0}}"))!.Value.Field.Should().Be($"k{n}");
        }
    }

    [Fact]
    public void A_fault_leaves_nothing_behind_for_the_next_payload()
    {
        for (var i = 0; i < 100; i++)
        {
            PayloadRules.Check("{\"a\":{\"b\":{\"\\u0063\":1,\"c\":2}}}"u8).Should().NotBeNull();
            PayloadRules.Check("{\"a\":{\"b\":{\"c\":1}},\"c\":2,\"b\":3}"u8).Should().BeNull();
        }
    }

    [Fact]
    public void A_path_stays_short_whatever_the_keys_are()
    {
        var key = new string('k', 1_000_000);
        var fault = PayloadRules.Check(Encoding.UTF8.GetBytes($"{{\"{key}\":{{\"a\":1,\"a\":2}}}}"))!.Value;
        fault.Field.Should().Be(key[..64] + "….a");
        var pair = new string('k', 63) + "😀";
        PayloadRules.Check(Encoding.UTF8.GetBytes($"{{\"{pair}\":1,\"{pair}\":2}}"))!.Value.Field.Should().Be(pair[..63] + "…");
        var nested = string.Concat(Enumerable.Repeat($"{{\"{key[..1000]}\":", 60)) + "{\"a\":1,\"a\":2}" + new string('}', 60);
        PayloadRules.Check(Encoding.UTF8.GetBytes(nested))!.Value.Field.Length.Should().BeLessThan(600);
    }

    [Fact]
    public void A_small_payload_is_checked_without_allocating()
    {
        var json = Encoding.UTF8.GetBytes($$"""{"id":"x","a\u0062":"{{new string('t', 700)}}","m":[{"role":"user","x":1},{"role":"tool","y":2}],"u":{"in":1,"out":2} }""");
        PayloadRules.Check(json).Should().BeNull();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) PayloadRules.Check(json);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1_000);
    }

    static byte[] Arrays(int levels) => Encoding.UTF8.GetBytes(new string('[', levels) + new string(']', levels));

    static byte[] Objects(int levels) =>
        Encoding.UTF8.GetBytes(new StringBuilder().Insert(0, "{\"a\":", levels - 1).Append("{}").Append('}', levels - 1).ToString());

    static byte[] Wide(int keys, string first = "k") =>
        Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Range(0, keys).Select(i => $"\"{first}{i:D7}\":1"))}}}");
}

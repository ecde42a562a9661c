using System.Text.RegularExpressions;
using Hindcast.Domain.Projects;

namespace Hindcast.Unit.Projects;

public sealed class ApiKeyTests
{
    const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData("hc", "hc_sk_")]
    [InlineData("tlm", "tlm_sk_")]
    [InlineData("trops", "trops_sk_")]
    [InlineData("a234567890123456", "a234567890123456_sk_")]
    [InlineData("YOPS", "YOPS-")]
    public void A_minted_key_has_its_prefix_and_a_valid_checksum(string prefix, string start)
    {
        var key = ApiKey.Mint(prefix);
        key.Should().StartWith(start).And.HaveLength(start.Length + 38);
        ApiKey.HasValidChecksum(key).Should().BeTrue();
        ApiKey.PrefixOf(key).ToString().Should().Be(prefix);
        Regex.IsMatch(key, $"^{ApiKey.Pattern}$").Should().BeTrue("a scanner finds what is issued");
    }

    [Theory]
    [InlineData("")]
    [InlineData("HC")]
    [InlineData("1a")]
    [InlineData("hc_")]
    [InlineData("yops-")]
    [InlineData("a2345678901234567")]
    public void No_key_is_minted_with_another_prefix(string prefix)
    {
        ApiKey.IsPrefix(prefix).Should().BeFalse();
        FluentActions.Invoking(() => ApiKey.Mint(prefix)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void The_checksum_is_CRC_32_in_base62()
    {
        // Computed elsewhere, with zlib's crc32: scanners and clients check keys with it too.
        ApiKey.HasValidChecksum("hc_sk_" + new string('0', 32) + "3PNJ8E").Should().BeTrue();
    }

    [Fact]
    public void Ten_thousand_typos_of_one_character_are_all_rejected()
    {
        var chance = new Random(1);
        var missed = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var key = ApiKey.Mint(i % 2 == 0 ? "hc" : "YOPS").ToCharArray();
            var at = chance.Next(key.Length);
            char other;
            do other = i % 5 == 0 ? (char)chance.Next(0x20, 0x3000) : Base62[chance.Next(62)];
            while (other == key[at]);
            key[at] = other;
            if (ApiKey.HasValidChecksum(key)) missed++;
        }
        missed.Should().Be(0);
    }

    [Fact]
    public void Swapped_neighbours_missing_and_doubled_characters_are_rejected()
    {
        for (var i = 0; i < 500; i++)
        {
            var key = ApiKey.Mint("hc");
            for (var at = 0; at < key.Length - 1; at++)
            {
                var swapped = key.ToCharArray();
                (swapped[at], swapped[at + 1]) = (swapped[at + 1], swapped[at]);
                if (key[at] != key[at + 1]) ApiKey.HasValidChecksum(swapped).Should().BeFalse();
            }
            ApiKey.HasValidChecksum(key.Remove(i % key.Length, 1)).Should().BeFalse();
            ApiKey.HasValidChecksum(key.Insert(i % key.Length, "0")).Should().BeFalse();
        }
    }

    [Fact]
    public void Keys_do_not_repeat() => Enumerable.Range(0, 10_000).Select(_ => ApiKey.Mint("hc")).Should().OnlyHaveUniqueItems();

    [Theory]
    [InlineData("hc", "1a2B", "hc_sk_…1a2B")]
    [InlineData("YOPS", "1a2B", "YOPS-…1a2B")]
    public void Of_a_key_prefix_and_last_four_are_shown(string prefix, string lastFour, string shown) => ApiKey.Mask(prefix, lastFour).Should().Be(shown);

    [Fact]
    public void Checking_allocates_nothing()
    {
        var key = ApiKey.Mint("hc");
        ApiKey.HasValidChecksum(key);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) ApiKey.HasValidChecksum(key);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }
}

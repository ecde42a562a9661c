using System.Text;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Application;
using Hindcast.Application.Search;
using Hindcast.Unit.Projects;

namespace Hindcast.Unit.Search;

/// <summary>B18: a cursor opens as it was made, for its query, in its time, and no other way.</summary>
public sealed class SearchCursorsTests
{
    static readonly SearchPosition s_place = new(1_500L, 1_790_000_000_000_000, "trace-1", "span-1", "default");
    readonly ManualClock _clock = new();
    readonly SearchCursors _cursors;

    public SearchCursorsTests() => _cursors = new(Encoding.UTF8.GetBytes("a key of thirty-two characters!!"), _clock);

    bool Opens(string cursor, string query = "query")
    {
        try
        {
            _cursors.Read(cursor, query);
            return true;
        }
        catch (BadRequest e)
        {
            e.Message.Should().StartWith("Invalid cursor");
            return false;
        }
    }

    [Fact]
    public void What_was_written_is_read()
    {
        foreach (var place in (SearchPosition[])[s_place, s_place with { Sort = null }, s_place with { Sort = "gpt \"4\" ä\0" }, s_place with { Sort = long.MinValue, TraceId = "\",\"seal\":\"" }])
            _cursors.Read(_cursors.Write(place, "query"), "query").Should().Be(place);
    }

    [Fact]
    public void Of_100_000_forged_ones_none_opens()
    {
        var (good, random) = (_cursors.Write(s_place, "query"), new Random(18));
        Opens(good).Should().BeTrue();
        var bytes = Convert.FromBase64String(good);
        for (var i = 0; i < 100_000; i++)
        {
            var forged = (byte[])bytes.Clone();
            switch (random.Next(4))
            {
                case 0: forged[random.Next(forged.Length)] ^= (byte)(1 << random.Next(8)); break;
                case 1: forged = forged[..random.Next(forged.Length)]; break;
                case 2: random.NextBytes(forged.AsSpan(random.Next(forged.Length))); break;
                default: forged = [.. forged, (byte)random.Next(256)]; break;
            }
            if (!forged.AsSpan().SequenceEqual(bytes)) Opens(Convert.ToBase64String(forged)).Should().BeFalse($"case {i}");
        }
    }

    [Fact]
    public void It_opens_for_its_query_and_its_key_and_for_a_day()
    {
        var good = _cursors.Write(s_place, "query");
        Opens(good, "another").Should().BeFalse();
        new SearchCursors(new byte[32], _clock).Invoking(other => other.Read(good, "query")).Should().Throw<BadRequest>();
        _clock.Now += TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1);
        Opens(good).Should().BeTrue();
        _clock.Now += TimeSpan.FromSeconds(2);
        Opens(good).Should().BeFalse();
    }
}

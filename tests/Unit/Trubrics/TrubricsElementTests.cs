using System.Text;
using System.Text.Json;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Application.Traces;

namespace Hindcast.Unit.Trubrics;

public sealed class TrubricsElementTests
{
    static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    readonly List<TrubricsFault> _faults = [];

    IReadOnlyList<NewEvent> Llm(string json, int index = 0, string project = "p") =>
        new TrubricsElement(project, Now, new(new byte[32])).Llm(JsonDocument.Parse(json).RootElement, Encoding.UTF8.GetBytes(json), index, _faults);

    [Fact]
    public void Ids_follow_from_project_bytes_place_and_half()
    {
        const string Json = """{"user_id":"u","prompt":"p","generation":"g"}""";
        var ids = Llm(Json).Select(e => e.EventId).ToList();
        Llm(Json).Select(e => e.EventId).Should().Equal(ids);
        ids.Concat(Llm(Json, index: 1).Select(e => e.EventId)).Concat(Llm(Json, project: "q").Select(e => e.EventId)).Concat(Llm(Json + " ").Select(e => e.EventId))
            .Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData("2024-10-09T13:21:46.182Z", "2024-10-09T13:21:46.1820000Z")]
    [InlineData("2026-11-21T00:22:34.322135", "2026-11-21T00:22:34.3221350Z")]
    [InlineData("2026-11-21 00:22:34", "2026-11-21T00:22:34.0000000Z")]
    [InlineData("2026-11-21T00:22:34+05:30", "2026-11-20T18:52:34.0000000Z")]
    [InlineData("2026-11-21", "2026-11-21T00:00:00.0000000Z")]
    public void Times_without_a_zone_are_utc(string given, string read) => Llm($$"""{"user_id":"u","prompt":"p","generation":"g","timestamp":"{{given}}"}""")[1]
        .At!.Value.UtcDateTime.ToString("O").Should().Be(read);

    [Theory]
    [InlineData("2.5", 2.5)]
    [InlineData("3", 3)]
    [InlineData("0", 1)]
    [InlineData("null", 1)]
    public void The_prompt_lies_before_the_generation_by_its_latency(string latency, double before)
    {
        var pair = Llm($$"""{"user_id":"u","prompt":"p","generation":"g","latency":{{latency}}}""");
        pair.Select(e => e.Type).Should().Equal("user_message", "llm_response");
        pair[1].At.Should().Be(Now);
        (pair[1].At - pair[0].At).Should().Be(TimeSpan.FromSeconds(before));
    }

    [Fact]
    public void A_time_before_which_there_is_none_is_no_surprise() =>
        Llm("""{"user_id":"u","prompt":"p","generation":"g","timestamp":"0001-01-01T00:00:00Z","latency":9}""").Should().HaveCount(2);

    [Fact]
    public void Every_fault_of_an_element_is_named()
    {
        Llm("""{"prompt":1,"latency":"x","properties":"y","timestamp":"z"}""", index: 7).Should().BeEmpty();
        _faults.Select(f => $"{string.Join(".", f.Loc)} {f.Type}").Should().Equal(
            "body.7.user_id missing", "body.7.prompt string_type", "body.7.generation missing", "body.7.latency float_parsing", "body.7.properties dict_type",
            "body.7.timestamp datetime_from_date_parsing");
    }
}

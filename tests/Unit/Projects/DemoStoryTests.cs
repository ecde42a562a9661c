using System.Text.Json;
using Hindcast.Api.CommandLine;

namespace Hindcast.Unit.Projects;

public sealed class DemoStoryTests
{
    static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_same_time_gives_the_same_bytes() => Json(DemoStory.Of(Now)).Should().Be(Json(DemoStory.Of(Now)));

    [Fact]
    public void Every_event_has_an_id_of_its_own_and_happened_within_the_day()
    {
        using var story = JsonDocument.Parse(Json(DemoStory.Of(Now)));
        var ids = new List<string>();
        foreach (var e in story.RootElement.EnumerateArray().SelectMany(Batch))
        {
            var at = (e.TryGetProperty("timestamp", out var time) || e.TryGetProperty("at", out time) ? time : default).GetDateTimeOffset();
            at.Should().BeOnOrBefore(Now).And.BeOnOrAfter(Now.AddHours(-24));
            if (e.TryGetProperty("idempotencyKey", out var id) || e.TryGetProperty("event_id", out id)) ids.Add(id.GetString()!);
            else ids.Add($"{e.GetProperty("user_id")} {at:O}");
        }
        ids.Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(70);
    }

    [Fact]
    public void It_counts_what_it_sends()
    {
        using var story = JsonDocument.Parse(Json(DemoStory.Of(Now)));
        story.RootElement.EnumerateArray().Should().OnlyContain(r => Batch(r).Count() == r.GetProperty("Events").GetInt32());
    }

    /// <summary>The version of an agent is no batch, and no event.</summary>
    static IEnumerable<JsonElement> Batch(JsonElement request) => request.GetProperty("Body") is { ValueKind: JsonValueKind.Array } batch ? batch.EnumerateArray() : [];

    static string Json(IReadOnlyList<DemoRequest> story) => JsonSerializer.Serialize(story);
}

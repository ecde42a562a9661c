using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>Where no door answers, or none to this method: the path says whose clients come there, and they are told in the form they read.</summary>
public sealed class NoSuchDoorTests(LiveServer server) : IClassFixture<LiveServer>
{
    [Theory]
    [InlineData("GET", "/api/ingestion/publish_events", 405, "detail")]
    [InlineData("PUT", "/api/ingestion/publish_llm_events", 405, "detail")]
    [InlineData("POST", "/api/ingestion/publish_nothing", 404, "detail")]
    [InlineData("PATCH", "/api/events", 405, "error")]
    [InlineData("GET", "/api/analytics/nothing", 404, "error")]
    [InlineData("PUT", "/api/llm-costs", 405, "error")]
    [InlineData("PATCH", "/api/threads", 405, "success error")]
    [InlineData("POST", "/api/entities/x/version-ids", 405, "success error")]
    [InlineData("GET", "/api/visualize/x/nothing", 404, "success error")]
    [InlineData("DELETE", "/api/traces", 405, "detail")]
    [InlineData("POST", "/", 405, "detail")]
    [InlineData("POST", "/v1/analytics/requests", 405, "error.type error.message error.code")]
    [InlineData("GET", "/v1/nothing", 404, "error.type error.message error.code")]
    [InlineData("PATCH", "/api/v1/traces", 405, "error.code error.message meta.timestamp")]
    [InlineData("GET", "/api/v1/nothing", 404, "error.code error.message meta.timestamp")]
    public async Task It_is_said_in_the_words_of_the_path(string method, string path, int status, string members)
    {
        var answer = await server.SendAsync(HttpMethod.Parse(method), path, method == "GET" ? null : "{}"u8.ToArray(), HindcastProcess.Key);
        answer.Status.Should().Be(status, answer.Text);
        answer.Json.EnumerateObject().SelectMany(m => m.Value.ValueKind == JsonValueKind.Object ? m.Value.EnumerateObject().Select(i => $"{m.Name}.{i.Name}") : [m.Name])
            .Should().BeEquivalentTo(members.Split(' '));
    }
}

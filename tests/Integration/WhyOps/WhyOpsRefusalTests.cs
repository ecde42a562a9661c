using System.Text;
using Hindcast.Application.EventSourcing;

namespace Hindcast.Integration.WhyOps;

/// <summary>What the doors say no to, in which words, and that nobody else pays for it.</summary>
public sealed class WhyOpsRefusalTests : IAsyncLifetime
{
    const string Ingest = "/api/events/ingest";
    const string Save = "/api/events";

    WhyOpsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await WhyOpsHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    static string Event(string traceId = "t", string agent = "a", string more = "", string type = "user_message") =>
        $$"""{"eventType":"{{type}}","traceId":"{{traceId}}","agentName":"{{agent}}","content":"Hello"{{more}}}""";

    [Fact]
    public async Task One_bad_element_costs_its_neighbours_nothing()
    {
        var body = $$"""[{{Event()}},{"eventType":"nope","agentName":"a","traceId":""},{{Event()}},7]""";
        var saved = await _host.PostAsync(Save, body);

        saved.Status.Should().Be(400);
        saved.Body.GetProperty("error").GetString().Should().Be("Validation failed");
        saved.Body.GetProperty("details").EnumerateArray().Select(d => (d.GetProperty("index").GetInt32(), d.GetProperty("field").GetString(), d.GetProperty("code").GetString()))
            .Should().Equal((1, "eventType", "invalid_union"), (1, "traceId", "too_small"), (3, "", "invalid_union"));
        saved.Body.GetProperty("failedCount").GetInt32().Should().Be(2);
        saved.Body.GetProperty("stored").ToString().Should().Be("[0,2]");
        saved.Body.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("stepId").GetInt32()).Should().Equal(1, 2);
        saved.Position.Should().Be("2");

        (await _host.PostAsync(Ingest, body)).Body.EnumerateObject().Select(p => p.Name).Should().Equal("error", "details", "failedCount", "stored");
        _host.Trace("t").Should().HaveCount(4);
    }

    [Fact]
    public async Task An_array_of_bad_elements_stores_nothing_and_names_a_hundred()
    {
        var answer = await _host.PostAsync(Ingest, $"[{string.Join(',', Enumerable.Repeat("{}", 150))}]");

        answer.Status.Should().Be(400);
        answer.Body.GetProperty("stored").ToString().Should().Be("[]");
        answer.Body.GetProperty("failedCount").GetInt32().Should().Be(150);
        answer.Body.GetProperty("details").EnumerateArray().Select(d => d.GetProperty("index").GetInt32()).Should().Equal(Enumerable.Range(0, 100));
        answer.Position.Should().BeNull();
    }

    [Fact]
    public async Task A_single_fault_answers_in_the_original_s_form()
    {
        var answer = await _host.PostAsync(Ingest, Event(more: ""","stepId":0"""));

        answer.Status.Should().Be(400);
        answer.Text.Should().Be("""{"error":"Validation failed","details":[{"field":"stepId","message":"Step ID must be a positive integer","code":"too_small"}]}""");
    }

    [Theory]
    [InlineData("{}", "MISSING_MODEL: llm_response events require \\\"model\\\" in metadata")]
    [InlineData("""{"model":"m"}""", "MISSING_PROVIDER: llm_response events require \\\"provider\\\" in metadata")]
    public async Task Model_and_provider_are_asked_for_at_every_door(string metadata, string message)
    {
        var e = Event(type: "llm_response", more: $",\"metadata\":{metadata}");
        foreach (var door in (string[])[Ingest, Save])
        {
            var answer = await _host.PostAsync(door, e);
            (answer.Status, answer.Text).Should().Be((400, $$"""{"error":"{{message}}"}"""));
        }
        var inArray = await _host.PostAsync(Ingest, $"[{e},{Event()}]");
        inArray.Status.Should().Be(400);
        inArray.Body.GetProperty("stored").ToString().Should().Be("[1]");
        inArray.Body.GetProperty("details")[0].GetProperty("field").GetString().Should().StartWith("metadata.");
    }

    [Fact]
    public async Task A_trace_stays_with_its_agent()
    {
        await _host.PostAsync(Ingest, Event(agent: "one"));
        var single = await _host.PostAsync(Ingest, Event(agent: "two"));
        var array = await _host.PostAsync(Ingest, $"[{Event(agent: "two")},{Event(agent: "one")}]");

        (single.Status, single.Text).Should().Be((409, """{"error":"Trace is already bound to a different agent/version for this traceId"}"""));
        array.Status.Should().Be(400);
        array.Body.GetProperty("details")[0].GetProperty("code").GetString().Should().Be("agent_conflict");
        array.Body.GetProperty("stored").ToString().Should().Be("[1]");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("nonsense")]
    [InlineData("""{"eventType":"error"}{}""")]
    public async Task A_body_that_is_no_json_is_refused_in_words(string body)
    {
        var answer = await _host.PostAsync(Ingest, body);
        answer.Status.Should().Be(400);
        answer.Body.GetProperty("error").GetString().Should().NotBeNullOrWhiteSpace();
    }

    [Fact]
    public async Task Another_content_type_is_failed_validation()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Ingest) { Content = new StringContent(Event(), Encoding.UTF8, "text/plain") };
        var answer = await _host.SendAsync(request);
        (answer.Status, answer.Body.GetProperty("error").GetString()).Should().Be((400, "Validation failed"));
    }

    [Fact]
    public async Task Faults_of_the_json_itself_are_the_element_s_own()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 200)) + string.Concat(Enumerable.Repeat("]", 200));
        var answer = await _host.PostAsync(Ingest, $$"""[{{Event()}},{{Event(more: ",\"traceId\":\"twice\"")}},{{Event(more: $",\"metadata\":{{\"x\":{deep}}}")}}]""");

        answer.Status.Should().Be(400);
        answer.Body.GetProperty("details").EnumerateArray().Select(d => d.GetProperty("index").GetInt32()).Should().Equal(1, 2);
        answer.Body.GetProperty("stored").ToString().Should().Be("[0]");
    }

    [Fact]
    public async Task Limits_hold_at_their_edge()
    {
        string Array(int count) => $"[{string.Join(',', Enumerable.Repeat(Event(), count))}]";
        (await _host.PostAsync(Ingest, Array(5_000))).Body.GetProperty("queuedCount").GetInt32().Should().Be(5_000);
        (await _host.PostAsync(Ingest, Array(5_001))).Status.Should().Be(400);

        var frame = Event("big", more: ""","pad":"" """).Length;
        string Sized(int bytes) => Event("big", more: $",\"pad\":\"{new string('x', bytes - frame)}\" ");
        (await _host.PostAsync(Ingest, Sized(15 << 20))).Status.Should().Be(202);
        (await _host.PostAsync(Ingest, Sized((15 << 20) + 1))).Status.Should().Be(413);
        var inArray = await _host.PostAsync(Ingest, $"[{Event("big")},{Sized((15 << 20) + 1)}]");
        (inArray.Status, inArray.Body.GetProperty("details")[0].GetProperty("code").GetString()).Should().Be((400, "too_big"));
        (await _host.PostAsync(Ingest, Sized(17 << 20))).Status.Should().Be(413);
    }

    [Fact]
    public async Task Refusals_have_the_dialect_s_form()
    {
        foreach (var key in (string?[])[null, "", "whyops_nobody"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Ingest);
            _host.Client.DefaultRequestHeaders.Authorization = key is null ? null : new("Bearer", key);
            var refused = await _host.SendAsync(request);
            (refused.Status, refused.Text).Should().Be((401, """{"error":"Unauthorized: Authentication required"}"""));
        }
        _host.Client.DefaultRequestHeaders.Authorization = new("Bearer", WhyOpsHost.ReadersKey);
        (await _host.PostAsync(Ingest, Event())).Status.Should().Be(403);
        _host.Client.DefaultRequestHeaders.Authorization = null;
        (await _host.PostAsync(Ingest, Event(), ("x-api-key", WhyOpsHost.Key))).Status.Should().Be(202);

        _host.Log.Failure = new LogUnavailable("The log does not answer.", TimeSpan.FromSeconds(3));
        var later = await _host.PostAsync(Ingest, Event(), ("x-api-key", WhyOpsHost.Key));
        (later.Status, later.Text).Should().Be((503, """{"error":"The log does not answer."}"""));
        later.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(3));
    }
}

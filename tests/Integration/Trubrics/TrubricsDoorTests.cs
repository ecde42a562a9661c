using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Trubrics;

public sealed class TrubricsDoorTests : IAsyncLifetime
{
    const string Events = "/api/ingestion/publish_events";
    const string Llm = "/api/ingestion/publish_llm_events";
    const string Documented =
        """[{"user_id":"user_id","event":"LLM generation","timestamp":"2024-10-09T13:21:46.182Z","properties":{"$text":"Tell me a joke","$thread_id":"thread_id","$assistant_id":"assistant_id","a_custom_property":"any custom value"}}]""";
    const string Generation =
        """[{"user_id":"u","assistant_id":"gpt-4o","prompt":"Hello","generation":"Hello sir","timestamp":"2024-10-09T13:21:46.182Z","latency":2.5,"properties":{"$thread_id":"t-1","plan":"pro"}}]""";

    readonly DoorHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task The_documented_event_is_one_product_event_in_the_stream_of_its_thread()
    {
        var answer = await _host.PostAsync(Events, Documented);

        answer.Status.Should().Be(200);
        answer.Text.Should().Be("""{"status":"success"}""");
        answer.Headers["X-Log-Position"].Should().Be("1");
        var (header, fact) = _host.Facts().Should().ContainSingle().Subject;
        header.TraceId.Should().Be("thread_id");
        header.Environment.Should().Be("staging", "the form has none, and the key has");
        header.Subject.Should().NotBeNull();
        var e = fact.Should().BeOfType<ProductEvent>().Subject;
        e.Name.Should().Be("LLM generation");
        e.UserId.Should().Be("user_id");
        e.SessionId.Should().Be("thread_id");
        e.At.Should().Be(new DateTimeOffset(2024, 10, 9, 13, 21, 46, 182, TimeSpan.Zero));
        e.Properties.Should().Contain("a_custom_property");
        e.Attributes["a_custom_property"].Should().Be("\"any custom value\"");
    }

    [Fact]
    public async Task An_event_without_a_thread_lies_with_its_user_and_day()
    {
        await _host.PostAsync(Events, """
            [{"user_id":"ada","event":"Sign up","timestamp":"2026-03-01T23:30:00-02:00"},
             {"user_id":"ada","event":"Converted","timestamp":"2026-03-02T08:00:00.322135","properties":null},
             {"user_id":"bob","event":"Sign up","timestamp":"2026-03-02T08:00:00Z","properties":{"$thread_id":null}}]
            """);

        var ids = _host.Facts().Select(f => f.Header.TraceId).ToList();
        ids.Should().HaveCount(3);
        ids.Distinct().Should().BeEquivalentTo(
            $"events-{_host.Subjects.Of("one", "ada")[..16]}-2026-03-02", $"events-{_host.Subjects.Of("one", "bob")[..16]}-2026-03-02");
        string.Concat(ids).Should().NotContain("ada");
    }

    [Fact]
    public async Task An_llm_event_is_a_prompt_and_the_generation_that_answered_it()
    {
        (await _host.PostAsync(Llm, Generation)).Status.Should().Be(200);

        var facts = _host.Facts().Select(f => f.Event).ToList();
        facts.Should().HaveCount(2);
        var prompt = facts[0].Should().BeOfType<UserMessage>().Subject;
        var generation = facts[1].Should().BeOfType<LlmResponse>().Subject;
        (prompt.Name, prompt.Input, prompt.TraceId, prompt.SessionId).Should().Be(("Prompt", "\"Hello\"", "t-1", "t-1"));
        (generation.Name, generation.Output, generation.Input, generation.Model).Should().Be(("Generation", "\"Hello sir\"", "\"Hello\"", "gpt-4o"));
        generation.Latency.Should().Be(TimeSpan.FromSeconds(2.5));
        (generation.At - prompt.At).Should().Be(TimeSpan.FromSeconds(2.5));
        facts.Should().OnlyContain(f => f.Attributes["plan"] == "\"pro\"" && f.UserId == "u");
        Trace.Of("t-1", facts).Spans.Values.Single(s => s.Kind == "llm").Duration.Should().Be(TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task What_the_python_sdk_sends_with_all_its_nulls_is_taken()
    {
        var before = DateTimeOffset.UnixEpoch.AddMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var answer = await _host.PostAsync(Llm, """
            [{"user_id":"u","prompt":"a","generation":"b","assistant_id":null,"timestamp":null,"latency":null,"properties":null,"thread_id":null,
              "prompt_event_name":"Prompt","generation_event_name":"Generation","unknown":1},
             {"user_id":"u","prompt":"a","generation":"b","latency":3,"thread_id":"top","properties":{"$thread_id":"inner"}}]
            """);

        answer.Status.Should().Be(200, answer.Text);
        var facts = _host.Facts();
        var untold = facts.Where(f => f.Header.TraceId != "top").Select(f => f.Event).ToList();
        untold.Should().HaveCount(2);
        untold.Select(e => e.TraceId).Distinct().Should().ContainSingle().Which.Should().StartWith("trubrics-");
        untold[1].At.Should().BeOnOrAfter(before);
        (untold[1].At - untold[0].At).Should().Be(TimeSpan.FromSeconds(1));
        untold[1].Latency.Should().BeNull();
        Trace.Of("x", untold).Spans.Values.Single(s => s.Kind == "llm").Duration.Should().BeNull("nobody told how long it took");
        facts.Where(f => f.Header.TraceId == "top").Should().HaveCount(2, "the explicit thread wins");
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_is_one_effect_and_two_equal_elements_are_two_facts()
    {
        const string Element = """{"user_id":"u","event":"click","timestamp":"2026-01-01T00:00:00Z"}""";
        var body = $"[{Element},{Element}]";
        for (var i = 0; i < 3; i++) (await _host.PostAsync(Events, body)).Status.Should().Be(200);
        for (var i = 0; i < 3; i++) (await _host.PostAsync(Llm, """[{"user_id":"u","prompt":"p","generation":"g"}]""")).Status.Should().Be(200);

        _host.Facts().Count(f => f.Header.Type == "product_event").Should().Be(2);
        _host.Facts().Count(f => f.Header.Type == "llm_response").Should().Be(1);
        await _host.PostAsync(Events, body, DoorHost.OtherKey);
        _host.Facts().Count(f => f.Header.Type == "product_event").Should().Be(4, "another project's facts are its own");
    }

    [Theory]
    [InlineData(Events)]
    [InlineData(Llm)]
    public async Task An_empty_list_is_a_success(string door)
    {
        var answer = await _host.PostAsync(door, "[]");
        (answer.Status, answer.Text).Should().Be((200, """{"status":"success"}"""));
        _host.Log.All.Should().BeEmpty();
    }

    [Fact]
    public async Task The_curl_example_that_is_not_json_is_refused_and_not_mended()
    {
        var answer = await _host.PostAsync(Llm, """
            [{"user_id": "user_id", "assistant_id": "gpt-4o", "prompt": "Hello", "generation": "Hello sir",
              "timestamp": "2024-10-09T13:21:46.182Z", "latency": 2.5
              "properties": {"$thread_id": "thread_id"}}]
            """);
        answer.Status.Should().Be(422);
        answer.Json.GetProperty("detail")[0].GetProperty("type").GetString().Should().Be("json_invalid");
        _host.Log.All.Should().BeEmpty();
    }

    [Fact]
    public async Task Good_neighbours_are_stored_and_every_bad_index_and_field_is_named()
    {
        var answer = await _host.PostAsync(Events, """
            [{"user_id":"u","event":"e","timestamp":"2026-01-01T00:00:00Z"},
             {"event":5,"timestamp":"soon"},
             {"user_id":"u","event":"e","timestamp":"2026-01-01T00:00:01Z"},
             "text"]
            """);

        answer.Status.Should().Be(422);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[0,2]");
        Details(answer).Should().Equal(
            "[\"body\",1,\"user_id\"] missing", "[\"body\",1,\"event\"] string_type", "[\"body\",1,\"timestamp\"] datetime_from_date_parsing",
            "[\"body\",3] model_attributes_type");
        answer.Json.GetProperty("detail")[0].GetProperty("msg").GetString().Should().Be("Field required");
        _host.Facts().Should().HaveCount(2);
    }

    [Theory]
    [InlineData("""{"user_id":"u"}""", "list_type")]
    [InlineData("null", "json_invalid")]
    [InlineData("[{]", "json_invalid")]
    [InlineData("", "json_invalid")]
    [InlineData("[1,]", "json_invalid")]
    public async Task What_is_no_list_is_422(string body, string type)
    {
        var answer = await _host.PostAsync(Events, body);
        answer.Status.Should().Be(422);
        Details(answer).Should().Equal($"[\"body\"] {type}");
    }

    [Fact]
    public async Task More_than_a_hundred_are_refused_as_a_whole()
    {
        static string Batch(int n) => $"[{string.Join(",", Enumerable.Range(0, n).Select(i => $$"""{"user_id":"u","event":"e{{i}}","timestamp":"2026-01-01T00:00:00Z"}"""))}]";
        (await _host.PostAsync(Events, Batch(100))).Status.Should().Be(200);
        var answer = await _host.PostAsync(Events, Batch(101));
        answer.Status.Should().Be(422);
        Details(answer).Should().Equal("[\"body\"] too_long");
        _host.Log.All.Should().HaveCount(100);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public async Task Who_has_no_key_is_told_so_in_their_words(string? key)
    {
        var answer = await _host.PostAsync(Events, Documented, key);
        (answer.Status, answer.Text).Should().Be((401, """{"detail":"Invalid API key"}"""));
    }

    [Fact]
    public async Task Whole_refusals_have_a_sentence_for_detail()
    {
        var scope = await _host.PostAsync(Events, Documented, DoorHost.ReadKey);
        scope.Status.Should().Be(403);
        scope.Json.GetProperty("detail").ValueKind.Should().Be(JsonValueKind.String);

        var large = await _host.PostAsync(Events, Encoding.UTF8.GetBytes($"[\"{new string('x', 20 * 1024 * 1024)}\"]"));
        large.Status.Should().Be(413);
        large.Json.GetProperty("detail").ValueKind.Should().Be(JsonValueKind.String);

        _host.Log.Failure = new LogUnavailable("The log is away.", TimeSpan.FromSeconds(3));
        var away = await _host.PostAsync(Events, Documented);
        (away.Status, away.Headers["Retry-After"]).Should().Be((503, "3"));
        away.Json.GetProperty("detail").GetString().Should().Be("The log is away.");
    }

    [Theory]
    [InlineData(Events)]
    [InlineData(Llm)]
    public async Task Browsers_of_any_origin_may_write_and_none_brings_credentials(string door)
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, door);
        preflight.Headers.Add("Origin", "https://shop.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "content-type,x-api-key");
        using var allowed = await _host.Http.SendAsync(preflight, TestContext.Current.CancellationToken);
        ((int)allowed.StatusCode).Should().Be(204);
        allowed.Headers.GetValues("Access-Control-Allow-Origin").Should().Equal("*");
        string.Join(",", allowed.Headers.GetValues("Access-Control-Allow-Headers")).ToLowerInvariant().Should().Contain("content-type").And.Contain("x-api-key");
        allowed.Headers.Contains("Access-Control-Allow-Credentials").Should().BeFalse();

        (await _host.PostAsync(door, "[]", headers: ("Origin", "https://shop.example"))).Headers["Access-Control-Allow-Origin"].Should().Be("*");
        (await _host.PostAsync(door, "[]", key: null, headers: ("Origin", "https://shop.example"))).Headers["Access-Control-Allow-Origin"]
            .Should().Be("*", "the page has to be able to read the refusal");
    }

    static IEnumerable<string> Details(Answer answer) => answer.Json.GetProperty("detail").EnumerateArray()
        .Select(d => $"{d.GetProperty("loc").GetRawText()} {d.GetProperty("type").GetString()}");
}

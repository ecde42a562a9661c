using System.Text;

namespace Hindcast.Integration.Native;

/// <summary>The rows of the bad-input matrix at our own door: refused by name, or stored and shown harmless; never a 5xx.</summary>
public sealed class EventDoorBadInputTests : IAsyncLifetime
{
    const string Door = "/api/v1/events";
    const string Good = """{"type":"user_message","trace_id":"good"}""";

    readonly DoorHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{\"type\":")]
    [InlineData("[1,]")]
    [InlineData("nul")]
    [InlineData("[{}] x")]
    public async Task What_is_no_json_is_400(string body)
    {
        var answer = await _host.PostAsync(Door, body);
        answer.Status.Should().Be(400, answer.Text);
        answer.Json.GetProperty("error").GetProperty("message").GetString().Should().NotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("\"a\\u0000b\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\udc00x\"")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("[\"t\"]")]
    public async Task Ids_are_clean_texts_or_refused_by_name(string value)
    {
        foreach (var field in (string[])["trace_id", "event_id", "span_id", "parent_span_id", "user_id", "session_id"])
        {
            var trace = field == "trace_id" ? "" : "\"trace_id\":\"t\",";
            var answer = await _host.PostAsync(Door, $$"""[{{Good}},{"type":"user_message",{{trace}}"{{field}}":{{value}}}]""");
            answer.Status.Should().Be(400, $"{field} is {value}");
            answer.Json.GetProperty("errors")[0].GetProperty("index").GetInt32().Should().Be(1);
            answer.Json.GetProperty("errors")[0].GetProperty("field").GetString().Should().Be(field);
            answer.Json.GetProperty("stored").GetRawText().Should().Be("[0]");
        }
    }

    [Theory]
    [InlineData("trace_id", 128)]
    [InlineData("event_id", 255)]
    [InlineData("span_id", 128)]
    [InlineData("parent_span_id", 128)]
    [InlineData("user_id", 255)]
    [InlineData("session_id", 255)]
    [InlineData("name", 255)]
    [InlineData("kind", 255)]
    [InlineData("environment", 255)]
    [InlineData("model", 255)]
    [InlineData("provider", 255)]
    [InlineData("agent", 255)]
    public async Task A_text_that_is_indexed_is_as_long_as_its_limit_and_no_longer(string field, int longest)
    {
        var trace = field == "trace_id" ? "" : "\"trace_id\":\"t\",";
        string Body(int n) => $$"""{"type":"user_message",{{trace}}"{{field}}":"{{new string('x', n)}}"}""";
        (await _host.PostAsync(Door, Body(longest))).Status.Should().Be(202);
        foreach (var n in (int[])[longest + 1, 3 * 1024, 1024 * 1024])
        {
            var answer = await _host.PostAsync(Door, Body(n));
            answer.Status.Should().Be(400);
            answer.Text.Should().Contain($"\"field\":\"{field}\"").And.Contain($"{longest} characters");
        }
    }

    [Theory]
    [InlineData("""{"type":"user_message","trace_id":"t","trace_id":"u"}""")]
    [InlineData("""{"type":"user_message","trace_id":"t","content":{"a":[{"b":1,"\u0062":2}]}}""")]
    [InlineData("""{"type":"user_message","trace_id":"t","content":{"a\u0000":1}}""")]
    [InlineData("""{"type":"user_message","trace_id":"t","attributes":{"\ud800":1}}""")]
    public async Task Keys_that_two_readers_would_read_differently_are_refused(string bad)
    {
        var answer = await _host.PostAsync(Door, $"[{bad},{Good}]");
        answer.Status.Should().Be(400, answer.Text);
        answer.Json.GetProperty("errors")[0].GetProperty("index").GetInt32().Should().Be(0);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[1]");
    }

    [Fact]
    public async Task Bad_texts_in_values_are_kept_as_they_came_and_shown_harmless()
    {
        const string Body = """{"type":"llm_response","trace_id":"t","name":"a\u0000","model":"\ud800","content":"x\u0000y","attributes":{"k":"\udfff"}}""";
        (await _host.PostAsync(Door, Body)).Status.Should().Be(202);
        Encoding.UTF8.GetString(_host.Log.All[0].Content.Span).Should().Be(Body);
        var (header, fact) = _host.Facts()[0];
        header.Model.Should().Be("\uFFFD");
        fact.Sanitised.Should().BeTrue();
        $"{fact.Name}{fact.Model}{fact.Attributes["k"]}".Should().NotContain("\0").And.NotContain("u0000").And.Contain("\uFFFD");
    }

    [Theory]
    [InlineData("attributes", 32, 202)]
    [InlineData("attributes", 33, 400)]
    [InlineData("content", 60, 202)]
    [InlineData("content", 65, 400)]
    [InlineData("content", 1_001, 400)]
    [InlineData("content", 10_000, 400)]
    public async Task Nesting_has_an_end(string field, int depth, int status)
    {
        var nested = new string('[', depth) + new string(']', depth);
        var value = field == "attributes" ? "{\"k\":" + nested + "}" : nested;
        var answer = await _host.PostAsync(Door, "{\"type\":\"user_message\",\"trace_id\":\"t\",\"" + field + "\":" + value + "}");
        answer.Status.Should().Be(status, answer.Text);
    }

    [Theory]
    [InlineData("\"usage\":{\"input\":9007199254740991}", 202)]
    [InlineData("\"usage\":{\"input\":9007199254740992}", 400)]
    [InlineData("\"usage\":{\"total\":1e400}", 400)]
    [InlineData("\"usage\":{\"prompt_tokens\":\"5\"}", 400)]
    [InlineData("\"usage\":{\"input\":null}", 202)]
    [InlineData("\"usage\":[]", 400)]
    [InlineData("\"latency_ms\":1e400", 400)]
    [InlineData("\"latency_ms\":-0.5", 400)]
    [InlineData("\"latency_ms\":12.75", 202)]
    [InlineData("\"ttft_ms\":\"1\"", 400)]
    [InlineData("\"status\":\"FAILED\"", 202)]
    [InlineData("\"status\":\"maybe\"", 400)]
    [InlineData("\"error\":5", 400)]
    [InlineData("\"at\":\"2026-01-01T00:00:00\"", 400)]
    [InlineData("\"at\":\"2026-01-01\"", 400)]
    [InlineData("\"at\":1767225600", 400)]
    [InlineData("\"at\":\"2026-01-01T00:00:00.123456789012Z\"", 202)]
    [InlineData("\"at\":\"0001-01-01T00:00:00Z\"", 202)]
    [InlineData("\"at\":\"9999-12-31T23:59:59Z\"", 202)]
    [InlineData("\"attributes\":{\"__proto__\":1,\"a..b\":2,\"a\":{\"b\":3},\"$type\":\"x\"}", 202)]
    [InlineData("\"attributes\":[]", 400)]
    public async Task Typed_fields_keep_their_ranges(string member, int status)
    {
        var answer = await _host.PostAsync(Door, "{\"type\":\"llm_response\",\"trace_id\":\"t\"," + member + "}");
        answer.Status.Should().Be(status, answer.Text);
        if (status == 202) _host.Facts().Should().ContainSingle("what was taken in can be read");
        else answer.Json.GetProperty("errors")[0].GetProperty("field").GetString().Should().StartWith(member.Split('"')[1]);
    }

    [Fact]
    public async Task Attributes_keep_their_number_and_the_length_of_their_keys()
    {
        string Body(IEnumerable<string> keys) => "{\"type\":\"user_message\",\"trace_id\":\"t\",\"attributes\":{" + string.Join(",", keys.Select(k => $"\"{k}\":1")) + "}}";
        (await _host.PostAsync(Door, Body(Enumerable.Range(0, 128).Select(i => $"k{i}")))).Status.Should().Be(202);
        (await _host.PostAsync(Door, Body(Enumerable.Range(0, 129).Select(i => $"k{i}")))).Status.Should().Be(400);
        (await _host.PostAsync(Door, Body([new('k', 255)]))).Status.Should().Be(202);
        (await _host.PostAsync(Door, Body([new('k', 256)]))).Status.Should().Be(400);
    }

    [Fact]
    public async Task Batches_have_a_thousand_elements_elements_4_MiB_and_bodies_16()
    {
        (await _host.PostAsync(Door, $"[{string.Join(",", Enumerable.Repeat(Good, 1_000))}]")).Status.Should().Be(202);
        (await _host.PostAsync(Door, $"[{string.Join(",", Enumerable.Repeat(Good, 1_001))}]")).Status.Should().Be(400);
        _host.Log.All.Should().HaveCount(1_000);

        var large = "{\"type\":\"user_message\",\"trace_id\":\"t\",\"content\":\"" + new string('x', 4 * 1024 * 1024) + "\"}";
        var answer = await _host.PostAsync(Door, $"[{large},{Good}]");
        answer.Status.Should().Be(400);
        answer.Json.GetProperty("errors")[0].GetProperty("code").GetString().Should().Be("too_large");
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[1]");

        (await _host.PostAsync(Door, new byte[20 * 1024 * 1024])).Status.Should().Be(413);
    }

    [Fact]
    public async Task A_bad_line_is_one_bad_element()
    {
        var answer = await _host.PostAsync(Door, $"{Good}\n{{\"type\":\n{Good}\n", contentType: "application/x-ndjson");
        answer.Status.Should().Be(400);
        answer.Json.GetProperty("errors").EnumerateArray().Should().ContainSingle().Which.GetProperty("index").GetInt32().Should().Be(1);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[0,2]");
    }
}

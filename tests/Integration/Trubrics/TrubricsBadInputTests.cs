using System.Text;

namespace Hindcast.Integration.Trubrics;

/// <summary>The rows of the bad-input matrix that this dialect's doors can meet: refused by name, or stored and shown harmless; never a 5xx.</summary>
public sealed class TrubricsBadInputTests : IAsyncLifetime
{
    const string Door = "/api/ingestion/publish_llm_events";
    const string Good = """{"user_id":"good","prompt":"p","generation":"g","timestamp":"2026-01-01T00:00:00Z"}""";

    readonly DoorHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("user_id", "\"a\\u0000b\"", "string_unicode")]
    [InlineData("user_id", "\"\\ud800\"", "string_unicode")]
    [InlineData("user_id", "\"\"", "string_too_short")]
    [InlineData("user_id", "null", "string_type")]
    [InlineData("user_id", "7", "string_type")]
    [InlineData("prompt", "{}", "string_type")]
    [InlineData("generation", "null", "string_type")]
    [InlineData("thread_id", "\"a\\u0000b\"", "string_unicode")]
    [InlineData("assistant_id", "\"\\udc00\"", "string_unicode")]
    [InlineData("timestamp", "1700000000", "datetime_type")]
    [InlineData("timestamp", "\"2026-02-30T00:00:00Z\"", "datetime_parsing")]
    [InlineData("timestamp", "\"01/02/2026\"", "datetime_from_date_parsing")]
    [InlineData("latency", "\"2.5\"", "float_parsing")]
    [InlineData("latency", "-1", "greater_than_equal")]
    [InlineData("latency", "1e400", "finite_number")]
    [InlineData("latency", "1e12", "less_than_equal")]
    [InlineData("latency", "true", "float_type")]
    [InlineData("properties", "[]", "dict_type")]
    public async Task A_bad_field_is_named_and_its_neighbours_are_stored(string field, string value, string type)
    {
        var members = new Dictionary<string, string> { ["user_id"] = "\"u\"", ["prompt"] = "\"p\"", ["generation"] = "\"g\"", [field] = value };
        var bad = $"{{{string.Join(",", members.Select(m => $"\"{m.Key}\":{m.Value}"))}}}";

        var answer = await _host.PostAsync(Door, $"[{Good},{bad}]");

        answer.Status.Should().Be(422, answer.Text);
        var detail = answer.Json.GetProperty("detail").EnumerateArray().Single();
        detail.GetProperty("loc").GetRawText().Should().Be($"[\"body\",1,\"{field}\"]");
        detail.GetProperty("type").GetString().Should().Be(type);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[0]");
        _host.Facts().Should().HaveCount(2);
    }

    [Theory]
    [InlineData("""{"user_id":"u","user_id":"v","prompt":"p","generation":"g"}""")]
    [InlineData("""{"user_id":"u","prompt":"p","generation":"g","properties":{"a":1,"\u0061":2}}""")]
    [InlineData("""{"user_id":"u","prompt":"p","generation":"g","properties":{"a\u0000":1}}""")]
    [InlineData("""{"user_id":"u","prompt":"p","generation":"g","properties":{"\ud800":1}}""")]
    public async Task Keys_that_two_readers_would_read_differently_are_refused(string bad)
    {
        var answer = await _host.PostAsync(Door, $"[{bad},{Good}]");
        answer.Status.Should().Be(422, answer.Text);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[1]");
    }

    [Theory]
    [InlineData("user_id", 255)]
    [InlineData("thread_id", 128)]
    [InlineData("assistant_id", 255)]
    public async Task An_id_is_as_long_as_its_limit_and_no_longer(string field, int longest)
    {
        string Element(int n) => $$"""[{"user_id":"u","prompt":"p","generation":"g","timestamp":"2026-01-01T00:00:00Z","{{field}}":"{{new string('x', n)}}"}]"""
            .Replace(field == "user_id" ? "\"user_id\":\"u\"," : "\0", "");
        (await _host.PostAsync(Door, Element(longest))).Status.Should().Be(200);
        foreach (var n in (int[])[longest + 1, 3 * 1024])
        {
            var answer = await _host.PostAsync(Door, Element(n));
            answer.Status.Should().Be(422);
            answer.Text.Should().Contain($"\"{field}\"").And.Contain($"{longest} characters");
        }
    }

    [Fact]
    public async Task A_thread_among_the_properties_keeps_the_limit_of_a_trace_id()
    {
        string Event(string thread) => """[{"user_id":"u","event":"e","timestamp":"2026-01-01T00:00:00Z","properties":{"$thread_id":""" + thread + "}}]";
        (await _host.PostAsync("/api/ingestion/publish_events", Event("42"))).Status.Should().Be(200);
        _host.Facts()[^1].Header.TraceId.Should().Be("42");
        foreach (var bad in (string[])[$"\"{new string('x', 129)}\"", "\"a\\u0000\""])
        {
            var answer = await _host.PostAsync("/api/ingestion/publish_events", Event(bad));
            answer.Status.Should().Be(422);
            answer.Json.GetProperty("detail")[0].GetProperty("loc").GetRawText().Should().Be("""["body",0,"properties","$thread_id"]""");
        }
    }

    [Fact]
    public async Task Bad_texts_in_values_are_kept_as_they_came_and_shown_harmless()
    {
        var body = """[{"user_id":"u","prompt":"a\u0000b","generation":"\ud800","properties":{"x":"\u0000"}}]""";
        (await _host.PostAsync(Door, body)).Status.Should().Be(200);
        Encoding.UTF8.GetString(_host.Log.All[0].Content.Span).Should().Be(body[1..^1]);
        _host.Facts().Select(f => f.Event).Should().OnlyContain(e => e.Sanitised);
    }

    [Theory]
    [InlineData(32, 200)]
    [InlineData(33, 422)]
    [InlineData(65, 422)]
    [InlineData(900, 422)]
    [InlineData(10_000, 422)]
    public async Task Properties_are_nested_32_deep_and_no_deeper(int depth, int status)
    {
        var nested = new string('[', depth) + new string(']', depth);
        var answer = await _host.PostAsync(Door, """[{"user_id":"u","prompt":"p","generation":"g","properties":{"deep":""" + nested + "}}]");
        answer.Status.Should().Be(status, answer.Text);
    }

    [Fact]
    public async Task Properties_are_128_and_no_more()
    {
        string Body(int n) => """[{"user_id":"u","prompt":"p","generation":"g","properties":{""" + string.Join(",", Enumerable.Range(0, n).Select(i => $"\"p{i}\":{i}")) + "}}]";
        (await _host.PostAsync(Door, Body(128))).Status.Should().Be(200);
        (await _host.PostAsync(Door, Body(129))).Status.Should().Be(422);
    }
}

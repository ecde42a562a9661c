using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Native;

public sealed class EventDoorTests : IAsyncLifetime
{
    const string Door = "/api/v1/events";

    readonly DoorHost _host = new();

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_batch_is_answered_per_element_and_is_in_the_log()
    {
        var answer = await _host.PostAsync(Door, """
            [{"type":"llm_request","trace_id":"t","span_id":"s","event_id":"mine","at":"2026-01-01T00:00:00.1234567+01:00","model":"gpt","user_id":"ada","content":"Hi"},
             {"type":"llm_response","trace_id":"t","span_id":"s","latency_ms":250,"usage":{"input":1200,"cache_read":8200,"cache_write":300,"output":240},"content":"Hello","later":{"x":1}},
             {"type":"score","trace_id":"u","name":"helpful","content":{"value":true}}]
            """);

        answer.Status.Should().Be(202, answer.Text);
        answer.Json.GetProperty("accepted").GetInt32().Should().Be(3);
        var results = answer.Json.GetProperty("results").EnumerateArray().ToList();
        results.Select(r => r.GetProperty("status").GetString()).Should().Equal("stored", "stored", "stored");
        results.Select(r => r.GetProperty("index").GetInt32()).Should().Equal(0, 1, 2);
        results[0].GetProperty("event_id").GetString().Should().Be("mine", "ids go back as they came");
        Guid.TryParse(results[1].GetProperty("event_id").GetString(), out _).Should().BeTrue();
        results[1].GetProperty("revision").GetInt64().Should().Be(1);
        results[2].GetProperty("span_id").ValueKind.Should().Be(JsonValueKind.Null, "it is a score of the whole trace");
        answer.Headers["X-Log-Position"].Should().Be(results.Max(r => r.GetProperty("position").GetInt64()).ToString(System.Globalization.CultureInfo.InvariantCulture));

        var facts = _host.Facts();
        facts.Single(f => f.Header.Type == "llm_request").Header.At.Should().Be(new DateTimeOffset(2025, 12, 31, 23, 0, 0, TimeSpan.Zero).AddTicks(1_234_560));
        facts.Single(f => f.Header.Type == "llm_response").Header.Usage!.Total.Should().Be(9_940);
        facts[0].Header.Source.Dialect.Should().Be("native");
        _host.Log.All.Select(r => Encoding.UTF8.GetString(r.Content.Span)).Should().Contain(c => c.Contains("\"later\":{\"x\":1}"), "what we do not know we keep");
    }

    [Theory]
    [InlineData("application/x-ndjson")]
    [InlineData("application/ndjson; charset=utf-8")]
    [InlineData("application/jsonl")]
    public async Task Lines_are_a_batch(string type)
    {
        var answer = await _host.PostAsync(Door, "{\"type\":\"user_message\",\"trace_id\":\"t\",\"content\":\"a\"}\n\n{\"type\":\"user_message\",\"trace_id\":\"t\",\"content\":\"b\"}\n", contentType: type);
        answer.Status.Should().Be(202, answer.Text);
        answer.Json.GetProperty("accepted").GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task One_object_is_a_batch_of_one_and_none_is_no_mistake()
    {
        (await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""")).Json.GetProperty("accepted").GetInt32().Should().Be(1);
        var none = await _host.PostAsync(Door, "[]");
        (none.Status, none.Text).Should().Be((202, """{"accepted":0,"results":[]}"""));
        none.Headers.Should().ContainKey("X-Log-Position");
    }

    [Fact]
    public async Task Good_neighbours_are_stored_and_every_bad_index_and_field_is_named()
    {
        var answer = await _host.PostAsync(Door, """
            [{"type":"user_message","trace_id":"t","content":"a"},
             {"type":"nonsense","at":"yesterday","usage":{"input":-1,"output":1.5},"user_id":7},
             {"type":"score","trace_id":"t"},
             5,
             {"type":"user_message","trace_id":"t","content":"b"}]
            """);

        answer.Status.Should().Be(400);
        answer.Json.GetProperty("error").GetProperty("code").GetString().Should().Be("VALIDATION_FAILED");
        answer.Json.GetProperty("meta").TryGetProperty("timestamp", out _).Should().BeTrue();
        Errors(answer).Should().BeEquivalentTo(
            "1 type unknown_type", "1 trace_id required", "1 user_id wrong_type", "1 at invalid_time", "1 usage.input out_of_range", "1 usage.output out_of_range",
            "2 name required", "2 content.value required", "3  wrong_type");
        answer.Json.GetProperty("error_count").GetInt32().Should().Be(9);
        answer.Json.GetProperty("stored").GetRawText().Should().Be("[0,4]");
        answer.Json.GetProperty("results").GetArrayLength().Should().Be(2);
        answer.Headers["X-Log-Position"].Should().Be("2");
    }

    [Fact]
    public async Task Of_many_faults_the_first_hundred_are_named_and_all_are_counted()
    {
        var answer = await _host.PostAsync(Door, $"[{string.Join(",", Enumerable.Repeat("{}", 150))}]");
        answer.Json.GetProperty("errors").GetArrayLength().Should().Be(100);
        answer.Json.GetProperty("error_count").GetInt32().Should().Be(300);
        answer.Json.GetProperty("errors")[99].GetProperty("index").GetInt32().Should().Be(49);
    }

    [Fact]
    public async Task An_id_that_is_known_is_a_repeat_with_the_same_content_and_a_conflict_with_another()
    {
        const string First = """{"type":"user_message","trace_id":"t","event_id":"e","content":"a"}""";
        const string Other = """{"type":"user_message","trace_id":"t","event_id":"e","content":"b"}""";
        var stored = await _host.PostAsync(Door, First);
        var again = await _host.PostAsync(Door, $"[{First},{First}]");
        again.Status.Should().Be(202);
        again.Json.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("status").GetString()).Should().Equal("duplicate", "duplicate");
        again.Json.GetProperty("results")[0].GetProperty("position").GetRawText().Should().Be(stored.Json.GetProperty("results")[0].GetProperty("position").GetRawText());

        var one = await _host.PostAsync(Door, Other);
        one.Status.Should().Be(409);
        Errors(one).Should().Equal("0 event_id conflict");
        var mixed = await _host.PostAsync(Door, $"[{First},{Other}]");
        mixed.Status.Should().Be(400);
        Errors(mixed).Should().Equal("1 event_id conflict");
        mixed.Json.GetProperty("stored").GetRawText().Should().Be("[0]");
        _host.Log.All.Should().ContainSingle();
    }

    [Fact]
    public async Task A_trace_keeps_its_agent()
    {
        var answer = await _host.PostAsync(Door, """
            [{"type":"user_message","trace_id":"t","agent":"one"},{"type":"user_message","trace_id":"t","agent":"two"},{"type":"user_message","trace_id":"t"}]
            """);
        Errors(answer).Should().Equal("1 agent agent_conflict");
        _host.Log.All.Should().HaveCount(2);
    }

    [Fact]
    public async Task Without_ids_and_key_each_sending_is_its_own_event()
    {
        for (var i = 0; i < 2; i++) await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""");
        _host.Log.All.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_hundred_equal_requests_with_one_key_are_one_effect_and_one_answer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ =>
            _host.PostAsync(Door, """[{"type":"user_message","trace_id":"t"},{"type":"user_message","trace_id":"t"}]""", headers: ("Idempotency-Key", "k"))));
        answers.Should().OnlyContain(a => a.Status == 202 && a.Headers["X-Log-Position"] == "2");
        answers.Select(a => a.Text).Distinct().Should().ContainSingle();
        _host.Log.All.Should().HaveCount(2);

        await _host.PostAsync(Door, """[{"type":"user_message","trace_id":"t"}]""", DoorHost.OtherKey, headers: ("Idempotency-Key", "k"));
        _host.Log.All.Should().HaveCount(3, "another project's key is another key");
    }

    [Fact]
    public async Task A_key_is_for_one_body()
    {
        await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""", headers: ("Idempotency-Key", "k"));
        var other = await _host.PostAsync(Door, """{"type":"user_message","trace_id":"u"}""", headers: ("Idempotency-Key", "k"));
        other.Status.Should().Be(422);
        other.Json.GetProperty("error").GetProperty("details").GetString().Should().Be("Idempotency-Key");
        _host.Log.All.Should().ContainSingle();
    }

    [Fact]
    public async Task A_retry_whose_first_answer_was_lost_with_the_process_has_one_effect()
    {
        const string Body = """[{"type":"user_message","trace_id":"t"},{"type":"user_message","trace_id":"t"}]""";
        await _host.PostAsync(Door, Body, headers: ("Idempotency-Key", "k"));

        await using var restarted = new DoorHost(_host.Log);
        await restarted.InitializeAsync();
        var answer = await restarted.PostAsync(Door, Body, headers: ("Idempotency-Key", "k"));
        answer.Status.Should().Be(202);
        answer.Json.GetProperty("results").EnumerateArray().Should().OnlyContain(r => r.GetProperty("status").GetString() == "duplicate");
        _host.Log.All.Should().HaveCount(2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("täst")]
    [InlineData("256")]
    public async Task A_key_that_is_none_is_refused(string key)
    {
        if (key == "256") key = new('k', 256);
        var answer = await _host.PostAsync(Door, "[]", headers: ("Idempotency-Key", key));
        answer.Status.Should().Be(400);
        answer.Json.GetProperty("error").GetProperty("details").GetString().Should().Be("Idempotency-Key");
    }

    [Fact]
    public async Task A_log_that_is_away_is_503_and_the_same_request_can_be_sent_again()
    {
        _host.Log.Failure = new LogUnavailable("away", TimeSpan.FromSeconds(2));
        (await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""", headers: ("Idempotency-Key", "k"))).Status.Should().Be(503);
        _host.Log.Failure = null;
        (await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""", headers: ("Idempotency-Key", "k"))).Status.Should().Be(202);
        _host.Log.All.Should().ContainSingle();
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("wrong", 401)]
    [InlineData(DoorHost.ReadKey, 403)]
    public async Task Who_may_not_write_does_not(string? key, int status)
    {
        (await _host.PostAsync(Door, """{"type":"user_message","trace_id":"t"}""", key)).Status.Should().Be(status);
        _host.Log.All.Should().BeEmpty();
    }

    [Fact]
    public async Task Every_type_of_fact_goes_in_and_comes_out()
    {
        var types = Hindcast.Application.Traces.FactReader.Types;
        var answer = await _host.PostAsync(Door, $"[{string.Join(",", types.Select(t => "{\"type\":\"" + t + "\",\"trace_id\":\"t\",\"name\":\"n\",\"content\":{\"value\":1}}"))}]");
        answer.Status.Should().Be(202, answer.Text);
        _host.Facts().Select(f => f.Header.Type).Should().Equal(types);
        Trace.Of("t", _host.Facts().Select(f => f.Event)).Scores.Should().ContainSingle();
    }

    static IEnumerable<string> Errors(Answer answer) => answer.Json.GetProperty("errors").EnumerateArray()
        .Select(e => $"{e.GetProperty("index").GetInt32()} {e.GetProperty("field").GetString()} {e.GetProperty("code").GetString()}");
}

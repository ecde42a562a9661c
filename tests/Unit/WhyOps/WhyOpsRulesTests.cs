using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit.WhyOps;

/// <summary>Every row of the validation table (WhyOps contract, 2.2), at the limit and one past it.</summary>
public sealed class WhyOpsRulesTests
{
    const string ToolRequired = "metadata.tool is required for tool_call_request and tool_call_response. See /api/events/help.";

    static (WhyOpsEvent? Event, List<Fault> Faults) Read(string json, string? type = null)
    {
        using var document = JsonDocument.Parse(json);
        var faults = new List<Fault>();
        return (WhyOpsRules.Read(document.RootElement, type, faults), faults);
    }

    /// <summary>A good event with one field set to JSON, or taken away.</summary>
    static string With(string field, string? json, string type = "user_message")
    {
        var e = new JsonObject { ["eventType"] = type, ["traceId"] = "t", ["agentName"] = "a" };
        if (type.StartsWith("tool_call_", StringComparison.Ordinal)) e["metadata"] = new JsonObject { ["tool"] = "x" };
        if (json is null) e.Remove(field);
        else e[field] = JsonNode.Parse(json);
        return e.ToJsonString();
    }

    static string Text(int length) => JsonSerializer.Serialize(new string('x', length));

    public static TheoryData<string, string?, string, string> Refused() => new()
    {
        { "traceId", "\"\"", "too_small", "String must contain at least 1 character(s)" },
        { "traceId", Text(129), "too_big", "Trace ID must be between 1 and 128 characters" },
        { "traceId", null, "invalid_union", "Invalid input: traceId is required" },
        { "traceId", "5", "invalid_union", "Invalid input: traceId must be a string, received number" },
        { "traceId", "null", "invalid_union", "Invalid input: traceId must be a string, received null" },
        { "traceId", "\"a\\u0000b\"", "invalid_string", "Trace ID must not contain NUL or unpaired surrogates" },
        { "agentName", "\"\"", "too_small", "agentName is required" },
        { "agentName", null, "invalid_union", "Invalid input: agentName is required" },
        { "agentName", Text(256), "too_big", "String must contain at most 255 character(s)" },
        { "agentName", "\"\\u0000\"", "invalid_string", "agentName must not contain NUL or unpaired surrogates" },
        { "spanId", Text(129), "too_big", "Span ID must be at most 128 characters" },
        { "spanId", "[]", "invalid_union", "Invalid input: spanId must be a string, received array" },
        { "spanId", "\"\\u0000\"", "invalid_string", "Span ID must not contain NUL or unpaired surrogates" },
        { "stepId", "0", "too_small", "Step ID must be a positive integer" },
        { "stepId", "-3", "too_small", "Step ID must be a positive integer" },
        { "stepId", "1.5", "invalid_type", "Expected integer, received float" },
        { "stepId", "\"1\"", "invalid_union", "Invalid input: stepId must be an integer, received string" },
        { "stepId", "2000000001", "too_big", "Step ID must be at most 2000000000" },
        { "stepId", "1e300", "too_big", "Step ID must be at most 2000000000" },
        { "parentStepId", "0", "too_small", "Parent Step ID must be a positive integer" },
        { "parentStepId", "2.5", "invalid_type", "Expected integer, received float" },
        { "timestamp", "\"2026-04-01T10:00:00+02:00\"", "invalid_string", "Invalid timestamp format (ISO 8601 required)" },
        { "timestamp", "\"2026-04-01T10:00:00\"", "invalid_string", "Invalid timestamp format (ISO 8601 required)" },
        { "timestamp", "\"2026-04-01 10:00:00Z\"", "invalid_string", "Invalid timestamp format (ISO 8601 required)" },
        { "timestamp", "\"2026-02-30T10:00:00Z\"", "invalid_string", "Invalid timestamp format (ISO 8601 required)" },
        { "timestamp", "\"2026-04-01T10:00:00Z\\n\"", "invalid_string", "Invalid timestamp format (ISO 8601 required)" },
        { "timestamp", "1700000000", "invalid_union", "Invalid input: timestamp must be a string, received number" },
        { "metadata", "[]", "invalid_union", "Invalid input: metadata must be an object, received array" },
        { "metadata", "\"x\"", "invalid_union", "Invalid input: metadata must be an object, received string" },
        { "externalUserId", Text(256), "too_big", "String must contain at most 255 character(s)" },
        { "externalUserId", "\"\\u0000\"", "invalid_string", "externalUserId must not contain NUL or unpaired surrogates" },
        { "idempotencyKey", Text(129), "too_big", "Idempotency Key must be at most 128 characters" },
        { "idempotencyKey", "\"\\u0000\"", "invalid_string", "Idempotency Key must not contain NUL or unpaired surrogates" },
        { "userId", "\"me\"", "invalid_string", "Invalid User ID format (UUID required)" },
        { "projectId", "\"\"", "invalid_string", "Invalid Project ID format (UUID required)" },
        { "environmentId", "\"{c92df7f1-4915-43cd-ac72-f75155c43184}\"", "invalid_string", "Invalid Environment ID format (UUID required)" },
        { "providerId", "\"x\"", "invalid_string", "Invalid Provider ID format (UUID required)" },
        { "providerId", "7", "invalid_union", "Invalid input: providerId must be a string, received number" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_fault_names_its_field_with_the_original_s_words(string field, string? json, string code, string message)
    {
        var (e, faults) = Read(With(field, json));

        e.Should().BeNull();
        faults.Should().Equal(new Fault(field, code, message));
    }

    public static TheoryData<string, string> Taken() => new()
    {
        { "traceId", Text(128) },
        { "agentName", Text(255) },
        { "spanId", Text(128) },
        { "spanId", "\"\"" },
        { "stepId", "1" },
        { "stepId", "3.0" },
        { "parentStepId", "2000000000" },
        { "timestamp", "\"2026-04-01T10:00:00Z\"" },
        { "timestamp", "\"2024-02-29T23:59:59.123456789012345Z\"" },
        { "metadata", "{}" },
        { "metadata", "{\"usage\":\"mine\",\"model\":5}" },
        { "externalUserId", Text(255) },
        { "idempotencyKey", Text(128) },
        { "userId", "\"C92DF7F1-4915-43cd-ac72-f75155c43184\"" },
        { "content", "null" },
        { "content", "17" },
        { "somethingElse", "{\"a\":[1]}" },
    };

    [Theory]
    [MemberData(nameof(Taken))]
    public void What_the_table_allows_is_taken(string field, string json) => Read(With(field, json)).Faults.Should().BeEmpty();

    [Fact]
    public void Empty_optional_texts_are_absent()
    {
        var e = Read("""{"eventType":"error","traceId":"t","agentName":"a","spanId":"","externalUserId":"","idempotencyKey":""}""").Event!;

        (e.SpanId, e.ExternalUserId, e.IdempotencyKey).Should().Be((null, null, null));
    }

    [Fact]
    public void A_fraction_of_a_second_may_have_any_length() =>
        Read(With("timestamp", "\"2026-04-01T10:00:00.12345678901Z\"")).Event!.At
            .Should().Be(new DateTimeOffset(2026, 4, 1, 10, 0, 0, TimeSpan.Zero).AddTicks(1_234_567));

    [Fact]
    public void Every_event_type_of_the_table_is_known_and_no_other()
    {
        foreach (var type in WhyOpsEvent.Types.Except(["llm_response", "embedding_response"]))
            Read(With("content", "{}", type)).Faults.Should().BeEmpty(type);

        foreach (var wrong in (string[])["\"User_Message\"", "\"span_started\"", "\"\"", "null", "1"])
            Read(With("eventType", wrong)).Faults.Should().ContainSingle().Which.Should().Match<Fault>(f =>
                f.Field == "eventType" && f.Code == "invalid_union" && f.Message.StartsWith("Invalid input: eventType must be one of user_message, llm_response"));
        Read(With("eventType", null)).Faults.Should().ContainSingle(f => f.Field == "eventType" && f.Message.Contains("required"));
    }

    [Theory]
    [InlineData("""{}""", false)]
    [InlineData("""{"tool":null}""", false)]
    [InlineData("""{"tool":""}""", true)]
    [InlineData("""{"tool":"search"}""", true)]
    public void Tool_events_need_a_tool(string metadata, bool good)
    {
        foreach (var type in (string[])["tool_call_request", "tool_call_response"])
            Read(With("metadata", metadata, type)).Faults.Should().Equal(good ? [] : [new Fault("metadata.tool", "custom", ToolRequired)]);
        Read(With("metadata", null, "tool_call_request")).Faults.Should().Equal(new Fault("metadata.tool", "custom", ToolRequired));
        Read(With("metadata", metadata, "tool_call")).Faults.Should().BeEmpty();
    }

    [Theory]
    [InlineData("llm_response")]
    [InlineData("embedding_response")]
    public void Model_events_need_model_and_provider(string type)
    {
        foreach (var missing in (string[])["{}", """{"provider":"p"}""", """{"model":"","provider":"p"}""", """{"model":null}""", """{"model":4}"""])
            Read(With("metadata", missing, type)).Faults.Should().Equal(
                new Fault("metadata.model", "missing_model", $"MISSING_MODEL: {type} events require \"model\" in metadata"));
        Read(With("metadata", """{"model":"m"}""", type)).Faults.Should().Equal(
            new Fault("metadata.provider", "missing_provider", $"MISSING_PROVIDER: {type} events require \"provider\" in metadata"));
        Read(With("metadata", """{"model":"m","provider":"p"}""", type)).Faults.Should().BeEmpty();
    }

    [Theory]
    [InlineData("-1", "too_small")]
    [InlineData("-0.5", "too_small")]
    [InlineData("1.5", "invalid_type")]
    [InlineData("\"12\"", "invalid_type")]
    [InlineData("true", "invalid_type")]
    [InlineData("9007199254740992", "too_big")]
    [InlineData("1e400", "too_big")]
    [InlineData("null", null)]
    [InlineData("0", null)]
    [InlineData("12.0", null)]
    [InlineData("9007199254740991", null)]
    public void Token_counts_are_integers_that_json_can_carry(string count, string? code)
    {
        foreach (var name in (string[])["promptTokens", "outputTokens", "cache_read_input_tokens", "totalTokens"])
        {
            var metadata = $$"""{"model":"m","provider":"p","usage":{"{{name}}": {{count}} } }""";
            Read(With("metadata", metadata, "llm_response")).Faults.Select(f => (f.Field, f.Code)).Should().Equal(code is null ? [] : [($"metadata.usage.{name}", code)]);
        }
    }

    [Fact]
    public void All_faults_of_an_event_are_told()
    {
        Read("""{"eventType":"tool_call_request","traceId":"","agentName":"","stepId":0.5}""").Faults.Select(f => (f.Field, f.Code)).Should().Equal(
            ("traceId", "too_small"), ("agentName", "too_small"), ("stepId", "invalid_type"), ("stepId", "too_small"), ("metadata.tool", "custom"));
    }

    [Fact]
    public void The_door_s_type_stands_for_the_event_s_own()
    {
        Read("""{"traceId":"t","agentName":"a","eventType":17,"metadata":{"tool":"x"}}""", "tool_call_response").Event!.Type.Should().Be("tool_call_response");
        Read("""{"traceId":"t","agentName":"a"}""", "tool_call_response").Faults.Should().ContainSingle(f => f.Field == "metadata.tool");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("null")]
    public void An_event_is_an_object(string json) => Read(json).Faults.Should().ContainSingle(f => f.Code == "invalid_union");

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("\\udc00\\ud800")]
    public void Half_a_surrogate_pair_is_no_id(string text)
    {
        foreach (var field in (string[])["traceId", "agentName", "spanId", "externalUserId", "idempotencyKey"])
        {
            var json = $$"""{"eventType":"error","traceId":"t","agentName":"a","x":0}""".Replace($"\"{field}\":\"t\",", "").Replace($"\"{field}\":\"a\",", "");
            Read(json.Replace("\"x\":0", $"\"{field}\":\"{text}\"")).Faults.Should().ContainSingle(f => f.Field == field && f.Code == "invalid_string");
        }
    }
}

using System.Text.Json;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.OpenTelemetry;

/// <summary>Traces as exporters really send them: in pieces, late, twice, and with numbers that stand for others.</summary>
public sealed class TraceTests
{
    static Dictionary<string, object> Agent(int tokens) => new() { ["gen_ai.operation.name"] = "invoke_agent", ["gen_ai.usage.input_tokens"] = tokens };

    static Dictionary<string, object> Call(int tokens) => new() { ["gen_ai.operation.name"] = "chat", ["gen_ai.request.model"] = "gpt-4o", ["gen_ai.usage.input_tokens"] = tokens };

    static TraceSummary Sum(Trace trace) => TraceSummary.Of([.. trace.Spans.Values]);

    [Fact]
    public void A_late_root_speaks_for_its_trace()
    {
        var children = Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(2, 1, at: 1, attributes: new Dictionary<string, object> { ["user.id"] = "child's", ["gen_ai.agent.name"] = "helper" })));
        var root = Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(1, took: 5, attributes: new Dictionary<string, object> { ["user.id"] = "root's", ["session.id"] = "s", ["gen_ai.agent.name"] = "planner" })));

        Sum(Exports.Fold(children)).Should().Match<TraceSummary>(s => s.UserId == "child's" && s.Agent == "helper");
        Sum(Exports.Fold(children, root)).Should().Match<TraceSummary>(s => s.UserId == "root's" && s.SessionId == "s" && s.Agent == "planner");
    }

    [Fact]
    public void Without_a_root_the_first_word_stands_and_orphans_say_so()
    {
        var trace = Exports.Fold(
            Exports.Span(2, 9, at: 2, attributes: new Dictionary<string, object> { ["user.id"] = "later" }), Exports.Span(3, 9, at: 1, attributes: new Dictionary<string, object> { ["user.id"] = "earlier" }));
        Sum(trace).UserId.Should().Be("earlier");
        SpanTree.Of([.. trace.Spans.Values]).Should().OnlyContain(n => n.Orphan == Orphan.ParentUnknown).And.HaveCount(2);
    }

    [Fact]
    public void A_span_that_has_started_runs_until_its_end_comes_in_either_order()
    {
        var started = Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(1, took: null)));
        var ended = Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(1, took: 2)));

        var running = Exports.Fold(started).Spans.Values.Single();
        (running.Status, running.EndedAt, running.Duration).Should().Be((SpanStatus.Running, null, null));
        foreach (var trace in new[] { Exports.Fold(started, ended), Exports.Fold(ended, started) })
            trace.Spans.Values.Should().ContainSingle().Which.Should().Match<Domain.Traces.Span>(s => s.Status == SpanStatus.Success && s.Duration == TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void A_stand_in_of_a_running_span_is_the_span_it_stands_for()
    {
        var stand = new Dictionary<string, object> { ["logfire.span_type"] = "pending_span", ["logfire.pending_parent_id"] = Exports.Id(7) };
        var span = Exports.Fold(Exports.Span(2, 1, attributes: stand)).Spans.Values.Should().ContainSingle().Subject;
        (span.Id, span.ParentSpanId, span.Status).Should().Be((Exports.Id(1), Exports.Id(7), SpanStatus.Running));
    }

    [Fact]
    public void Two_exporters_of_one_span_make_one_span()
    {
        var (plain, spaced) = (Exports.Span(1, attributes: Call(10)), Exports.Span(1, attributes: Call(10)).Replace(":", ": ", StringComparison.Ordinal));
        var trace = Exports.Fold(plain, plain, spaced);
        trace.EventCount.Should().Be(2, "equal bytes are one event");
        trace.Spans.Should().ContainSingle();
        Sum(trace).TotalTokens.Should().Be(10);
    }

    [Fact]
    public void An_agent_that_repeats_its_childrens_usage_counts_nothing()
    {
        var trace = Exports.Fold(Exports.Span(1, attributes: Agent(30)), Exports.Span(2, 1, attributes: Agent(30)), Exports.Span(3, 2, attributes: Call(10)), Exports.Span(4, 2, attributes: Call(20)));
        Sum(trace).TotalTokens.Should().Be(30);
        trace.Spans.Values.Count(s => s.IsRequest()).Should().Be(2);
    }

    [Fact]
    public void An_agent_under_which_nobody_reports_usage_counts_its_own()
    {
        var trace = Exports.Fold(Exports.Span(1, attributes: Agent(45)), Exports.Span(2, 1, attributes: Agent(15)), Exports.Span(3, 1, attributes: Agent(30)), Exports.Span(4, 3, attributes: Call(30)));
        Sum(trace).TotalTokens.Should().Be(45);
        trace.Spans.Values.Count(s => s.IsRequest()).Should().Be(1);
    }

    [Fact]
    public void Clocks_that_cannot_be_believed_give_no_duration()
    {
        var backwards = Exports.Span(1, at: 5, took: -2);
        var unstarted = Exports.Span(2).Replace($"\"startTimeUnixNano\":\"{Exports.Nanos(0)}\"", "\"startTimeUnixNano\":\"0\"", StringComparison.Ordinal);
        Exports.Fold(backwards, unstarted).Spans.Values.Should().OnlyContain(s => s.Duration == null && s.EndedAt != null && s.StartedAt.Year == 2026);
    }

    [Fact]
    public void Links_and_events_are_shown()
    {
        var span = Exports.Span(1, events: [Exports.Event("retry", new Dictionary<string, object> { ["attempt"] = 2 })]);
        var linked = span.Replace("\"status\":null", $$"""
            "links":[{"traceId":"{{Exports.TraceId}}","spanId":"{{Exports.Id(9)}}"}]
            """, StringComparison.Ordinal);
        var shown = Exports.Fold(linked).Spans.Values.Single().Attributes;
        JsonDocument.Parse(shown["otel.links"].Value).RootElement[0].GetProperty("span_id").GetString().Should().Be(Exports.Id(9));
        JsonDocument.Parse(shown["otel.events"].Value).RootElement[0].GetProperty("attempt").GetInt32().Should().Be(2);
    }

    [Fact]
    public void An_evaluation_among_a_spans_events_is_a_score()
    {
        var evaluated = Exports.Event("gen_ai.evaluation.result", new Dictionary<string, object> { ["gen_ai.evaluation.name"] = "relevance", ["gen_ai.evaluation.score.value"] = 0.75, ["gen_ai.evaluation.explanation"] = "close" });
        var score = Exports.Fold(Exports.Span(1, events: [evaluated])).Scores.Should().ContainSingle().Subject;
        (score.Name, score.Value, score.Comment, score.SpanId).Should().Be(("relevance", "0.75", "close", Exports.Id(1)));
    }

    [Fact]
    public void Log_records_give_a_call_its_texts_whatever_comes_first()
    {
        var span = Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(1, attributes: Call(10))));
        var logs = Exports.Take(OtlpSignal.Logs, Exports.Logs(
            Log("gen_ai.system.message", """{"content":{"stringValue":"Be brief."}}"""), Log("gen_ai.user.message", """{"content":{"stringValue":"Hi"}}"""),
            Log("gen_ai.choice", """{"finish_reason":{"stringValue":"stop"}}"""), Log("app.started", "{}")));
        logs.Dropped.Should().Be(1);
        foreach (var trace in new[] { Exports.Fold(span, logs), Exports.Fold(logs, span) })
        {
            var call = trace.Spans.Values.Should().ContainSingle().Subject;
            (call.Kind, call.Name, call.Status, call.Duration).Should().Be(("llm", "work", SpanStatus.Success, TimeSpan.FromSeconds(1)));
            call.Output.Should().Be("""[{"role":"assistant","finish_reason":"stop"}]""");
            trace.EventCount.Should().Be(4);
        }
        Exports.Fold(logs).Spans.Values.Single().Status.Should().Be(SpanStatus.Running, "a word beside a span does not end it");
    }

    [Fact]
    public void One_record_may_tell_a_whole_call_an_evaluation_or_a_failure()
    {
        var details = $$$"""{"traceId":"{{{Exports.TraceId}}}","spanId":"{{{Exports.Id(1)}}}","timeUnixNano":"{{{Exports.Nanos(9)}}}","eventName":"gen_ai.client.inference.operation.details","attributes":[{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\"}]"}},{"key":"gen_ai.output.messages","value":{"stringValue":"[1]"}}]}""";
        var evaluation = $$$"""{"traceId":"{{{Exports.TraceId}}}","timeUnixNano":"1767225600000000000","eventName":"gen_ai.evaluation.result","attributes":[{"key":"gen_ai.evaluation.name","value":{"stringValue":"tone"}},{"key":"gen_ai.evaluation.score.label","value":{"stringValue":"polite"}}]}""";
        var failure = Log("gen_ai.client.operation.exception", "{}", """,{"key":"exception.message","value":{"stringValue":"refused"}}""");
        var trace = Exports.Fold(Exports.Take(OtlpSignal.Traces, Exports.Traces(Exports.Span(1, attributes: Call(10)))), Exports.Take(OtlpSignal.Logs, Exports.Logs(details, evaluation, failure)));

        var call = trace.Spans[Exports.Id(1)];
        (call.Input, call.Output, call.Status, call.Error).Should().Be(("""[{"role":"user"}]""", "[1]", SpanStatus.Error, "refused"));
        call.EndedAt.Should().Be(call.StartedAt.AddSeconds(1), "the record came later than the end, and does not move it");
        trace.Scores.Should().ContainSingle().Which.Should().Match<ScoreGiven>(s => s.Name == "tone" && s.Value == "\"polite\"" && s.SpanId == null);
    }

    [Theory]
    [InlineData("gen_ai.user.message", "message", SpanStatus.Success)]
    [InlineData("gen_ai.choice", "llm", SpanStatus.Success)]
    [InlineData("gen_ai.client.operation.exception", "error", SpanStatus.Error)]
    public void A_record_that_names_no_span_stands_for_itself(string name, string kind, SpanStatus status)
    {
        var record = Log(name, """{"content":{"stringValue":"Hi"}}""").Replace($"\"spanId\":\"{Exports.Id(1)}\",", "", StringComparison.Ordinal);
        var span = Exports.Fold(Exports.Take(OtlpSignal.Logs, Exports.Logs(record))).Spans.Values.Should().ContainSingle().Subject;
        (span.Kind, span.Status).Should().Be((kind, status));
    }

    static string Log(string name, string body, string attributes = "") =>
        $$$"""{"traceId":"{{{Exports.TraceId}}}","spanId":"{{{Exports.Id(1)}}}","timeUnixNano":"1767225600100000000","body":{"kvlistValue":{"values":[{{{string.Join(',', JsonDocument.Parse(body).RootElement.EnumerateObject().Select(m => $$"""{"key":"{{m.Name}}","value":{{m.Value.GetRawText()}}}"""))}}}]}},"attributes":[{"key":"event.name","value":{"stringValue":"{{{name}}}"}}{{{attributes}}}]}""";
}

using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.ReadModels;
using Hindcast.Domain.Pricing;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit;

/// <summary>What arrives late, twice or in another order folds to the same trace.</summary>
public sealed class FoldTests
{
    /// <summary>Everything a fold gives, in one text: spans, merge state, summary, tree, scores.</summary>
    static string Canonical(Trace trace)
    {
        var spans = trace.Spans.Values.OrderBy(s => s.Id, StringComparer.Ordinal).ToList();
        var summary = TraceSummary.Of(spans);
        return JsonSerializer.Serialize(new
        {
            rows = spans.Select(s => SpanRow.Of("p", trace.Id, s, summary, BuiltInPrices.Book)),
            summary,
            run = RunRow.Of("p", trace, summary, BuiltInPrices.Book),
            failures = spans.Where(s => s.Status == SpanStatus.Error).Select(s => FailureRow.Of("p", trace.Id, s, summary)),
            buckets = spans.Select(s => BucketKey.Of("p", s)),
            tree = SpanTree.Of(spans).Select(Shape),
            scores = trace.Scores.Select(s => s.EventId),
            trace.FirstAt,
        });
    }

    static string Shape(SpanNode node) => $"{node.Span.Id}{node.Orphan}({string.Join(',', node.Children.Select(Shape))})";

    [Fact]
    public void Any_order_and_any_repetition_of_a_history_folds_to_the_same_trace() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var history = Histories.Of(seed);
            var expected = Canonical(Trace.Of("t", history));
            var random = new Random(seed);
            for (var i = 0; i < 5; i++) Canonical(Trace.Of("t", Histories.Shuffled(history, random))).Should().Be(expected);
        }));

    [Fact]
    public void A_trace_that_is_written_down_and_read_back_at_any_point_folds_on_the_same() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var history = Histories.Of(seed);
            var whole = Trace.Of("t", history);

            var cut = new Random(seed).Next(history.Count + 1);
            var before = Trace.Of("t", history.Take(cut));
            var rows = before.Spans.Values.Select(s => SpanRow.Of("p", "t", s, TraceSummary.Of([.. before.Spans.Values]), BuiltInPrices.Book)).ToList();
            var after = new Trace("t");
            foreach (var e in history.Take(cut)) after.Restore(e.EventId, e.At);
            foreach (var row in rows) after.Restore(SpanMerge.Read(row));
            foreach (var e in history.Skip(cut)) after.Apply(e);

            // The restored fold holds no texts: the row keeps those it had unless a new one is written.
            var summary = TraceSummary.Of([.. whole.Spans.Values]);
            TraceSummary.Of([.. after.Spans.Values]).Should().Be(summary);
            foreach (var span in whole.Spans.Values)
            {
                var expected = SpanRow.Of("p", "t", span, summary, BuiltInPrices.Book);
                var actual = SpanRow.Of("p", "t", after.Spans[span.Id], summary, BuiltInPrices.Book);
                var kept = rows.SingleOrDefault(r => r.SpanId == span.Id);
                (actual.Input ?? kept?.Input).Should().Be(expected.Input);
                (actual.Output ?? kept?.Output).Should().Be(expected.Output);
                (actual.Input, actual.Output, actual.ErrorDetail) = (expected.Input, expected.Output, expected.ErrorDetail);
                JsonSerializer.Serialize(actual).Should().Be(JsonSerializer.Serialize(expected));
            }
        }));

    [Fact]
    public void A_tool_pair_becomes_one_span_that_takes_as_long_as_the_response_says()
    {
        var at = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var trace = Trace.Of("t",
        [
            new ToolCallRequest { EventId = Guid.NewGuid(), TraceId = "t", SpanId = "s", At = at, Name = "search", Input = "{}" },
            new ToolCallResponse { EventId = Guid.NewGuid(), TraceId = "t", SpanId = "s", At = at.AddMilliseconds(200), Latency = TimeSpan.FromMilliseconds(88), Output = "1" },
        ]);

        var span = trace.Spans.Values.Should().ContainSingle().Subject;
        span.Duration.Should().Be(TimeSpan.FromMilliseconds(88));
        span.Status.Should().Be(SpanStatus.Success);
        (span.Name, span.Input, span.Output).Should().Be(("search", "{}", "1"));
    }

    [Fact]
    public void An_error_beats_a_success_of_the_same_span_and_changes_nothing_else()
    {
        var at = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var span = Trace.Of("t",
        [
            new ErrorRaised { EventId = Guid.NewGuid(), TraceId = "t", SpanId = "s", At = at, Message = "429" },
            new LlmResponse { EventId = Guid.NewGuid(), TraceId = "t", SpanId = "s", At = at.AddSeconds(1), Latency = TimeSpan.FromSeconds(1), Model = "m" },
        ]).Spans["s"];

        (span.Status, span.Error, span.Kind, span.Duration).Should().Be((SpanStatus.Error, "429", "llm", TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_circle_of_parents_and_an_unknown_parent_hang_under_the_root_and_say_so()
    {
        static SpanStarted Of(string id, string? parent) => new()
        {
            EventId = Guid.NewGuid(), TraceId = "t", SpanId = id, ParentSpanId = parent, At = DateTimeOffset.UnixEpoch,
        };
        var roots = SpanTree.Of([.. Trace.Of("t", [Of("a", "c"), Of("b", "a"), Of("c", "b"), Of("d", "gone"), Of("e", "d")]).Spans.Values]);

        roots.Select(Shape).Should().Equal("aCycle(b(c()))", "dParentUnknown(e())");
    }
}

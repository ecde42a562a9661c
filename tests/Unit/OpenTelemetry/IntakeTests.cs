using System.Text;
using Hindcast.Api.Dialects.OpenTelemetry;

namespace Hindcast.Unit.OpenTelemetry;

/// <summary>What is refused, and that it harms no neighbour.</summary>
public sealed class IntakeTests
{
    static readonly string s_good = Exports.Span(1);

    public static TheoryData<string, string> Bad => new()
    {
        { "trace id of zeroes", s_good.Replace(Exports.TraceId, new('0', 32), StringComparison.Ordinal) },
        { "short span id", s_good.Replace(Exports.Id(1), "01", StringComparison.Ordinal) },
        { "parent id of another length", s_good.Replace("\"parentSpanId\":\"\"", "\"parentSpanId\":\"12\"", StringComparison.Ordinal) },
        { "time that is a word", s_good.Replace($"\"{Exports.Nanos(0)}\"", "\"noon\"", StringComparison.Ordinal) },
        { "no object", "7" },
        { "a key twice", s_good.Insert(1, "\"name\":\"x\",") },
        { "NUL in a name of an attribute", With("""{"key":"a\u0000","value":{}}""") },
        { "too deep", With($$$"""{"key":"a","value":{{{string.Concat(Enumerable.Repeat("""{"arrayValue":{"values":[""", 30))}}}{{{string.Concat(Enumerable.Repeat("]}}", 30))}}}}""") },
    };

    static string With(string attribute) => s_good.Replace("\"attributes\":[", "\"attributes\":[" + attribute, StringComparison.Ordinal);

    [Theory, MemberData(nameof(Bad))]
    public void A_bad_span_harms_no_neighbour(string what, string bad)
    {
        var intake = Exports.Take(OtlpSignal.Traces, Exports.Traces(bad, Exports.Span(2)));
        (intake.Refused, intake.Events.Count).Should().Be((1, 1), what);
        intake.Faults.Should().NotBeEmpty();
    }

    [Fact]
    public void A_resource_that_cannot_be_kept_harms_no_other()
    {
        var bad = Encoding.UTF8.GetString(Exports.Traces(s_good)).Replace("service.name", @"a\u0000", StringComparison.Ordinal);
        var good = Encoding.UTF8.GetString(Exports.Traces(Exports.Span(2)));
        var both = $"{bad[..^2]},{good["{\"resourceSpans\":[".Length..]}";
        var intake = Exports.Take(OtlpSignal.Traces, Encoding.UTF8.GetBytes(both));
        (intake.Refused, intake.Events.Count).Should().Be((1, 1));
    }

    [Fact]
    public void Odd_values_of_a_resource_are_kept_as_they_can_be()
    {
        var odd = Encoding.UTF8.GetString(Exports.Traces(s_good)).Replace("""{"stringValue":"shop"}""", """{"stringValue":{"a":1,"a":2}},"x":1},{"key":"k","value":{"doubleValue":"NaN"}},{"key":"l","value":{"intValue":"\ud800"}""", StringComparison.Ordinal);
        var intake = Exports.Take(OtlpSignal.Traces, Encoding.UTF8.GetBytes(odd));
        (intake.Refused, intake.Events.Count).Should().Be((0, 1));
        Exports.Facts(intake).Should().ContainSingle();
    }

    [Fact]
    public void Metrics_are_counted_and_dropped()
    {
        var body = """{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a"},{"name":"b"}]}]}]}"""u8.ToArray();
        Exports.Take(OtlpSignal.Metrics, body).Should().Match<OtlpIntake>(i => i.Dropped == 2 && i.Refused == 0 && i.Events.Count == 0);
    }

    [Fact]
    public void The_span_is_kept_byte_for_byte()
    {
        var span = Exports.Span(1).Replace("\"name\":\"work\"", "\"name\" : \"w\\u006frk\",\"unknown\":1.50", StringComparison.Ordinal);
        var kept = Encoding.UTF8.GetString(Exports.Take(OtlpSignal.Traces, Exports.Traces(span)).Events.Single().Content.Join().Span);
        kept.Should().StartWith("""{"resource":{"service.name":"shop",""").And.EndWith($",\"json\":{span}}}");
    }
}

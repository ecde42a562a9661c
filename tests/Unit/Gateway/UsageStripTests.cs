using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Api.Dialects.OpenAi;

namespace Hindcast.Unit.Gateway;

public sealed class UsageStripTests
{
    const string Usage = """data: {"choices":[],"usage":{"prompt_tokens":1}}""";

    static readonly string[] Others =
    [
        """data: {"choices":[{"index":0,"delta":{"content":"a \"usage\" of \"choices\":[]"}}],"usage":null}""", """data: {"choices":[],"usage":null,"prompt_filter_results":[]}""",
        """data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}""", ": ping", "data: [DONE]", "data: {not json", "event: x\ndata: {\"choices\":[]}", "data:", "data: \u00fc\ud83d\ude00", """data: {"usage":{"choices":[]}}""",
        "data: " + new string('x', 20_000),
    ];

    /// <summary>Whatever the events, the line ends and the cuts: what is not the usage chunk comes out as it went in.</summary>
    [Fact]
    public void Only_the_usage_chunk_is_taken_out_wherever_the_stream_is_cut()
    {
        var streams =
            from events in Gen.Elements((string[])[Usage, .. Others]).ListOf()
            from end in Gen.Elements("\n\n", "\r\n\r\n", "\r\r")
            from tail in Gen.Elements("", "data: {\"half", "data: [DONE]")
            from cuts in Gen.Choose(1, 60).ListOf(40)
            select (events, end, tail, cuts);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(streams.ToArbitrary(), s =>
        {
            var sent = string.Concat(s.events.Select(e => e + s.end)) + s.tail;
            var wanted = string.Concat(s.events.Where(e => e != Usage).Select(e => e + s.end)) + s.tail;
            Passed(Encoding.UTF8.GetBytes(sent), [.. s.cuts]).Should().Be(wanted);
        }));
    }

    [Fact]
    public void A_finished_event_does_not_wait_for_the_next()
    {
        var (strip, passed) = (new UsageStrip(), new ArrayBufferWriter<byte>());
        strip.Take("data: {\"choices\":[{}]}\n\n"u8, passed);
        passed.WrittenCount.Should().Be(24);
    }

    static string Passed(byte[] sent, int[] cuts)
    {
        var (strip, passed) = (new UsageStrip(), new ArrayBufferWriter<byte>());
        for (int at = 0, cut = 0; at < sent.Length; cut++)
        {
            var length = Math.Min(cuts[cut % cuts.Length], sent.Length - at);
            strip.Take(sent.AsSpan(at, length), passed);
            at += length;
        }
        strip.End(passed);
        return Encoding.UTF8.GetString(passed.WrittenSpan);
    }
}

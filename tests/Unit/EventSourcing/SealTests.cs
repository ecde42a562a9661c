using System.Text;
using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit;

/// <summary>A sealed fact reads like a clear one while its key is there; without it the clear header still tells what happened.</summary>
public sealed class SealTests
{
    sealed class Mirror : ISeal
    {
        public bool KeyIsThere { get; set; } = true;

        public (ReadOnlyMemory<byte> Stored, string? SealedBy) Close(Header header, ReadOnlyMemory<byte> content) => (Turned(content), "key-1");

        public ReadOnlyMemory<byte>? Open(Header header, ReadOnlyMemory<byte> stored) => KeyIsThere ? Turned(stored) : (ReadOnlyMemory<byte>?)null;

        public bool Knows(string sealedBy) => sealedBy == "key-1";

        static ReadOnlyMemory<byte> Turned(ReadOnlyMemory<byte> bytes) => bytes.ToArray().Reverse().ToArray();
    }

    sealed class Plain : IPayloadReader
    {
        public string Dialect => "plain";
        public int Version => 1;
        public Reading Read(string type, JsonElement payload, bool texts) => new() { Input = payload.GetRawText() };
    }

    [Fact]
    public void What_is_sealed_is_read_with_its_key_and_keeps_its_envelope_without()
    {
        var header = new Header
        {
            Type = "user_message", Project = "p", EventId = Guid.NewGuid(), At = DateTimeOffset.UnixEpoch, Source = new("plain", 1, null), TraceId = "t", SpanId = "s",
            Kind = "message", SealedBy = "key-1",
        };
        var seal = new Mirror();
        var (stored, _) = seal.Close(header, Encoding.UTF8.GetBytes("{\"secret\":1}"));
        var fact = new Fact(header, stored, StreamName.Trace("p", "t"), 0, new(1));

        new FactReader([new Plain()], seal).Read(fact).Should().BeOfType<UserMessage>().Which.Input.Should().Be("{\"secret\":1}");
        seal.KeyIsThere = false;
        var erased = new FactReader([new Plain()], seal).Read(fact).Should().BeOfType<UserMessage>().Subject;
        (erased.Input, erased.SpanId, erased.Kind).Should().Be((null, "s", "message"));
    }

    [Fact]
    public void A_header_says_after_the_log_what_it_said_before()
    {
        var header = new Header
        {
            Type = "llm_response", Project = "p", Environment = "production", EventId = Guid.NewGuid(), At = new(2026, 1, 2, 3, 4, 5, 678, 901, TimeSpan.Zero), AtMoved = true,
            RecordedAt = new(2026, 1, 2, 3, 4, 6, TimeSpan.Zero), Source = new("whyops", 2, "k"), TraceId = "t\n\"ü", SpanId = "s", ParentSpanId = "r", Kind = "llm", Step = 4,
            ParentStep = 3, ParentStepGiven = true, Provider = "openai", Model = "gpt-4o", Usage = new() { Input = 1, CacheRead = 2, CacheWrite5m = 3, CacheWrite1h = 4, Output = 5, Reasoning = 6 },
            Subject = "abc", Running = new(5, 4, 678, "agent"), SealedBy = "k1", PayloadBytes = 9,
        };

        HeaderJson.Read(HeaderJson.Write(header)).Should().Be(header with { Previous = HeaderJson.Read(HeaderJson.Write(header)).Previous });
    }
}

using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Redaction;

namespace Hindcast.Unit.Redaction;

/// <summary>Texts change, and nothing else does.</summary>
public sealed class RedactedJsonTests
{
    const string Mail = "zoe@quokka.example";

    static readonly Redactor s_redactor = Redactor.Of(new() { Secrets = RedactionAction.Replace, Emails = RedactionAction.Replace, Cards = RedactionAction.Replace })!;

    static string Clean(string json) => Encoding.UTF8.GetString(RedactedJson.Rewrite(Encoding.UTF8.GetBytes(json), new(s_redactor)).Span);

    [Theory]
    [InlineData("""{ "a" : "to zoe@quokka.example!",  "n": 4111111111111111, "zoe@quokka.example": 1.0 }""", """{ "a" : "to [redacted:email]!",  "n": 4111111111111111, "zoe@quokka.example": 1.0 }""")]
    [InlineData("""{"user_id":"zoe@quokka.example","id":"zoe@quokka.example","sessionId":"4111111111111111","ids":["zoe@quokka.example"],"session.id":"zoe@quokka.example"}""", null)]
    [InlineData("""{"paid":"zoe@quokka.example","user_id":"my zoe@quokka.example"}""", """{"paid":"[redacted:email]","user_id":"my [redacted:email]"}""")]
    [InlineData("""["zoe\u0040quokka.example","\n zoe@quokka.example\t\"x\""]""", """["[redacted:email]","\n [redacted:email]\t\"x\""]""")]
    [InlineData("""{"arguments":"{\"to\":\"zoe@quokka.example\",\"n\":4111111111111111,\"user_id\":\"zoe@quokka.example\"}"}""", """{"arguments":"{\"to\":\"[redacted:email]\",\"n\":4111111111111111,\"user_id\":\"zoe@quokka.example\"}"}""")]
    [InlineData("""{"arguments":"{\"to\":\"\\nzoe@quokka.example\",\"b\":\"zoe\\u0040quokka.example\"}"}""", """{"arguments":"{\"to\":\"\\n[redacted:email]\",\"b\":\"[redacted:email]\"}"}""")]
    [InlineData("""{"a":"{\"b\":\"{\\\"c\\\":\\\"zoe@quokka.example\\\"}\"}"}""", """{"a":"{\"b\":\"{\\\"c\\\":\\\"[redacted:email]\\\"}\"}"}""")]
    [InlineData("""{"a":"{not json, zoe@quokka.example}"}""", """{"a":"{not json, [redacted:email]}"}""")]
    [InlineData("""{"a":[{"id":"x"},"zoe@quokka.example"]}""", """{"a":[{"id":"x"},"[redacted:email]"]}""")]
    public void A_payload_is_cleaned(string json, string? clean) => Clean(json).Should().Be(clean ?? json);

    [Fact]
    public void What_is_clean_is_the_very_same_memory_and_costs_none()
    {
        ReadOnlyMemory<byte> json = """{"type":"llm_response","content":"nothing to see","n":[1,2,3],"at":"2026-11-21T10:00:00.000Z"}"""u8.ToArray();
        var pass = new RedactionPass(s_redactor);
        for (var i = 0; i < 100; i++) RedactedJson.Rewrite(json, pass).Should().Be(json);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) RedactedJson.Rewrite(json, pass);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1_000);
    }

    [Fact]
    public void Any_json_stays_json_with_the_same_shape_names_and_numbers()
    {
        var changed = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var plain = new RandomJson(seed).Element();
            // Numbers are texts here.
            var json = Encoding.UTF8.GetBytes(Encoding.Latin1.GetString(plain).Replace(":17", $":\"{Mail}\"", StringComparison.Ordinal));
            if (TryParse(json) is not { } before) return;
            var pass = new RedactionPass(s_redactor);
            var clean = RedactedJson.Rewrite(json, pass);
            using (before)
            using (var after = JsonDocument.Parse(clean, new() { MaxDepth = 128 }))
            {
                Compare(before.RootElement, after.RootElement);
            }
            if (pass.Marks is null) clean.Span.SequenceEqual(json).Should().BeTrue();
            else changed++;
            RedactedJson.Rewrite(clean, new(s_redactor)).Span.SequenceEqual(clean.Span).Should().BeTrue("once is enough");
        }));
        changed.Should().BeGreaterThan(100);
    }

    static void Compare(JsonElement before, JsonElement after)
    {
        after.ValueKind.Should().Be(before.ValueKind);
        switch (before.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var (a, b) in before.EnumerateObject().Zip(after.EnumerateObject()))
                {
                    System.Runtime.InteropServices.JsonMarshal.GetRawUtf8PropertyName(b).SequenceEqual(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8PropertyName(a)).Should().BeTrue();
                    Compare(a.Value, b.Value);
                }
                break;
            case JsonValueKind.Array:
                after.GetArrayLength().Should().Be(before.GetArrayLength());
                foreach (var (a, b) in before.EnumerateArray().Zip(after.EnumerateArray())) Compare(a, b);
                break;
            case JsonValueKind.String:
                var raw = after.GetRawText();
                if (before.GetRawText() == $"\"{Mail}\"") raw.Should().Be("\"[redacted:email]\"");
                else raw.Should().Be(before.GetRawText());
                break;
            default:
                after.GetRawText().Should().Be(before.GetRawText());
                break;
        }
    }

    static JsonDocument? TryParse(byte[] json)
    {
        try
        {
            return JsonDocument.Parse(json, new() { MaxDepth = 128 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [Fact]
    public void Marks_go_through_the_header()
    {
        var header = new Header
        {
            Type = "score", Project = "p", EventId = Guid.CreateVersion7(), At = DateTimeOffset.UnixEpoch, RecordedAt = DateTimeOffset.UnixEpoch, Source = new("native", 1, null),
            Marks = [new("email", true, 2), new("ticket", true, 1), new("card", false, 3)],
        };
        HeaderJson.Read(HeaderJson.Write(header)).Marks.Should().Equal(header.Marks);
        HeaderJson.Read(HeaderJson.Write(header with { Marks = null })).Marks.Should().BeNull();
    }
}

using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Api.Dialects.OpenAi;
using Hindcast.Application.Gateway;

namespace Hindcast.Unit.Gateway;

public sealed class TextChunkTests
{
    const string Head = """{"id":"c","model":"m","choices":[]}""";

    static readonly string[] s_tops =
    [
        "\"id\":\"d\"", "\"object\":{\"choices\":[1]}", "\"usage\":null", "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}", "\"error\":null", "\"error\":{\"message\":\"no\"}", "\"obfuscation\":\"x\"",
    ];
    static readonly string[] s_ofChoice = ["\"index\":0", "\"index\":1", "\"index\":null", "\"finish_reason\":null", "\"finish_reason\":\"stop\"", "\"logprobs\":{\"content\":[{\"token\":\"delta\"}]}"];
    static readonly string[] s_ofDelta =
    [
        "\"role\":\"assistant\"", "\"content\":\"word \"", "\"content\":\"\u00fc \ud83d\ude00\"", "\"content\":\"a \\\"quoted\\\"\\n\"", "\"content\":\"\\ud800\"", "\"content\":null", "\"content\":7", "\"content\":\"\"",
        "\"cont\\u0065nt\":\"other\"", "\"refusal\":null", "\"refusal\":\"no\"", "\"reasoning\":\"hm\"", "\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]", "\"annotations\":[]",
    ];

    /// <summary>Whatever a chunk holds, the short way reads what the long one reads, or leaves it to it.</summary>
    [Fact]
    public void What_is_read_without_a_document_is_what_the_document_says()
    {
        var read = 0;
        var choices =
            from delta in Some(s_ofDelta)
            from rest in Some(s_ofChoice)
            select $"{{{string.Join(',', [.. rest, $"\"delta\":{{{string.Join(',', delta)}}}"])}}}";
        var chunks =
            from tops in Some(s_tops)
            from count in Gen.Elements(1, 1, 1, 0, 2)
            from list in choices.ListOf(count)
            from ending in Gen.Elements("}", "}", "}", "} ", "", "}x")
            select $"{{{string.Join(',', [.. tops, $"\"choices\":[{string.Join(',', list)}]"])}{ending}";
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(chunks.ToArbitrary(), chunk =>
        {
            var (quick, thorough) = (Reader(), Reader());
            if (!quick.TakeText(Encoding.UTF8.GetBytes(chunk)))
            {
                quick.Answer.Text.Length.Should().Be(0, "it was left to the other");
                return;
            }
            read++;
            using var json = JsonDocument.Parse(chunk);
            thorough.TakeEvent(null, json.RootElement);
            Shown(quick.Answer).Should().Be(Shown(thorough.Answer), chunk);
        }));
        read.Should().BeGreaterThan(20);
    }

    [Theory]
    [InlineData("""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"word "},"logprobs":null,"finish_reason":null}],"usage":null}""", "word ")]
    [InlineData("""{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}""", "")]
    public void The_chunks_that_most_streams_are_made_of_need_no_document(string chunk, string text)
    {
        var reader = Reader();
        reader.TakeText(Encoding.UTF8.GetBytes(chunk)).Should().BeTrue();
        reader.Answer.Text.ToString().Should().Be(text);
    }

    [Fact]
    public void Before_the_head_is_known_nothing_is_read_the_short_way() =>
        new ChatWire().Read().TakeText("""{"id":"c","model":"m","choices":[{"delta":{"content":"a"}}]}"""u8).Should().BeFalse();

    static Gen<List<string>> Some(string[] members) => from count in Gen.Choose(0, 2) from some in Gen.Elements(members).ListOf(count) select some.ToList();

    static IAnswerReader Reader()
    {
        var reader = new ChatWire().Read();
        using var head = JsonDocument.Parse(Head);
        reader.TakeEvent(null, head.RootElement);
        return reader;
    }

    static string Shown(Answer answer) => JsonSerializer.Serialize(new
    {
        answer.Id, answer.Model, Text = answer.Text.ToString(), Refusal = answer.Refusal.ToString(), Thoughts = answer.Thinking.Select(t => t.Text.ToString()),
        Calls = answer.ToolCalls.Select(c => $"{c.Name} {c.Arguments}"), answer.FinishReason, answer.ReportedUsage, answer.Error, answer.Finished,
    });
}

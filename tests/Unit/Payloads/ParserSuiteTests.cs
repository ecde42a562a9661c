using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit;

/// <summary>B1, B3: every text has one answer, and none of them is an exception nobody expects.</summary>
public sealed class ParserSuiteTests
{
    [Fact]
    public void What_is_no_JSON_is_refused_as_a_body_and_as_a_line()
    {
        foreach (var json in JsonCases.Malformed)
        {
            var body = JsonCases.Bytes(json);
            var parse = () => JsonBatch.Parse(body);
            parse.Should().Throw<MalformedBody>(Shown(json));
            if (json.Contains('\n') || string.IsNullOrWhiteSpace(json) || json is "\u00EF\u00BB\u00BF") continue;
            var line = JsonBatch.ParseLines(body).Should().ContainSingle(Shown(json)).Subject;
            line.Fault!.Value.Code.Should().Be("malformed_json", Shown(json));
            line.Raw.ToArray().Should().Equal(body.AsSpan().StartsWith("\uFEFF"u8) ? body[3..] : body);
        }
    }

    [Fact]
    public void What_is_good_is_accepted_and_kept_byte_by_byte()
    {
        foreach (var json in JsonCases.Good)
            foreach (var sanitised in Accept(json))
                sanitised.Should().BeFalse(Shown(json));
    }

    [Fact]
    public void Doubtful_values_are_accepted_and_kept_byte_by_byte_and_shown_with_replacements()
    {
        foreach (var (json, expected) in JsonCases.KeptAsReceived)
            Accept(json).Should().Equal([expected], Shown(json));
    }

    [Fact]
    public void Doubtful_keys_are_refused_with_their_path()
    {
        foreach (var (json, field, code) in JsonCases.Refused)
        {
            var fault = PayloadRules.Check(JsonCases.Bytes(json));
            fault.Should().NotBeNull(Shown(json));
            (fault!.Value.Field, fault.Value.Code).Should().Be((field, code), Shown(json));
        }
    }

    [Fact]
    public void A_scalar_is_a_line_but_no_body()
    {
        foreach (var json in JsonCases.Scalars)
        {
            var parse = () => JsonBatch.Parse(JsonCases.Bytes(json));
            parse.Should().Throw<MalformedBody>(Shown(json)).WithMessage("The body is neither an object nor an array.");
            using var line = JsonBatch.ParseLines(JsonCases.Bytes(json)).Single();
            line.Fault.Should().BeNull();
            PayloadRules.Check(line.Raw.Span).Should().BeNull();
        }
    }

    static IEnumerable<bool> Accept(string json)
    {
        var body = JsonCases.Bytes(json);
        using var batch = JsonBatch.Parse(body);
        var texts = new List<string>();
        for (var i = 0; i < batch.Elements.Count; i++)
        {
            var raw = batch.RawOf(i);
            PayloadRules.Check(raw.Span).Should().BeNull(Shown(json));
            texts.Add(Encoding.Latin1.GetString(raw.Span));
            var sanitised = false;
            var text = LenientText.JsonOf(batch.Elements[i], ref sanitised);
            if (!sanitised) Encoding.UTF8.GetBytes(text).Should().Equal(raw.ToArray(), Shown(json));
            using var again = JsonDocument.Parse(text);
            EveryStringReads(again.RootElement);
            var alsoSanitised = false;
            foreach (var element in Strings(batch.Elements[i])) LenientText.Of(element, ref alsoSanitised).Should().NotContain("\0");
            alsoSanitised.Should().Be(sanitised, Shown(json));
            yield return sanitised;
        }
        var stripped = json.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal) ? json[3..].Trim() : json.Trim();
        if (batch.IsArray) texts.ForEach(text => stripped.Should().Contain(text));
        else texts.Should().Equal(stripped);
    }

    static IEnumerable<JsonElement> Strings(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Strings),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => Strings(p.Value)),
        _ => [],
    };

    static void EveryStringReads(JsonElement element)
    {
        foreach (var text in Strings(element)) text.GetString().Should().NotContain("\0");
    }

    static string Shown(string json) => json.Length > 80 ? $"{json[..80]}… is {json.Length} long" : $"it is {json}";
}

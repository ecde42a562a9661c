using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit;

/// <summary>B1, B4, B25: a body falls into elements, and a bad one refuses no other.</summary>
public sealed class JsonBatchTests
{
    [Fact]
    public void An_array_is_its_elements_and_an_object_is_one()
    {
        using var array = JsonBatch.Parse("\uFEFF \n[ {\"a\" : 1.0 } ,\"x\\u0061\", null,[ ] ] "u8.ToArray());
        array.IsArray.Should().BeTrue();
        array.Count.Should().Be(4);
        Enumerable.Range(0, 4).Select(i => Text(array.RawOf(i))).Should().Equal("{\"a\" : 1.0 }", "\"x\\u0061\"", "null", "[ ]");

        using var single = JsonBatch.Parse(" {\"a\":[1, 2]}\n"u8.ToArray());
        single.IsArray.Should().BeFalse();
        (single.Count, single.Elements.Count, Text(single.RawOf(0))).Should().Be((1, 1, "{\"a\":[1, 2]}"));

        using var empty = JsonBatch.Parse("[]"u8.ToArray());
        (empty.IsArray, empty.Count, empty.Elements.Count).Should().Be((true, 0, 0));
    }

    [Fact]
    public void An_element_is_a_part_of_the_body_and_no_copy()
    {
        var body = Encoding.UTF8.GetBytes("junk[{\"a\":1},{\"b\":2}]junk");
        using var batch = JsonBatch.Parse(body.AsMemory(4..^4));
        var raw = batch.RawOf(1);
        body[Array.IndexOf(body, (byte)'b')] = (byte)'z';
        Text(raw).Should().Be("{\"z\":2}");
    }

    [Theory]
    [InlineData("", "The body is empty."), InlineData(" \n", "The body is empty."), InlineData("\uFEFF", "The body is empty."), InlineData("17", "The body is neither an object nor an array.")]
    [InlineData("{\"secret\":tru }", "The body is no JSON: it breaks at line 1, byte 14."), InlineData("\uFEFF{\"secret\":tru }", "The body is no JSON: it breaks at line 1, byte 17.")]
    [InlineData("[1,\n \"secret\" 2]", "The body is no JSON: it breaks at line 2, byte 11."), InlineData("\uFEFF[1,\nsecret]", "The body is no JSON: it breaks at line 2, byte 1."), InlineData("[1] secret", "The body is no JSON: it breaks at line 1, byte 5.")]
    public void A_refusal_says_where_and_never_what(string body, string message)
    {
        var parse = () => JsonBatch.Parse(Encoding.UTF8.GetBytes(body));
        parse.Should().Throw<MalformedBody>().WithMessage(message);
    }

    [Fact]
    public void A_bad_element_refuses_no_other()
    {
        var deep = new string('[', 6_000) + new string(']', 6_000);
        using var batch = JsonBatch.Parse(Encoding.UTF8.GetBytes($"[{{\"a\":1}},{deep},{{\"a\":1,\"a\":2}},{{\"b\":2}}]"));
        Enumerable.Range(0, batch.Count).Select(i => PayloadRules.Check(batch.RawOf(i).Span)?.Code).Should().Equal(null, "too_deep", "duplicate_key", null);
    }

    [Theory]
    [InlineData(63), InlineData(64), InlineData(65), InlineData(66), InlineData(67), InlineData(1_001), InlineData(100_000)]
    public void Bytes_and_places_stay_right_beside_deep_elements(int levels)
    {
        var deep = new string('[', levels) + "\"\\u0000\"" + new string(']', levels);
        var objects = string.Concat(Enumerable.Repeat("{\"k\":", levels)) + "null" + new string('}', levels);
        string[] elements = ["{\"a\" : 1}", deep, "\"x\"", objects, "[ ]", deep, "17", "{\"é\":[{}]}"];
        using var batch = JsonBatch.Parse(Encoding.UTF8.GetBytes($" [ {string.Join(" ,\n", elements)} ] "));
        (batch.IsArray, batch.Count).Should().Be((true, elements.Length));
        Enumerable.Range(0, batch.Count).Select(i => Text(batch.RawOf(i))).Should().Equal(elements);
        Enumerable.Range(0, batch.Count).Select(i => PayloadRules.Check(batch.RawOf(i).Span)?.Code == "too_deep").Should().Equal(elements.Select(e => e.Length >= levels && levels > 64));
        batch.Elements[0].GetProperty("a").GetInt32().Should().Be(1);
        batch.Elements[7].GetProperty("é").GetArrayLength().Should().Be(1);
        batch.Elements[3].ValueKind.Should().Be(levels > 64 ? JsonValueKind.Null : JsonValueKind.Object);

        using var single = JsonBatch.Parse(Encoding.UTF8.GetBytes($"\n{objects}\n"));
        (single.IsArray, single.Count, Text(single.RawOf(0))).Should().Be((false, 1, objects));
        using var line = JsonBatch.ParseLines(Encoding.UTF8.GetBytes(objects)).Single();
        (line.Fault?.Code ?? PayloadRules.Check(line.Raw.Span)?.Code).Should().Be(levels > 64 ? "too_deep" : null);
    }

    [Fact]
    public void Deep_and_malformed_is_malformed()
    {
        var deep = new string('[', 100) + new string(']', 100);
        var parse = () => JsonBatch.Parse(Encoding.UTF8.GetBytes($"\uFEFF[{deep},\n{{\"a\":}}]"));
        parse.Should().Throw<MalformedBody>().WithMessage("The body is no JSON: it breaks at line 2, byte 6.");
        JsonBatch.ParseLines(Encoding.UTF8.GetBytes(deep + "]")).Single().Fault!.Value.Code.Should().Be("malformed_json");
    }

    [Fact]
    public void Sixteen_megabytes_of_brackets_are_refused()
    {
        var parse = () => JsonBatch.Parse(Encoding.UTF8.GetBytes(new string('[', 16 << 20)));
        parse.Should().Throw<MalformedBody>();
    }

    [Fact]
    public void Each_line_stands_for_itself()
    {
        var lines = JsonBatch.ParseLines("\uFEFF{\"a\":1}\r\n\n  \t\r\n{\"a\":\n[1,\n \"x\" \n{\"b\":2}} \n{\"c\":3}{\"d\":4}\n\n{\"e\" : 5}"u8.ToArray()).ToList();
        lines.Select(l => (l.Number, l.Fault is null, Text(l.Raw))).Should().Equal(
            (1, true, "{\"a\":1}"), (4, false, "{\"a\":"), (5, false, "[1,"), (6, true, "\"x\""), (7, false, "{\"b\":2}} "), (8, false, "{\"c\":3}{\"d\":4}"), (10, true, "{\"e\" : 5}"));
        lines[0].Element.GetProperty("a").GetInt32().Should().Be(1);
        lines[1].Fault.Should().Be(new Fault("", "malformed_json", "Line 4 is no JSON: it breaks at byte 6."));
        lines[4].Fault!.Value.Message.Should().Be("Line 7 is no JSON: it breaks at byte 8.");
        lines.ForEach(l => l.Dispose());
    }

    [Theory]
    [InlineData(""), InlineData("\n"), InlineData("\uFEFF"), InlineData("\r\n\r\n"), InlineData(" \n\t")]
    public void Blank_lines_are_none(string body) => JsonBatch.ParseLines(Encoding.UTF8.GetBytes(body)).Should().BeEmpty();

    [Fact]
    public void Good_texts_on_lines_among_bad_ones_are_all_found()
    {
        var good = JsonCases.Good.Where(json => json.AsSpan().IndexOfAny('\n', '\r') < 0 && !json.StartsWith('\u00EF')).ToList();
        var bad = JsonCases.Malformed.Where(json => !json.Contains('\n') && json.Trim(' ', '\t', '\r').Length > 0 && !json.StartsWith('\u00EF')).ToList();
        var mixed = good.Zip(bad.Concat(bad), (g, b) => $"{g}\n{b}\n");
        var lines = JsonBatch.ParseLines(JsonCases.Bytes(string.Concat(mixed))).ToList();
        lines.Should().HaveCount(good.Count * 2);
        lines.Where((_, i) => i % 2 == 0).Should().OnlyContain(line => line.Fault == null);
        lines.Where((_, i) => i % 2 == 1).Should().OnlyContain(line => line.Fault != null && line.Element.ValueKind == JsonValueKind.Undefined);
        lines.ForEach(line => line.Dispose());
    }

    static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}

using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.Payloads;

namespace Hindcast.Unit;

/// <summary>B3, B6: text is read without throwing, and changed only where it must be.</summary>
public sealed class LenientTextTests
{
    [Fact]
    public void Any_bytes_between_quotes_that_parse_are_read_and_like_the_framework_reads_them_where_it_does()
    {
        var (read, replaced) = (0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            if (ParsedString(RandomString(new Random(seed))) is not { } document) return;
            using (document)
            {
                var element = document.RootElement;
                var sanitised = false;
                var text = LenientText.Of(element, ref sanitised);
                var expected = Framework(element);
                read++;
                if (sanitised) replaced++;
                sanitised.Should().Be(expected is null || expected.Contains('\0'));
                LenientText.IsClean(element).Should().Be(!sanitised);
                if (expected is not null) text.Should().Be(expected.Replace('\0', '\uFFFD'));
                Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Should().Be(text, "it holds no lone surrogate");

                var alsoSanitised = false;
                using var again = JsonDocument.Parse(LenientText.JsonOf(element, ref alsoSanitised));
                alsoSanitised.Should().Be(sanitised);
                again.RootElement.GetString().Should().Be(text);
            }
        }));
        read.Should().BeGreaterThan(5_000);
        replaced.Should().BeInRange(read / 10, read * 9 / 10);
    }

    [Theory]
    [InlineData("\\u0000", "\uFFFD"), InlineData("a\\u0000b", "a\uFFFDb"), InlineData("\\uD800", "\uFFFD"), InlineData("\\uDC00x", "\uFFFDx"), InlineData("\\uD800\\uD800\\uDC00", "\uFFFD\U00010000")]
    [InlineData("\\uD83D\\u0041", "\uFFFDA"), InlineData("\\uD83D\\\\uDE00", "\uFFFD\\uDE00"), InlineData("\u00FF", "\uFFFD"), InlineData("\u00C3(", "\uFFFD("), InlineData("\u00E2\u0082\\n", "\uFFFD\n")]
    [InlineData("\u00ED\u00A0\u0080", "\uFFFD\uFFFD\uFFFD"), InlineData("\u00F0\u009F\u0098", "\uFFFD"), InlineData("\\uD800\u00FF", "\uFFFD\uFFFD")]
    public void Harm_becomes_the_replacement_character(string inside, string expected)
    {
        using var document = ParsedString(JsonCases.Bytes(inside))!;
        var sanitised = false;
        LenientText.Of(document.RootElement, ref sanitised).Should().Be(expected);
        sanitised.Should().BeTrue();
        LenientText.IsClean(document.RootElement).Should().BeFalse();
    }

    [Theory]
    [InlineData("\\\\u0000", "\\u0000"), InlineData("\\ud83d\\ude00", "\U0001F600"), InlineData("\\uFFFD", "\uFFFD"), InlineData("\\uFFFE\\uFFFF", "\uFFFE\uFFFF"), InlineData("\\b\\f\\n\\r\\t\\/\\\"\\\\", "\b\f\n\r\t/\"\\")]
    public void What_only_looks_harmful_stays(string inside, string expected)
    {
        using var document = ParsedString(JsonCases.Bytes(inside))!;
        var sanitised = false;
        LenientText.Of(document.RootElement, ref sanitised).Should().Be(expected);
        sanitised.Should().BeFalse();
        LenientText.IsClean(document.RootElement).Should().BeTrue();
    }

    [Fact]
    public void A_flag_that_is_set_stays_set()
    {
        using var document = JsonDocument.Parse("[\"\\n\",\"a\"]");
        var sanitised = true;
        foreach (var element in document.RootElement.EnumerateArray()) LenientText.Of(element, ref sanitised);
        LenientText.JsonOf(document.RootElement, ref sanitised);
        sanitised.Should().BeTrue();
    }

    [Fact]
    public void Sanitised_JSON_keeps_every_other_byte()
    {
        const string Received = "{ \"n\" : [1e400, -0,1E2 , 0.10], \"\\u0061\":\"x\\u0000y\\u00e9\\/\\\\u0000\", \"k\\uD800\\uff41\":\"\\\"\u00FF\" }";
        using var document = JsonDocument.Parse(JsonCases.Bytes(Received));
        var sanitised = false;
        LenientText.JsonOf(document.RootElement, ref sanitised).Should()
            .Be("{ \"n\" : [1e400, -0,1E2 , 0.10], \"\\u0061\":\"x\uFFFDy\\u00e9\\/\\\\u0000\", \"k\uFFFD\\uff41\":\"\\\"\uFFFD\" }");
        sanitised.Should().BeTrue();
    }

    [Fact]
    public void Names_nobody_checked_are_read_too()
    {
        using var document = JsonDocument.Parse(JsonCases.Bytes("{\"a\":1,\"b\\u0000\":2,\"\\u0063\u00FF\":3}"));
        var sanitised = false;
        document.RootElement.EnumerateObject().Select(p => LenientText.NameOf(p, ref sanitised)).Should().Equal("a", "b\uFFFD", "c\uFFFD");
        sanitised.Should().BeTrue();
    }

    [Fact]
    public void Only_strings_are_texts()
    {
        using var document = JsonDocument.Parse("1");
        var sanitised = false;
        var of = () => LenientText.Of(document.RootElement, ref sanitised);
        of.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Naughty_strings_come_back_as_they_were()
    {
        JsonSerializerOptions[] spellings = [new() { Encoder = JavaScriptEncoder.Default }, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }];
        foreach (var text in Naughty())
        {
            foreach (var spelling in spellings)
            {
                var json = JsonSerializer.SerializeToUtf8Bytes(new[] { new Dictionary<string, string> { ["v"] = text, [text + "k"] = "" } }, spelling);
                using var batch = JsonBatch.Parse(json);
                batch.RawOf(0).ToArray().Should().Equal(json[1..^1]);
                (PayloadRules.Check(batch.RawOf(0).Span)?.Code).Should().Be(text.Contains('\0') ? "invalid_key" : null);
                var sanitised = false;
                LenientText.Of(batch.Elements[0].GetProperty("v"), ref sanitised).Should().Be(text.Replace('\0', '\uFFFD'));
                sanitised.Should().Be(text.Contains('\0'));
            }
        }
    }

    /// <summary>Texts that have broken things elsewhere, by kind.</summary>
    static IEnumerable<string> Naughty()
    {
        string[] words =
        [
            "", " ", "null", "NULL", "undefined", "NaN", "-0", "1e400", "0x10", "1/0", "true", "\\", "\\\\", "\"", "'", "`", "/", "//", "\\u0000", "\\n", "%00", "%s%n%p", "{0}", "{{7*7}}", "${7*7}", "#{7*7}",
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "]]>", "<!--", "&lt;", "&#0;", "'; DROP TABLE spans;--", "1 OR 1=1", "$(touch x)", "`id`", "| cat", "../../etc/passwd",
            "C:\\nul", "CON", "=1+1", "+1", "@SUM(1)", "-1", "__proto__", "constructor", "$type", "$where", "a.b", "a..b", "x.-1", "x[4294967295]", "\r\nSet-Cookie: a=b", "\u001B[31mred", "\b\b\b", "\0", "a\0b",
            "é", "e\u0301", "ß", "İ", "ı", "ﬁ", "Ω", "Ω", "日本語", "🏳️‍🌈", "👩‍👩‍👧‍👦", "𝒳", "\U0010FFFF", "\uFEFF", "\uFFFE", "\uFFFF", "\uFDD0", "\uFFFD", "\u200B", "\u200E\u200F", "\u202Eabc\u202C", "\u2066x\u2069",
            "\u2028\u2029", "\u0085", "\u00A0", "\u3000", "\u00AD", "\u034F", "\u115F", "\u3164", "ﷺ", "مرحبا", "שלום", "ถ้า", "हिन्दी", "Z̸̢͝", "＜script＞", "ﷲ", "\u0001\u0002\u001F\u007F", "\t\v\f",
        ];
        return [.. words, .. words.Select(w => w + w), .. words.Select(w => $"a{w}z"), "a" + new string('\u0301', 500_000), new string('x', 1_000_000), string.Concat(Enumerable.Repeat("😀\n", 50_000))];
    }

    static byte[] RandomString(Random random)
    {
        string[] pieces = ["a", "é", "\u00C3\u00A9", "\u00F0\u009F\u0098\u0080", "\\n", "\\\\", "\\\"", "\\/", "\\u0041", "\\ud83d", "\\uDE00", "\\u0000", "\u00FF", "\u00ED\u00A0\u0080", "\\uFFFD", "text"];
        var harmless = random.Next(2) == 0;
        var text = new StringBuilder();
        for (var i = random.Next(harmless ? 30 : 6); i > 0; i--)
        {
            if (harmless) text.Append(pieces[2 + random.Next(7)]);
            else if (random.Next(4) == 0) text.Append((char)random.Next(256));
            else text.Append(pieces[random.Next(pieces.Length)]);
        }
        if (random.Next(20) == 0) text.Append('x', 300);
        return JsonCases.Bytes(text.ToString());
    }

    static JsonDocument? ParsedString(byte[] inside)
    {
        try
        {
            return JsonDocument.Parse((byte[])[(byte)'"', .. inside, (byte)'"']);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string? Framework(JsonElement element)
    {
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}

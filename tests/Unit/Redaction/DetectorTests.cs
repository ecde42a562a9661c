using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Redaction;
using Hindcast.Domain.Redaction;

namespace Hindcast.Unit.Redaction;

/// <summary>B28: what is found, and what only looks like it.</summary>
public sealed class DetectorTests
{
    static readonly Redactor s_all = Redactor.Of(new() { Secrets = RedactionAction.Replace, Emails = RedactionAction.Replace, Cards = RedactionAction.Replace })!;

    static string Clean(string text) => new RedactionPass(s_all).Text(text) ?? text;

    [Theory]
    [InlineData("write to alice.b+c@mail.example.co.uk.", "write to [redacted:email].")]
    [InlineData("<Bob@x.io>,carol@y-z.de;", "<[redacted:email]>,[redacted:email];")]
    [InlineData("mailto:müller@büro.example", "mailto:[redacted:email]")]
    [InlineData("a@b@c.de", "a@[redacted:email]")]
    [InlineData("git@github.com:x/y.git", "[redacted:email]:x/y.git")]
    [InlineData("4111 1111 1111 1111 and 4111-1111-1111-1111.", "[redacted:card] and [redacted:card].")]
    [InlineData("card=378282246310005;", "card=[redacted:card];")]
    [InlineData("3782 822463 10005", "[redacted:card]")]
    [InlineData("4111111111111111 2027", "[redacted:card] 2027")]
    [InlineData("4111 1111 1111 1111 2027", "[redacted:card] 2027")]
    [InlineData("key sk-abcDEF0123456789abcdefghij, next", "key [redacted:secret], next")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[redacted:secret]")]
    [InlineData("Authorization: Bearer abcdefghij0123456789xyz==", "Authorization: [redacted:secret]")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P.", "[redacted:secret].")]
    [InlineData("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [redacted:secret] b")]
    [InlineData("cut -----BEGIN PRIVATE KEY-----\nMIIEvQ", "cut [redacted:secret]")]
    public void Is_found(string text, string clean) => Clean(text).Should().Be(clean);

    [Theory]
    [InlineData("look @alice, costs 5@3, a@b, x@localhost, @@, foo@1.2")]
    [InlineData("4111111111111112 is no card, nor 1234567890123452, nor 94111111111111111, x4111111111111111, 4111111111111111z")]
    [InlineData("1700000000000000000 2000000000000000008 2026-11-21 11:29:36.1234567 +49 170 1234567")]
    [InlineData("5 10 15 20 25 30 35 40 45 50")]
    [InlineData("task-abcDEF0123456789abcdefghij risk-free sk-short sk-fading-circle-container-of-words")]
    [InlineData("Bearer tokens are described elsewhere; eyJ. eyJhbGci.x.y")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----")]
    [InlineData("[redacted:email] [redacted:card] [redacted:secret]")]
    public void Is_left_alone(string text) => Clean(text).Should().Be(text);

    [Fact]
    public void Every_generated_key_address_and_card_goes_wherever_it_stands()
    {
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        string[] around = ["", " ", "\n", "\"", "'", "(", "{\"k\":\"", "=", ": ", "ü ", "😀", "\t"];
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            string Chars(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => letters[random.Next(letters.Length)]));
            var secret = random.Next(8) switch
            {
                0 => $"sk-{Chars(48)}", 1 => $"sk-proj-{Chars(20)}_{Chars(30)}-{Chars(20)}", 2 => $"sk-ant-api03-{Chars(40)}-{Chars(40)}AA", 3 => $"ghp_{Chars(36)}",
                4 => $"{Chars(6)}.{Chars(3)}@{Chars(8)}.com", 5 => Card(random), 6 => string.Join(' ', Card(random).Chunk(4).Select(c => new string(c))), _ => $"hc_sk_{Chars(43)}",
            };
            var text = $"{around[random.Next(around.Length)]}{secret}{around[random.Next(around.Length)]}";
            var clean = Clean(text);
            clean.Should().NotContain(secret).And.Contain("[redacted:");
            Clean(clean).Should().Be(clean, "once is enough");
        }));

        static string Card(Random random)
        {
            var digits = $"4{string.Concat(Enumerable.Range(0, 14).Select(_ => random.Next(10)))}";
            var sum = digits.Reverse().Select((c, i) => i % 2 == 0 ? (c - '0') * 2 : c - '0').Sum(d => d > 9 ? d - 9 : d);
            return digits + ((10 - (sum % 10)) % 10);
        }
    }

    [Fact]
    public void A_payload_is_passed_over_only_when_no_rule_would_find_anything_in_it()
    {
        string[] parts = ["a", "@", ".", "de", "x1", " ", "4111", "1111", "-", "sk-", "A0b1C2d3E4f5G6h7I8j9", "eyJhbGciOiJIUzI1NiJ9", "😀", "-----BEGIN ", "PRIVATE KEY", "=", "\\u0040"];
        var seen = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20_000), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            var found = new List<Finding>();
            foreach (var detector in s_all.Detectors) detector.Find(text, found);
            if (found.Count == 0) return;
            seen++;
            s_all.MayFind(Encoding.UTF8.GetBytes(text)).Should().BeTrue(text);
            foreach (var finding in found) finding.By.MayFind(text).Should().BeTrue($"{finding.By.Name}: {text}");
        }));
        seen.Should().BeGreaterThan(500);
    }

    [Fact]
    public void Flagging_leaves_the_text_and_counts_and_overlaps_leave_no_rest()
    {
        var redactor = Redactor.Of(new()
        {
            Emails = RedactionAction.Flag, Patterns = [new("ticket", "T-[0-9]+", RedactionAction.Replace), new("long", "T-12 for .{4}", RedactionAction.Replace), new("never", "T", RedactionAction.Off)],
        })!;
        var pass = new RedactionPass(redactor);
        pass.Text("ask a@b.de and c@d.de").Should().BeNull();
        pass.Text("about T-12 for adam, T-7").Should().Be("about [redacted:long], [redacted:ticket]");
        pass.Marks.Should().Equal(new Mark("email", false, 2), new Mark("ticket", true, 2), new Mark("long", true, 1));
    }

    [Fact]
    public void A_pattern_that_needs_too_long_takes_the_whole_text_and_one_that_cuts_a_pair_takes_both_halves()
    {
        Clean("x", new("cut", "[\uD83D]", RedactionAction.Replace), "a😀b").Should().Be("a[redacted:cut]b");
        static string Clean(string _, OwnPattern own, string text) => new RedactionPass(Redactor.Of(new() { Patterns = [own] })!).Text(text) ?? text;
    }

    [Theory]
    [InlineData("Bad Name", "x", "patterns[0].name")]
    [InlineData("email", "x", "patterns[0].name")]
    [InlineData("a", "", "patterns[0].pattern")]
    [InlineData("a", "(", "patterns[0].pattern")]
    [InlineData("a", "(?=x)", "patterns[0].pattern")]
    [InlineData("a", "(a)\\1", "patterns[0].pattern")]
    [InlineData("a", "x*", "patterns[0].pattern")]
    public void A_rule_without_meaning_is_refused_by_name(string name, string pattern, string field) =>
        FluentActions.Invoking(() => Redactor.Of(new() { Patterns = [new(name, pattern, RedactionAction.Replace)] })).Should().Throw<BadRequest>().Which.Field.Should().Be(field);

    [Fact]
    public void There_are_bounds_and_nothing_is_no_redactor()
    {
        FluentActions.Invoking(() => Redactor.Of(new() { Patterns = [new("a", new('x', 257), RedactionAction.Off)] })).Should().Throw<BadRequest>();
        FluentActions.Invoking(() => Redactor.Of(new() { Patterns = [.. Enumerable.Range(0, 21).Select(i => new OwnPattern($"p{i}", "x", RedactionAction.Off))] })).Should().Throw<BadRequest>();
        Redactor.Of(RedactionRules.None).Should().BeNull();
        Redactor.Of(new() { Patterns = [new("a", "x", RedactionAction.Off)] }).Should().BeNull();
    }
}

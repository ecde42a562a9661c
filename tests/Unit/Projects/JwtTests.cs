using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.Projects;

namespace Hindcast.Unit.Projects;

/// <summary>B12: exactly one kind of token is one, and everything that looks like one is not.</summary>
public sealed class JwtTests
{
    const string Header = """{"alg":"HS256","typ":"JWT"}""";
    const string Good = """{"sub":"u","org_id":"default","projects":["p"],"role":"viewer","permissions":["read:traces"],"iat":1000000,"exp":1000900,"jti":"j"}""";
    static readonly byte[] s_secret = "a-secret-of-more-than-32-characters!"u8.ToArray();
    static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeSeconds(1_000_100);

    static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    static string Signed(string header, string payload) => Sealed($"{Encode(header)}.{Encode(payload)}");

    static string Sealed(string signed) => $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(s_secret, Encoding.UTF8.GetBytes(signed)))}";

    static TokenClaims? Read(string token) => Jwt.Read(token, s_secret, s_now);

    [Theory]
    [InlineData(Header, Good)]
    [InlineData("""{"alg":"HS256"}""", Good)]
    [InlineData("""{"typ":"jwt","alg":"HS256"}""", Good)]
    [InlineData(Header, """{"sub":"u","org_id":"default","projects":[],"role":"admin","permissions":["*"],"iat":1000000,"exp":1086400,"jti":"j","nbf":1000160,"aud":"hindcast","iss":"us","more":{"a":[1]}}""")]
    public void These_are_tokens(string header, string payload) => Read(Signed(header, payload)).Should().NotBeNull();

    public static TheoryData<string> Headers => new(
        """{"alg":"none"}""", """{"alg":"None","typ":"JWT"}""", """{"alg":"NONE"}""", """{"alg":"nOnE"}""", """{"alg":""}""", """{"alg":null}""", """{"alg":["HS256"]}""", """{"alg":"hs256"}""",
        """{"alg":"HS384"}""", """{"alg":"HS512"}""", """{"alg":"RS256"}""", """{"alg":"ES256"}""", """{"alg":"PS256"}""", """{"alg":"EdDSA"}""", """{"alg":"HS256 "}""", """{"typ":"JWT"}""", "{}", "[]", "null", "\"HS256\"", "",
        """{"alg":"HS256","kid":"../../../../dev/null"}""", """{"alg":"HS256","kid":"x' UNION SELECT 'a'--"}""", """{"alg":"HS256","kid":"http://evil/key"}""", """{"alg":"HS256","kid":"1"}""",
        """{"alg":"HS256","jku":"https://evil/jwks"}""", """{"alg":"HS256","x5u":"https://evil/cert"}""", """{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}""", """{"alg":"HS256","x5c":["AA"]}""",
        """{"alg":"HS256","crit":["exp"]}""", """{"alg":"HS256","crit":["b64"],"b64":false}""", """{"alg":"HS256","b64":false}""", """{"alg":"HS256","zip":"DEF"}""", """{"alg":"HS256","cty":"JWT"}""",
        """{"alg":"dir","enc":"A256GCM"}""", """{"alg":"HS256","typ":"JWE"}""", """{"alg":"HS256","typ":"at+jwt"}""", """{"alg":"HS256","typ":1}""", """{"alg":"none","alg":"HS256"}""",
        """{"alg":"HS256","alg":"none"}""", """{"alg":"HS256","\u0061lg":"HS256"}""", """{"alg":"HS256",}""", """{"alg":"HS256"} """ + "x");

    [Theory, MemberData(nameof(Headers))]
    public void No_header_chooses_anything(string header) => Read(Signed(header, Good)).Should().BeNull();

    public static TheoryData<string, string> Claims => new()
    {
        { "\"exp\":1000900", "\"exp\":\"1000900\"" }, { "\"exp\":1000900", "\"exp\":1e400" }, { "\"exp\":1000900", "\"exp\":1000900.5" }, { "\"exp\":1000900", "\"exp\":-1" }, { "\"exp\":1000900", "\"exp\":null" },
        { "\"exp\":1000900", "\"exp\":true" }, { "\"exp\":1000900", "\"exp\":[1000900]" }, { "\"exp\":1000900", "\"exp\":1000100" }, { "\"exp\":1000900", "\"exp\":1000099" }, { "\"exp\":1000900", "\"exp\":1086401" },
        { "\"exp\":1000900", "\"exp\":99999999999999999999" }, { "\"exp\":1000900", "\"exp\":253402300800" }, { "\"exp\":1000900", "\"Exp\":1000900" }, { ",\"exp\":1000900", "" }, { "\"iat\":1000000,", "" },
        { "\"iat\":1000000", "\"iat\":\"1000000\"" }, { "\"iat\":1000000", "\"iat\":1000161" }, { "\"iat\":1000000", "\"iat\":1001000" }, { "\"jti\":\"j\"", "\"jti\":1" }, { ",\"jti\":\"j\"", "" }, { "\"jti\":\"j\"", "\"jti\":\"\"" },
        { "\"sub\":\"u\",", "" }, { "\"sub\":\"u\"", "\"sub\":\"\"" }, { "\"sub\":\"u\"", "\"sub\":7" }, { "\"sub\":\"u\"", "\"sub\":\"\\ud800\"" }, { "\"org_id\":\"default\",", "" },
        { "\"projects\":[\"p\"]", "\"projects\":\"p\"" }, { "\"projects\":[\"p\"]", "\"projects\":[1]" }, { "\"projects\":[\"p\"],", "" }, { "\"permissions\":[\"read:traces\"]", "\"permissions\":\"*\"" },
        { "\"permissions\":[\"read:traces\"],", "" }, { "\"role\":\"viewer\"", "\"role\":\"root\"" }, { "\"role\":\"viewer\"", "\"role\":\"Admin\"" }, { "\"role\":\"viewer\"", "\"role\":[\"admin\"]" },
        { "\"role\":\"viewer\"", "\"role\":\"viewer\",\"role\":\"admin\"" }, { "\"role\":\"viewer\"", "\"role\":\"viewer\",\"\\u0072ole\":\"admin\"" }, { "\"exp\":1000900", "\"exp\":1000900,\"exp\":2000000" },
        { "\"jti\":\"j\"", "\"jti\":\"j\",\"nbf\":1000161" }, { "\"jti\":\"j\"", "\"jti\":\"j\",\"nbf\":\"0\"" }, { "\"jti\":\"j\"", "\"jti\":\"j\",\"aud\":[\"hindcast\"]" }, { "\"jti\":\"j\"", "\"jti\":\"j\",\"aud\":\"other\"" },
        { "\"jti\":\"j\"", "\"jti\":\"j\",\"key\":1" }, { "{\"sub\"", "[{\"sub\"" },
    };

    [Theory, MemberData(nameof(Claims))]
    public void Every_claim_is_there_once_and_as_it_should_be(string good, string bad)
    {
        Good.Should().Contain(good);
        Read(Signed(Header, Good.Replace(good, bad, StringComparison.Ordinal))).Should().BeNull(bad);
    }

    [Fact]
    public void Not_one_character_may_change()
    {
        var token = Signed(Header, Good);
        Read(token).Should().NotBeNull();
        for (var i = 0; i < token.Length; i++)
            foreach (var c in "Aa0_.-=")
                if (token[i] != c) Read(string.Concat(token.AsSpan(0, i), c.ToString(), token.AsSpan(i + 1))).Should().BeNull($"position {i} as '{c}'");
        foreach (var other in (string[])[token + "=", token + " ", " " + token, token + ".", "." + token, token + ".x", token[..^1], token[..token.LastIndexOf('.')], token[..(token.LastIndexOf('.') + 1)], "", "..", "...", token.Replace('.', ' ')])
            Read(other).Should().BeNull(other);
        Jwt.Read(token, "another-secret-of-32-characters-and"u8, s_now).Should().BeNull();
        Read($"{Encode(Header)}=.{Encode(Good)}.x").Should().BeNull();
        Read(Sealed($"{Encode(Header)}=.{Encode(Good)}")).Should().BeNull("padding is another spelling");
        Read(Sealed($"{Encode(Header)} .{Encode(Good)}")).Should().BeNull();
    }

    [Fact]
    public void It_ends_at_its_end_and_is_at_most_8_KiB()
    {
        Jwt.Read(Signed(Header, Good), s_secret, DateTimeOffset.FromUnixTimeSeconds(1_000_899)).Should().NotBeNull();
        Jwt.Read(Signed(Header, Good), s_secret, DateTimeOffset.FromUnixTimeSeconds(1_000_900)).Should().BeNull("there is no leeway");
        var longest = Enumerable.Range(5_000, 2_000).Select(n => Signed(Header, Good.Replace("\"jti\"", $"\"more\":\"{new string('x', n)}\",\"jti\"", StringComparison.Ordinal))).ToList();
        longest.Should().OnlyContain(t => Read(t) is object == t.Length <= 8 * 1024);
        longest.Should().Contain(t => t.Length <= 8 * 1024).And.Contain(t => t.Length > 8 * 1024);
    }

    [Fact]
    public void What_we_sign_we_read()
    {
        var claims = new TokenClaims("key_1", "default", ["p", "q"], "developer", ["read:traces"], s_now, s_now.AddMinutes(15), "id", "key_1");
        Read(Jwt.Sign(claims, s_secret)).Should().BeEquivalentTo(claims);
    }
}

using System.Buffers;

namespace Hindcast.Application.Redaction;

/// <summary>
/// What opens something: keys of model providers and of platforms, by the beginnings that they give them; bearer tokens; JSON web tokens; private
/// keys in PEM. What looks like an ordinary word behind such a beginning (no digit and no capital) is none.
/// </summary>
sealed class SecretDetector() : Detector("secret")
{
    const string Base64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    static readonly SearchValues<char> s_key = SearchValues.Create(Base64Url);
    static readonly SearchValues<char> s_token = SearchValues.Create(Base64Url + ".~+/=");

    static readonly SearchValues<char> s_label = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ");

    /// <param name="Prefix">How it begins.</param>
    /// <param name="Least">Fewer characters behind it are no key.</param>
    sealed record Shape(string Prefix, int Least, SearchValues<char> Alphabet);

    static readonly Shape[] s_shapes =
    [
        // OpenAI, Anthropic, OpenRouter, DeepSeek and who else took after them; ours; Groq, xAI, Perplexity, Google, Hugging Face, Replicate, Nvidia, Tavily, Fireworks.
        Key("sk-", 20), Key("hc_sk_", 16), Key("gsk_", 20), Key("xai-", 20), Key("pplx-", 20), Key("AIza", 30), Key("ya29.", 20), Key("hf_", 20), Key("r8_", 20), Key("nvapi-", 20), Key("tvly-", 16), Key("fw_", 20),
        // Langfuse, LangSmith.
        Key("pk-lf-", 20), Key("lsv2_", 20),
        // AWS, GitHub, GitLab, Slack, Stripe, SendGrid, npm, PyPI, Shopify, DigitalOcean, Postman, Sentry, age.
        Key("AKIA", 16), Key("ASIA", 16), Key("ghp_", 30), Key("gho_", 30), Key("ghu_", 30), Key("ghs_", 30), Key("ghr_", 30), Key("github_pat_", 22), Key("glpat-", 16),
        Key("xoxb-", 10), Key("xoxp-", 10), Key("xoxa-", 10), Key("xoxr-", 10), Key("xoxs-", 10), Key("xapp-", 10),
        Key("sk_live_", 10), Key("sk_test_", 10), Key("rk_live_", 10), Key("rk_test_", 10), Key("whsec_", 16), Token("SG.", 40), Key("npm_", 30), Key("pypi-", 30), Key("shpat_", 30),
        Key("dop_v1_", 40), Key("PMAK-", 30), Key("sntrys_", 30), Key("AGE-SECRET-KEY-1", 40),
        Token("Bearer ", 20), Token("bearer ", 20),
    ];

    const string Pem = "-----BEGIN ", PemKey = "PRIVATE KEY", Jwt = "eyJ";

    static readonly SearchValues<string> s_beginnings = SearchValues.Create([.. s_shapes.Select(s => s.Prefix), Pem, Jwt], StringComparison.Ordinal);

    static Shape Key(string prefix, int least) => new(prefix, least, s_key);

    static Shape Token(string prefix, int least) => new(prefix, least, s_token);

    public override bool MayFind(ReadOnlySpan<char> text) => text.IndexOfAny(s_beginnings) >= 0;

    public override void Find(ReadOnlySpan<char> text, List<Finding> found)
    {
        for (var at = 0; at < text.Length && text[at..].IndexOfAny(s_beginnings) is var next and >= 0;)
        {
            at += next;
            var length = IsWord(text, at - 1) ? 0 : LengthOf(text[at..]);
            if (length > 0) found.Add(new(this, at, length));
            at += Math.Max(1, length);
        }
    }

    static int LengthOf(ReadOnlySpan<char> text)
    {
        if (text.StartsWith(Pem)) return PemLength(text);
        if (text.StartsWith(Jwt)) return JwtLength(text);
        var longest = 0;
        foreach (var shape in s_shapes)
        {
            if (!text.StartsWith(shape.Prefix)) continue;
            var rest = text[shape.Prefix.Length..];
            var length = rest.IndexOfAnyExcept(shape.Alphabet) is var end and >= 0 ? end : rest.Length;
            if (length >= shape.Least && IsRandom(rest[..length])) longest = Math.Max(longest, shape.Prefix.Length + length);
        }
        return longest;
    }

    static bool IsRandom(ReadOnlySpan<char> key)
    {
        foreach (var c in key)
            if (char.IsAsciiDigit(c) || char.IsAsciiLetterUpper(c)) return true;
        return false;
    }

    /// <summary>Three parts in base64url with dots between; of one that is encrypted all five. The last may be empty: unsigned is still somebody's.</summary>
    static int JwtLength(ReadOnlySpan<char> text)
    {
        var (at, parts) = (0, 0);
        while (true)
        {
            var length = text[at..].IndexOfAnyExcept(s_key) is var end and >= 0 ? end : text.Length - at;
            if (parts < 2 && length < 8) return 0;
            at += length;
            if (++parts == 5 || at == text.Length || text[at] != '.') return parts >= 3 ? at : 0;
            // A full stop behind it is not its own.
            if (parts >= 3 && !(at + 1 < text.Length && s_key.Contains(text[at + 1]))) return at;
            at++;
        }
    }

    /// <summary>To the line that ends it, or, cut off, to the end of the text.</summary>
    static int PemLength(ReadOnlySpan<char> text)
    {
        var label = text[Pem.Length..Math.Min(text.Length, Pem.Length + 40)];
        if (label.IndexOf(PemKey) is not (var named and >= 0) || label[..named].ContainsAnyExcept(s_label)) return 0;
        var from = Pem.Length + named + PemKey.Length;
        if (text[from..].IndexOf("-----END ") is not (var end and >= 0)) return text.Length;
        var tail = text[(from + end + "-----END ".Length)..];
        return tail.IndexOf("-----") is var close and >= 0 and < 40 ? from + end + "-----END ".Length + close + 5 : text.Length;
    }
}

using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>What the first look costs, and how it is kept.</summary>
public sealed partial class BundleTests(Browser browser) : IClassFixture<Browser>
{
    const int MostScriptBytes = 300 * 1024;

    [Fact]
    public async Task The_first_load_has_at_most_300_KiB_of_script_once_compressed()
    {
        await using var window = await browser.SignedInAsync();
        var scripts = new HashSet<string>();
        window.Page.Response += (_, response) =>
        {
            if (response.Url.EndsWith(".js", StringComparison.Ordinal)) scripts.Add(new Uri(response.Url).AbsolutePath);
        };
        await window.GoAsync("/");
        await Assertions.Expect(window.Page.GetByTestId("first-run")).ToBeVisibleAsync();
        scripts.Should().NotBeEmpty();
        using var http = new HttpClient { BaseAddress = browser.Server.Address, DefaultRequestHeaders = { { "Accept-Encoding", "gzip" } } };
        var bytes = 0;
        foreach (var script in scripts)
        {
            using var answer = await http.GetAsync(script, TestContext.Current.CancellationToken);
            answer.Content.Headers.ContentEncoding.Should().Equal("gzip");
            bytes += (await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{scripts.Count} scripts, {bytes} bytes as gzip");
        bytes.Should().BeLessThanOrEqualTo(MostScriptBytes);
    }

    [Fact]
    public async Task Assets_are_kept_for_good_and_the_page_is_asked_for_anew()
    {
        await using (var window = await browser.OpenAsync()) await window.GoAsync("/");
        using var http = new HttpClient { BaseAddress = browser.Server.Address };
        using var page = await http.SendAsync(new(HttpMethod.Get, "/app/traces/x") { Headers = { { "Accept", "text/html" } } }, TestContext.Current.CancellationToken);
        page.Headers.CacheControl!.NoCache.Should().BeTrue();
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        html.Should().NotContain("__NONCE__");
        foreach (Match asset in Asset().Matches(html))
        {
            foreach (var encoding in (string[])["br", "gzip", "identity"])
            {
                using var answer = await http.SendAsync(new(HttpMethod.Get, asset.Value) { Headers = { { "Accept-Encoding", encoding } } }, TestContext.Current.CancellationToken);
                answer.StatusCode.Should().Be(HttpStatusCode.OK);
                answer.Headers.CacheControl!.ToString().Should().Contain("immutable").And.Contain("max-age=31536000");
                answer.Content.Headers.ContentEncoding.Should().Equal(encoding is "identity" ? [] : [encoding]);
            }
        }
        foreach (var absent in (string[])["/app/assets/none.js", "/app/assets/..%2findex.html", "/app/assets/index.html"])
        {
            using var answer = await http.GetAsync(absent, TestContext.Current.CancellationToken);
            answer.StatusCode.Should().Be(HttpStatusCode.NotFound, absent);
        }
        using var json = await http.GetAsync("/", TestContext.Current.CancellationToken);
        json.Content.Headers.ContentType!.MediaType.Should().Be("application/json", "whoever does not ask for a page gets TraceLLM's greeting");
    }

    [GeneratedRegex(@"/app/assets/[\w.-]+\.(js|css|svg)")]
    private static partial Regex Asset();
}

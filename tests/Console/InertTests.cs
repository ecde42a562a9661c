using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>B15, P12: whatever a trace is made of stays text. Thousands of strings, each in every field, looked at on every page that shows them.</summary>
public sealed class InertTests(InertTests.Poisoned browser) : IClassFixture<InertTests.Poisoned>
{
    const int SpansPerTrace = 50;

    /// <summary>Elements the console is made of; a picture, a frame or an object is none of its own.</summary>
    const string Foreign = """
        () => [...document.querySelectorAll('*')].filter(e =>
          !['html','head','body','meta','title','link','script','noscript','style','div','span','p','a','b','h1','h2','h3','header','nav','aside','main','section','figure','figcaption','ul','ol','li','dl','dt','dd','table','thead','tbody','tr','th','td',
            'form','fieldset','legend','label','input','select','option','textarea','button','svg','path','rect','circle','line','polyline','polygon','ellipse','g','text','title','time','progress','code','pre','mark','canvas'].includes(e.localName)
          || e.localName === 'script' && !e.src.startsWith(location.origin + '/app/assets/')
          || e.localName === 'link' && !e.href.startsWith(location.origin + '/app/assets/')
          || e.localName === 'a' && !e.href.startsWith(location.origin)
          || [...e.attributes].some(a => a.name.startsWith('on'))).map(e => e.outerHTML.slice(0, 200))
        """;

    public sealed class Poisoned : Browser
    {
        /// <summary>Ids of the traces, of which the last is itself a text of that kind.</summary>
        public List<string> Traces { get; } = [];

        protected override async Task LoadAsync()
        {
            foreach (var (part, i) in Hostile.All.Chunk(SpansPerTrace).Select((p, i) => (p, i)))
            {
                var trace = i % 4 == 3 ? $"t{i} {part[0]}"[..Math.Min(120, part[0].Length)].Replace('\0', ' ').Replace('/', '|') : $"trace-{i}";
                Traces.Add(trace);
                await PostAsync([.. part.SelectMany((text, k) => Of(trace, $"s{k}", text.Replace('\0', ' ')))]);
            }
        }

        static IEnumerable<object> Of(string trace, string span, string text)
        {
            var @short = text[..Math.Min(60, text.Length)];
            var attributes = new Dictionary<string, object> { ["tags"] = new[] { @short }, [@short.Replace('.', ' ')] = text, ["html"] = text };
            yield return new
            {
                type = "llm_response", trace_id = trace, span_id = span, name = text, kind = span.EndsWith('1') ? @short : null, user_id = @short, session_id = @short, environment = @short, attributes,
                content = new { messages = new[] { new { role = @short, content = text } }, content = text, toolCalls = new[] { new { id = @short, function = new { name = text, arguments = $$"""{"x":{{System.Text.Json.JsonSerializer.Serialize(text)}}}""" } } } },
            };
            yield return new { type = "tool_call_request", trace_id = trace, span_id = $"{span}-tool", parent_span_id = span, name = text, content = new { html = text } };
            if (span is "s7") yield return new { type = "error", trace_id = trace, span_id = span, content = new { message = text } };
            yield return new { type = "score", trace_id = trace, span_id = span, name = @short, content = new { name = text, value = 1, comment = text } };
        }
    }

    static async Task InspectAsync(Window window, string where)
    {
        await window.SettledAsync();
        (await window.Page.EvaluateAsync<int>("() => window.fired || 0")).Should().Be(0, $"no script of a trace runs at {where}");
        (await window.Page.EvaluateAsync<string[]>(Foreign)).Should().BeEmpty($"nothing on the page is of a trace's making at {where}");
        window.Troubles.Should().BeEmpty($"at {where}");
    }

    [Fact]
    public async Task Lists_show_texts_as_texts()
    {
        Hostile.All.Should().HaveCountGreaterThan(2_000);
        foreach (var size in new[] { Browser.Wide, Browser.Narrow })
        {
            await using var window = await browser.SignedInAsync(size);
            foreach (var path in (string[])["/app/", "/app/?by=user", "/app/?by=environment", "/app/traces?cols=started,status,prompt,agent,model,user,session,environment,trace", "/app/traces?q=evil", "/app/runs", "/app/failures", "/app/agents", "/app/sessions", "/app/users", "/app/events", "/app/settings/audit"])
            {
                await window.GoAsync(path);
                await InspectAsync(window, path);
            }
            await window.GoAsync("/app/traces?rows=spans&cols=started,status,span,input,output,agent,model,user,session,environment,trace");
            var rows = window.Page.GetByTestId("rows");
            for (var i = 0; i < 40; i++)
            {
                await rows.EvaluateAsync("(e, i) => { e.scrollTop = i * 2000 }", i);
                await window.Page.EvaluateAsync("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
                if (i % 10 == 9) await InspectAsync(window, "the list of spans");
            }
        }
    }

    [Fact]
    public async Task Traces_show_texts_as_texts_in_every_view()
    {
        // Three windows side by side: most of the time is spent waiting for a page to come to rest.
        await Task.WhenAll(browser.Traces.Chunk((browser.Traces.Count / 3) + 1).Select(async traces =>
        {
            await using var window = await browser.SignedInAsync();
            foreach (var trace in traces)
                foreach (var rest in (string[])["?span=s7", "?tab=data&span=s1-tool", "?view=facts&tab=facts&span=s3", "?view=graph&tab=usage&span=s9", "?rev=20&span=s2"])
                {
                    var path = $"/app/traces/{Uri.EscapeDataString(trace)}{rest}";
                    await window.GoAsync(path);
                    await InspectAsync(window, path);
                }
        }));
    }

    [Fact]
    public async Task Hostile_names_of_keys_and_prices_and_addresses_are_texts()
    {
        var text = Hostile.All[1];
        using (await browser.Http.PutAsync("/api/v1/prices", new StringContent(System.Text.Json.JsonSerializer.Serialize(new[] { new { model = text, provider = text, valid_from = "2024-01-01T00:00:00Z", input_per_million_usd = 1, output_per_million_usd = 1 } })), TestContext.Current.CancellationToken)) { }
        using (await browser.Http.PostAsync("/api/v1/keys", new StringContent(System.Text.Json.JsonSerializer.Serialize(new { name = text, scopes = new[] { "read" }, environment = text })), TestContext.Current.CancellationToken)) { }
        await using var window = await browser.SignedInAsync();
        foreach (var path in (string[])["/app/settings/prices", "/app/settings/keys", $"/app/traces?q={Uri.EscapeDataString(text)}", $"/app/traces?q={Uri.EscapeDataString($"user_id = \"{text.Replace("\"", "\\\"", StringComparison.Ordinal)}\"")}&cols={Uri.EscapeDataString(text)}", $"/app/settings/{Uri.EscapeDataString(text)}"])
        {
            await window.GoAsync(path);
            await InspectAsync(window, path);
        }
    }

    [Fact]
    public async Task The_policy_of_the_page_lets_in_nothing_but_its_own()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/app/traces") { Headers = { { "Accept", "text/html" } } };
        using var answer = await browser.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        policy.Should().Contain("default-src 'none'").And.Contain("script-src 'self';").And.Contain("require-trusted-types-for 'script'").And.Contain("font-src 'self'").And.Contain("base-uri 'none'").And.Contain("form-action 'self'").And.NotContain("unsafe");
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");

        // What would run if the page's policy were not there, does not.
        await using var window = await browser.SignedInAsync();
        await window.GoAsync("/app/traces");
        await window.Page.EvaluateAsync("() => { const s = document.createElement('div'); try { s.innerHTML = '<img src=x onerror=window.fired=1>' } catch { window.refused = true } }");
        (await window.Page.EvaluateAsync<bool>("() => window.refused === true && !window.fired")).Should().BeTrue("markup cannot be made from text at all");
    }
}

using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;

namespace Hindcast.Bench.Pages;

/// <summary>
/// The console in a real Chromium without a screen: what the first load weighs and how long it takes, from a first event to its trace on the page, and the
/// frames while a list of many traces and a trace of many spans are scrolled. Browser and server are on the same processors.
/// </summary>
static class ConsoleBench
{
    const int Together = 100, Rounds = 5;
    const double Frame = 1000.0 / 30;

    /// <summary>Moves an element a step each frame, turning round at its ends, and answers how long each frame took, ms.</summary>
    const string Scroll = """
        ([selector, step, ms]) => new Promise((done) => {
          const [box, frames] = [document.querySelector(selector), []]
          let [began, last, by] = [performance.now(), performance.now(), step]
          requestAnimationFrame(function frame(now) {
            frames.push(now - last)
            last = now
            const before = box.scrollTop
            box.scrollTop += by
            if (box.scrollTop === before) by = -by
            if (now - began < ms) requestAnimationFrame(frame)
            else done(frames.slice(1))
          })
        })
        """;

    /// <summary>Notes when what can be used is there: the places to go, and the first row or the first chart.</summary>
    const string Usable = """
        const look = () => {
          if (document.querySelector('nav[aria-label=Pages] a') && document.querySelector('[data-testid=rows] [role=row] a, figure canvas, [role=treeitem]')) window.usable = performance.now()
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
        """;

    public static async Task RunAsync(int traces, int spans)
    {
        var executable = new[] { "/usr/bin/chromium", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("Neither chromium nor google-chrome is installed.");
        var folder = Directory.CreateTempSubdirectory("hindcast-bench-").FullName;
        await using (var server = await HindcastProcess.StartAsync(folder))
        {
            using var http = server.Client();
            using var playwright = await Playwright.CreateAsync();
            await using var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = executable, Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
            Console.WriteLine($"Chromium {browser.Version}, {Machine.Describe()}");

            await FirstTracesAsync(browser, server, http);
            await FillAsync(http, traces, i => new { type = "llm_response", trace_id = $"t{i:000000}", name = "answer", model = i % 3 == 0 ? "gpt-4o" : "claude-sonnet-4-5", user_id = $"user-{i % 997}", content = $"Answer number {i}.", usage = new { input_tokens = 100 + (i % 900), output_tokens = 20 } });
            await FillAsync(http, spans, i => new { type = "llm_response", trace_id = "long", span_id = $"s{i}", parent_span_id = i == 0 ? null : $"s{i / 10}", name = $"step {i}", content = "Done." });
            await LoadsAsync(browser, server);
            await ListAsync(browser, server, traces);
            await TraceAsync(browser, server, spans);
        }
        Directory.Delete(folder, recursive: true);
    }

    static async Task<IPage> OpenAsync(IBrowser browser, HindcastProcess server, string key = HindcastProcess.Key)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1280, Height = 800 }, BaseURL = server.Address.ToString() });
        await context.APIRequest.PostAsync("/app/login", new() { DataObject = new { key } });
        return await context.NewPageAsync();
    }

    /// <summary>Each in a project of its own, because it has one first event.</summary>
    static async Task FirstTracesAsync(IBrowser browser, HindcastProcess server, HttpClient http)
    {
        var took = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            using var made = await http.PostAsync(new Uri($"/api/projects?name=first-{round}&environment=bench", UriKind.Relative), null);
            var key = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("api_key").GetProperty("key").GetString()!;
            var page = await OpenAsync(browser, server, key);
            await page.GotoAsync("/");
            await page.GetByTestId("first-run").WaitForAsync();
            using var theirs = new HttpClient { BaseAddress = server.Address, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
            var begun = Stopwatch.GetTimestamp();
            using var answer = await theirs.PostAsJsonAsync(new Uri("/api/v1/events", UriKind.Relative), new { type = "llm_response", trace_id = "hello", name = "greeting", content = "Hello, Hindcast!" });
            await page.GetByText("Hello, Hindcast!").WaitForAsync();
            took.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            await page.Context.CloseAsync();
        }
        Console.WriteLine($"first event to its trace on the page: {Of(took)} (goal 2,000 ms)");
    }

    static async Task FillAsync(HttpClient http, int count, Func<int, object> make)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, (count + Together - 1) / Together), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (batch, ct) =>
        {
            using var answer = await http.PostAsJsonAsync(new Uri("/api/v1/events", UriKind.Relative), Enumerable.Range(batch * Together, Math.Min(Together, count - (batch * Together))).Select(make), ct);
            answer.EnsureSuccessStatusCode();
        });
        while ((await http.GetFromJsonAsync<JsonElement>(new Uri("/api/v1/projections", UriKind.Relative))).EnumerateArray().Any(p => p.GetProperty("lag_events").GetInt64() > 0)) await Task.Delay(200);
    }

    static async Task LoadsAsync(IBrowser browser, HindcastProcess server)
    {
        foreach (var path in (string[])["/", "/app/traces", "/app/traces/long"])
        {
            var (took, scripts) = (new List<double>(), new HashSet<string>());
            for (var round = 0; round < Rounds; round++)
            {
                var page = await OpenAsync(browser, server);
                await page.AddInitScriptAsync(Usable);
                page.Response += (_, response) =>
                {
                    if (response.Url.EndsWith(".js", StringComparison.Ordinal)) scripts.Add(new Uri(response.Url).AbsolutePath);
                };
                await page.GotoAsync(path);
                took.Add(await (await page.WaitForFunctionAsync("() => window.usable")).JsonValueAsync<double>());
                await page.Context.CloseAsync();
            }
            using var plain = new HttpClient { BaseAddress = server.Address, DefaultRequestHeaders = { { "Accept-Encoding", "gzip" } } };
            var bytes = 0;
            foreach (var script in scripts) bytes += (await plain.GetByteArrayAsync(new Uri(script, UriKind.Relative))).Length;
            Console.WriteLine($"{path}: usable after {Of(took)} with nothing kept (goal 1,000 ms); {scripts.Count} scripts, {bytes / 1024.0:n1} KiB as gzip (goal 300 KiB)");
        }
    }

    static async Task ListAsync(IBrowser browser, HindcastProcess server, int traces)
    {
        var page = await OpenAsync(browser, server);
        await page.GotoAsync("/app/traces");
        await page.Locator("[data-testid=rows] [role=row] a").First.WaitForAsync();
        Console.WriteLine($"list of {traces:n0} traces, rows coming while it is scrolled: {Of(await FramesAsync(page, "[data-testid=rows]", 300))}");
        // To the end, until all are there.
        await page.EvaluateAsync("async (count) => { const box = document.querySelector('[data-testid=rows]'); while (box.scrollHeight < count * 34) { box.scrollTop = box.scrollHeight; await new Promise(requestAnimationFrame) } }", traces);
        foreach (var step in (int[])[60, 300, 5_000])
            Console.WriteLine($"  all of them there, {step:n0} px a frame: {Of(await FramesAsync(page, "[data-testid=rows]", step))}");
        await page.Context.CloseAsync();
    }

    static async Task TraceAsync(IBrowser browser, HindcastProcess server, int spans)
    {
        var page = await OpenAsync(browser, server);
        await page.GotoAsync("/app/traces/long");
        await page.GetByRole(AriaRole.Treeitem).First.WaitForAsync();
        foreach (var step in (int[])[60, 300, 5_000])
            Console.WriteLine($"trace of {spans:n0} spans, {step:n0} px a frame: {Of(await FramesAsync(page, "[data-testid=waterfall]", step))}");
        await page.Context.CloseAsync();
    }

    static Task<double[]> FramesAsync(IPage page, string selector, int step) => page.EvaluateAsync<double[]>(Scroll, new object[] { selector, step, 6_000 });

    static string Of(double[] frames)
    {
        Array.Sort(frames);
        return $"{frames.Length:n0} frames, {100.0 * frames.Count(f => f < Frame) / frames.Length:n1} % under 33 ms (goal 95 %), p50 {frames[frames.Length / 2]:n1}, p95 {frames[frames.Length * 95 / 100]:n1}, the longest {frames[^1]:n0} ms";
    }

    static string Of(List<double> took)
    {
        took.Sort();
        return $"{took[took.Count / 2]:n0} ms ({took[0]:n0} to {took[^1]:n0})";
    }
}

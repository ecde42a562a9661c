using System.Diagnostics;
using System.Net.Http.Json;
using Hindcast.Bench;
using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>The real server on a directory of its own, and the browser of this machine looking at it.</summary>
public class Browser : IAsyncLifetime
{
    /// <summary>A wide and a narrow screen.</summary>
    public static readonly (int Width, int Height) Wide = (1280, 800), Narrow = (390, 844);

    static readonly string? s_executable = new[] { "/usr/bin/chromium", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    IPlaywright? _playwright;
    IBrowser? _browser;
    string? _missing;

    public HindcastProcess Server { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;
    public string Folder { get; } = Directory.CreateTempSubdirectory("hindcast-console-").FullName;

    public async ValueTask InitializeAsync()
    {
        await PrepareAsync();
        Server = await HindcastProcess.StartAsync(Folder, Settings);
        Http = Server.Client();
        var page = await Http.SendAsync(new(HttpMethod.Get, "/") { Headers = { { "Accept", "text/html" } } });
        _missing = s_executable is null ? "Browser: neither chromium nor google-chrome is installed (./test installs it)"
            : (await page.Content.ReadAsStringAsync()).Contains("/app/assets/", StringComparison.Ordinal) ? null
            : "Console: this build has none, Node.js 20.19 or newer is not installed (./test installs it)";
        if (_missing is not null && Environment.GetEnvironmentVariable("CI") is "true" or "1") throw new InvalidOperationException(_missing);
        if (_missing is null)
        {
            // Two cores that others use as well.
            Assertions.SetDefaultExpectTimeout(30_000);
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = s_executable, Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
        }
        await LoadAsync();
    }

    /// <summary>Of the server, beside what every one here has.</summary>
    protected virtual IReadOnlyDictionary<string, string>? Settings => null;

    /// <summary>What is in the folder before the server starts.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;

    /// <summary>What is stored before anybody looks.</summary>
    protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <summary>A window of its own: no cookie, and everything it does is noted.</summary>
    public async Task<Window> OpenAsync((int Width, int Height)? size = null, bool dark = false)
    {
        if (_missing is not null) Assert.Skip(_missing);
        var (width, height) = size ?? Wide;
        var context = await _browser!.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light, BaseURL = Server.Address.ToString() });
        return await Window.OfAsync(context, Server.Address);
    }

    /// <summary>The same, signed in.</summary>
    public async Task<Window> SignedInAsync((int Width, int Height)? size = null, bool dark = false, string key = HindcastProcess.Key)
    {
        var window = await OpenAsync(size, dark);
        var answer = await window.Page.APIRequest.PostAsync("/app/login", new() { DataObject = new { key } });
        answer.Status.Should().Be(200);
        return window;
    }

    public async Task PostAsync(params object[] events)
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/events", events);
        answer.StatusCode.Should().Be(System.Net.HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
    }

    public async Task<string> KeyAsync(params string[] scopes)
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/keys", new { name = "browser", scopes });
        return (await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("key").GetString()!;
    }

    /// <summary><c>hindcast demo</c> against the server, until every view shows it: what the demo waits for is that it is stored.</summary>
    protected async Task DemoAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "hindcast.dll"), "demo"]) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.Environment["Hindcast__DataDirectory"], start.Environment["HINDCAST_KEY"]) = (Folder, HindcastProcess.Key);
        using var demo = Process.Start(start)!;
        var said = await Task.WhenAll(demo.StandardOutput.ReadToEndAsync(), demo.StandardError.ReadToEndAsync());
        await demo.WaitForExitAsync();
        demo.ExitCode.Should().Be(0, said[1]);
        while ((await Http.GetFromJsonAsync<System.Text.Json.JsonElement>("/api/v1/projections")).EnumerateArray().Any(p => p.GetProperty("lag_events").GetInt64() != 0)) await Task.Delay(20);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        Http.Dispose();
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}

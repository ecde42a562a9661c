using System.Text.Json;
using Microsoft.Playwright;

namespace Hindcast.Console;

/// <summary>A window of the browser that notes what should not happen in it: errors, scripts' failures, requests to elsewhere.</summary>
public sealed class Window : IAsyncDisposable
{
    static readonly Lazy<string> s_axe = new(() => File.ReadAllText(Path.Combine(Root(), "src/Console/node_modules/axe-core/axe.min.js")));

    readonly IBrowserContext _context;
    readonly List<string> _troubles = [];

    Window(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    /// <summary>What happened that should not have, since the window was opened.</summary>
    public IReadOnlyList<string> Troubles => _troubles;

    public static async Task<Window> OfAsync(IBrowserContext context, Uri home)
    {
        var page = await context.NewPageAsync();
        var window = new Window(context, page);
        page.Console += (_, said) =>
        {
            if (said.Type is "error" or "warning") window._troubles.Add($"console {said.Type} at {page.Url}: {said.Text}");
        };
        page.PageError += (_, error) => window._troubles.Add($"error at {page.Url}: {error}");
        page.Dialog += async (_, dialog) =>
        {
            window._troubles.Add($"dialog at {page.Url}: {dialog.Message}");
            await dialog.DismissAsync();
        };
        page.Popup += (_, popup) => window._troubles.Add($"popup {popup.Url}");
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(home.ToString(), StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("blob:", StringComparison.Ordinal))
                window._troubles.Add($"request to elsewhere at {page.Url}: {request.Url}");
        };
        return window;
    }

    /// <summary>Goes there and waits until nothing more is loading.</summary>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(path);
        await Page.Locator("main, form").First.WaitForAsync();
        await SettledAsync();
    }

    /// <summary>No word of loading on the page, and no request under way.</summary>
    public async Task SettledAsync()
    {
        await Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await Page.WaitForFunctionAsync("() => ![...document.querySelectorAll('[role=status]')].some(s => /^(Loading|Signing)/.test(s.textContent))");
    }

    /// <summary>What axe-core finds serious or critical, in words.</summary>
    public async Task<List<string>> ViolationsAsync()
    {
        // Evaluated by the debugger: the page's own policy lets no script in.
        await Page.EvaluateAsync(s_axe.Value);
        var found = await Page.EvaluateAsync<JsonElement>("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map(v => ({ id: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html.slice(0, 200) + ' ' + n.any.map(a => a.message).join('; ').slice(0, 200)).slice(0, 3) }))");
        return [.. found.EnumerateArray().Where(v => v.GetProperty("impact").GetString() is "serious" or "critical").Select(v => $"{v.GetProperty("id")} at {Page.Url}: {v.GetProperty("nodes")}")];
    }

    /// <summary>How far the page reaches beyond the right edge of the window, px.</summary>
    public Task<int> OverflowAsync() => Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth");

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cqrs.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}

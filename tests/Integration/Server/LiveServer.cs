using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>The real process on a directory of its own, and requests to it as clients send them. No answer of it may be a 5xx.</summary>
public class LiveServer : IAsyncLifetime
{
    public HindcastProcess Process { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;
    public string Folder { get; } = Directory.CreateTempSubdirectory("hindcast-e2e-").FullName;

    /// <summary>As in its environment.</summary>
    public Dictionary<string, string> Settings { get; private set; } = [];

    /// <summary>Position of the newest fact this client was told of.</summary>
    public string? Written { get; private set; }

    protected virtual Task<Dictionary<string, string>> SettingsAsync() => Task.FromResult(new Dictionary<string, string>());

    public async ValueTask InitializeAsync()
    {
        Settings = await SettingsAsync();
        Process = await HindcastProcess.StartAsync(Folder, Settings);
        await ConnectAsync();
    }

    /// <summary>Starts it again, after it was killed, on the same directory; it is ready when this returns.</summary>
    public async Task StartAgainAsync()
    {
        await Process.StartAsync();
        await ConnectAsync();
    }

    public Task<Answer> PostAsync(string path, string body, string? key = HindcastProcess.Key, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body), key, headers);

    /// <summary>Reads as one who waits for what was written here.</summary>
    public Task<Answer> ReadAsync(string path) => GetAsync(path, HindcastProcess.Key, Written is null ? [] : [("X-Min-Position", Written)]);

    public Task<Answer> GetAsync(string path, string? key = HindcastProcess.Key, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, key, headers);

    /// <summary>A read that has to succeed.</summary>
    public async Task<JsonElement> JsonAsync(string path)
    {
        var answer = await ReadAsync(path);
        answer.Status.Should().Be(200, $"{path}: {answer.Text}");
        return answer.Json;
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, byte[]? body, string? key, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new ByteArrayContent(body) };
        if (key is not null) request.Headers.TryAddWithoutValidation("X-API-Key", key);
        if (body is not null) request.Content!.Headers.ContentType = new("application/json");
        foreach (var (name, value) in headers)
        {
            if (name is "Content-Type") request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            else if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        ((int)response.StatusCode).Should().BeLessThan(500, $"{method} {path} is answered, not failed: {text}");
        var answer = new Answer((int)response.StatusCode, text, response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
        // Some doors for reading are posts too; what they have reached may lie before what was written.
        if (method == HttpMethod.Post && answer.Headers.TryGetValue("X-Log-Position", out var position) && long.Parse(position, CultureInfo.InvariantCulture) > long.Parse(Written ?? "0", CultureInfo.InvariantCulture))
            Written = position;
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (Process is not null) await Process.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Where the engines keep files, with all they have written in them.</summary>
    protected virtual IEnumerable<string> Folders => [Folder];

    /// <summary>The files of the engines that hold a text anywhere.</summary>
    public List<string> FilesWith(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [.. Folders.SelectMany(folder => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)).Where(file => Path.GetFileName(file) != "hindcast.lock").Where(file =>
        {
            try
            {
                using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                var all = new byte[open.Length];
                open.ReadExactly(all);
                return all.AsSpan().IndexOf(bytes) >= 0;
            }
            catch (FileNotFoundException)
            {
                return false;
            }
        })];
    }

    async Task ConnectAsync()
    {
        Http?.Dispose();
        Http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Process.Address };
        while (!(await Http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) await Task.Delay(20);
    }
}

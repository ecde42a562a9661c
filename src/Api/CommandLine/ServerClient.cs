using System.Net.Http.Json;
using System.Text.Json;
using Hindcast.Api.Native;

namespace Hindcast.Api.CommandLine;

/// <summary>The running server, through the doors everybody uses. What goes wrong is one sentence.</summary>
internal sealed class ServerClient : IDisposable
{
    readonly HttpClient _http;

    public ServerClient(string address, string? key)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new WrongUsage($"'{address}' is no address of a server, such as http://127.0.0.1:8080.");
        Address = address.TrimEnd('/');
        if (string.IsNullOrWhiteSpace(key)) throw new Failed($"A server runs at {Address}; give its key with --key or HINDCAST_KEY.");
        if (key.AsSpan().ContainsAny('\r', '\n', '\0')) throw new Failed("The key holds a line break, which no key does.");
        _http = new() { BaseAddress = uri, Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key.Trim()}");
    }

    public string Address { get; }

    public async Task<JsonElement> GetAsync(string path) => await SendAsync(HttpMethod.Get, path, null);

    public async Task<T> GetAsync<T>(string path) => (await SendAsync(HttpMethod.Get, path, null)).Deserialize<T>(Envelope.Json)!;

    public async Task<T> PostAsync<T>(string path, object body) =>
        (await SendAsync(HttpMethod.Post, path, JsonContent.Create(body, options: Envelope.Json))).Deserialize<T>(Envelope.Json)!;

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, HttpContent? body, params (string Name, string Value)[] headers)
    {
        var (status, text) = await TrySendAsync(method, path, body, headers);
        if (status is < 200 or > 299) throw new Failed($"{method} {path}: the server answered {status}, {Reason(text)}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Any answer is good here; only silence is a failure.</summary>
    public async Task<(int Status, string Text)> TrySendAsync(HttpMethod method, string path, HttpContent? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await _http.SendAsync(request);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new Failed($"The server at {Address} does not answer: {e.Message}");
        }
    }

    public void Dispose() => _http.Dispose();

    static string Reason(string text)
    {
        try
        {
            var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
            return error.ValueKind == JsonValueKind.String ? error.GetString()! : error.GetProperty("message").GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return text.Length switch { 0 => "without a word.", > 200 => text[..200], _ => text };
        }
    }
}

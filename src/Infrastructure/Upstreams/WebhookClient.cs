using System.Net.Http.Headers;
using Hindcast.Application.Alerts;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>Posts to webhooks, within ten seconds in all. Of an answer the status is read and no body; its headers may have 16 KiB.</summary>
public sealed class WebhookClient : IWebhooks, IDisposable
{
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);
    static readonly MediaTypeHeaderValue s_json = new("application/json");

    readonly bool _private;
    readonly HttpMessageInvoker _http;

    public WebhookClient(bool allowPrivateNetworks)
    {
        var handler = GuardedConnections.Handler(_private = allowPrivateNetworks);
        handler.MaxResponseHeadersLength = 16;
        _http = new(handler);
    }

    public string? Refuses(Uri address) => address.Scheme == Uri.UriSchemeHttps || _private ? null : "A webhook's address must begin with https.";

    public async Task<(int? Status, string? Error)> PostAsync(
        Uri address, ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken ct)
    {
        if (Refuses(address) is { } why) return (null, why);
        using var time = CancellationTokenSource.CreateLinkedTokenSource(ct);
        time.CancelAfter(s_longest);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = s_json } } };
        request.Headers.TryAddWithoutValidation("User-Agent", "Hindcast");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await _http.SendAsync(request, time.Token);
            return ((int)response.StatusCode, null);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (null, $"It did not answer within {s_longest.TotalSeconds} s.");
        }
        catch (Exception e) when (e is AddressRefused || e.InnerException is AddressRefused)
        {
            return (null, (e as AddressRefused ?? e.InnerException)!.Message);
        }
        catch (HttpRequestException e)
        {
            return (null, $"It could not be reached: {e.HttpRequestError}.");
        }
    }

    public void Dispose() => _http.Dispose();
}

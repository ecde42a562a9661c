using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Hindcast.Application.Gateway;

namespace Hindcast.Infrastructure.Upstreams;

/// <summary>
/// The way out. Addresses are a provider's base and a route from a closed list; the provider's key is opened here and nowhere else, and the
/// caller's is not known here at all. Connections are <see cref="GuardedConnections"/>, so that what passes can be read.
/// </summary>
public sealed class UpstreamClient : IUpstreams, IDisposable
{
    const string AnthropicVersion = "2023-06-01";
    static readonly MediaTypeHeaderValue s_json = new("application/json");

    /// <summary>Headers of answers that a caller may see; cookies, the provider's limits and names of accounts are not among them.</summary>
    static readonly string[] s_visible = ["x-request-id", "request-id", "openai-processing-ms", "openai-version", "x-should-retry", "retry-after", "retry-after-ms"];

    readonly IKeySeal _seal;
    readonly bool _private;
    readonly Func<Provider, Provider?> _current;
    readonly TimeProvider _clock;
    readonly HttpMessageInvoker _http;
    readonly ConditionalWeakTable<Provider, Destination> _destinations = [];

    /// <param name="current">A provider as it is now: a call may have found it before its key was wrapped anew.</param>
    public UpstreamClient(IKeySeal seal, bool allowPrivateNetworks, Func<Provider, Provider?> current, TimeProvider clock)
    {
        (_seal, _private, _current, _clock) = (seal, allowPrivateNetworks, current, clock);
        _http = new(GuardedConnections.Handler(allowPrivateNetworks));
    }

    public async Task<UpstreamAnswer> SendAsync(UpstreamCall call, CancellationToken ct)
    {
        var provider = call.Provider;
        var destination = _destinations.GetValue(provider, static _ => new());
        var address = destination.Addresses.GetOrAdd(call.Protocol, static (protocol, to) => new(to.BaseUrl + PathOf(to, protocol)), provider);
        if (address.Scheme != Uri.UriSchemeHttps && !_private) throw new AddressRefused(provider.Slug);

        var key = destination.Key ??= KeyOf(provider);
        using var request = new HttpRequestMessage(call.Protocol == Protocol.Models ? HttpMethod.Get : HttpMethod.Post, address);
        if (call.Protocol != Protocol.Models) request.Content = new ReadOnlyMemoryContent(call.Body) { Headers = { ContentType = s_json } };
        if (call.Stream) request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        foreach (var (name, value) in call.Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (provider.Kind == UpstreamKind.Anthropic)
        {
            request.Headers.TryAddWithoutValidation("x-api-key", key);
            if (!request.Headers.Contains("anthropic-version")) request.Headers.TryAddWithoutValidation("anthropic-version", AnthropicVersion);
        }
        else request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");

        var response = await _http.SendAsync(request, ct);
        try
        {
            return new(
                (int)response.StatusCode, response.Content.Headers.TryGetValues("Content-Type", out var types) ? types.First() : null, Visible(response),
                RetryAfter(response), await response.Content.ReadAsStreamAsync(ct), body => Without(body, key), response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// What is found out about a provider once: an address keeps what was found in it, and to open a key's two envelopes for each call took 6 % of the
    /// processor. A provider that is changed is another, and with one that is gone this goes.
    /// </summary>
    sealed class Destination
    {
        public ConcurrentDictionary<Protocol, Uri> Addresses { get; } = new();
        public string? Key { get; set; }
    }

    string KeyOf(Provider provider)
    {
        try
        {
            return _seal.Open(provider.SealedKey, provider.Binding);
        }
        catch (CryptographicException) when (_current(provider) is { } now && now.Binding == provider.Binding && now.SealedKey != provider.SealedKey)
        {
            return _seal.Open(now.SealedKey, now.Binding);
        }
    }

    static string PathOf(Provider provider, Protocol protocol)
    {
        var path = protocol switch
        {
            Protocol.Chat => "/chat/completions",
            Protocol.Responses => "/responses",
            Protocol.Embeddings => "/embeddings",
            Protocol.Messages => "/messages",
            Protocol.CountTokens => "/messages/count_tokens",
            Protocol.Models => "/models",
            _ => throw new ArgumentOutOfRangeException(nameof(protocol)),
        };
        // Anthropic's own client takes a base without the version, OpenAI's one with it.
        return provider.Kind == UpstreamKind.Anthropic && !provider.BaseUrl.EndsWith("/v1", StringComparison.Ordinal) ? "/v1" + path : path;
    }

    static List<KeyValuePair<string, string>> Visible(HttpResponseMessage response)
    {
        var visible = new List<KeyValuePair<string, string>>();
        foreach (var name in s_visible)
            if (response.Headers.TryGetValues(name, out var values)) visible.Add(new(name, values.First()));
        return visible;
    }

    TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _clock.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>Some providers repeat a key they refuse.</summary>
    static ReadOnlyMemory<byte> Without(ReadOnlyMemory<byte> body, string key)
    {
        var secret = Encoding.UTF8.GetBytes(key);
        if (secret.Length == 0 || body.Span.IndexOf(secret) < 0) return body;
        var text = Encoding.Latin1.GetString(body.Span).Replace(Encoding.Latin1.GetString(secret), "***", StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(text);
    }
}

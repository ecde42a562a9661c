using System.ClientModel.Primitives;
using System.Net.Http.Headers;

namespace Hindcast.Client;

/// <summary>Calls of models through the server's gateway, so that they are in the trace without another word.</summary>
public static class ModelCalls
{
    /// <summary>
    /// Lets a client of the OpenAI package (or any other that is built on the same pipeline) go through the gateway: base address, key and
    /// headers are set on every request. <c>new ChatClient(model, credential, hindcast.OpenAI(new OpenAIClientOptions(), "checkout-8841"))</c>
    /// </summary>
    /// <param name="client">Knows address, key and agent.</param>
    /// <param name="options">The vendor's options, changed and given back.</param>
    /// <param name="traceId">The trace the calls belong to.</param>
    public static T OpenAI<T>(this HindcastClient client, T options, string? traceId = null) where T : ClientPipelineOptions
    {
        options.Transport = new HttpClientPipelineTransport(new HttpClient(client.Gateway(traceId)));
        return options;
    }

    /// <summary>The same for anything that takes an <see cref="HttpMessageHandler"/>, Anthropic's client among it.</summary>
    public static DelegatingHandler Gateway(this HindcastClient client, string? traceId = null, HttpMessageHandler? inner = null) =>
        new ToGateway(client.Options, traceId) { InnerHandler = inner ?? new SocketsHttpHandler() };

    /// <summary>Without an end, for a chain that gives it one.</summary>
    internal static DelegatingHandler Link(HindcastClient client, string? traceId) => new ToGateway(client.Options, traceId);

    sealed class ToGateway(HindcastOptions options, string? traceId) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new(Outbox.Root(options.BaseAddress), request.RequestUri!.PathAndQuery.TrimStart('/'));
            Set(request.Headers, "X-Agent-Name", options.AgentName);
            Set(request.Headers, "X-API-Key", null);
            Set(request.Headers, "Authorization", $"Bearer {options.ApiKey}");
            // What a single call says of its trace wins.
            if (traceId is not null && !request.Headers.Contains("X-Trace-ID"))
            {
                Set(request.Headers, "X-Trace-ID", traceId);
                Set(request.Headers, "X-Thread-ID", traceId);
            }
            return base.SendAsync(request, cancellationToken);
        }

        static void Set(HttpRequestHeaders headers, string name, string? value)
        {
            headers.Remove(name);
            if (value is not null) headers.TryAddWithoutValidation(name, value);
        }
    }
}

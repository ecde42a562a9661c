using System.Net;
using Hindcast.Application;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// A second ear of the same server, for HTTP/2 without TLS, which cannot share a port with HTTP/1. What it hears goes through the same pipeline.
/// A port that is taken is no reason not to start: without a wish for that very port the server says so and goes on.
/// </summary>
internal sealed class GrpcListener(
    IOptions<HindcastOptions> options, IOptions<KestrelServerOptions> kestrel, IEnumerable<IConnectionListenerFactory> transports, IHttpContextFactory contexts,
    IServiceProvider services, ILoggerFactory loggers, ILogger<GrpcListener> logger) : IHostedLifecycleService
{
    public const string DefaultEndpoint = "http://127.0.0.1:4317";

    KestrelServer? _server;

    /// <summary>Everything behind the first middleware; known when the web server has started.</summary>
    RequestDelegate? Pipeline { get; set; }

    public static void Tap(WebApplication app) => app.Use(next => app.Services.GetRequiredService<GrpcListener>().Pipeline = next);

    public async Task StartedAsync(CancellationToken ct)
    {
        var wished = options.Value.Otlp.GrpcEndpoint;
        if (wished is "" || Pipeline is null) return;
        var address = BindingAddress.Parse(wished ?? DefaultEndpoint);
        var settings = new KestrelServerOptions { ApplicationServices = services, AddServerHeader = false };
        (settings.Limits.MaxRequestBodySize, settings.Limits.RequestHeadersTimeout) = (kestrel.Value.Limits.MaxRequestBodySize, kestrel.Value.Limits.RequestHeadersTimeout);
        settings.Listen(EndpointOf(address), listen => listen.Protocols = HttpProtocols.Http2);
        var server = new KestrelServer(Options.Create(settings), transports.First(), loggers);
        try
        {
            await server.StartAsync(new SamePipeline(contexts, Pipeline), ct);
            _server = server;
            logger.LogInformation("OTLP over gRPC on {Address}", address);
        }
        catch (IOException taken) when (wished is null)
        {
            server.Dispose();
            logger.LogWarning("No OTLP over gRPC: {Address} cannot be listened on ({Reason}). Hindcast__Otlp__GrpcEndpoint names another, or none when it is empty.", address, taken.Message);
        }
    }

    public async Task StoppingAsync(CancellationToken ct)
    {
        if (_server is null) return;
        await _server.StopAsync(ct);
        _server.Dispose();
    }

    static IPEndPoint EndpointOf(BindingAddress address) => new(
        address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback : IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) ? ip : IPAddress.IPv6Any,
        address.Port);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    sealed class SamePipeline(IHttpContextFactory contexts, RequestDelegate pipeline) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => contexts.Create(contextFeatures);
        public Task ProcessRequestAsync(HttpContext context) => pipeline(context);
        public void DisposeContext(HttpContext context, Exception? exception) => contexts.Dispose(context);
    }
}

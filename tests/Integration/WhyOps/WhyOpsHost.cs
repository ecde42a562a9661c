using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Api.Dialects.WhyOps;
using Hindcast.Application.Agents;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hindcast.Integration.WhyOps;

/// <summary>The WhyOps doors on a loopback port, over the real write side and the embedded log. The one place that knows how they are hosted.</summary>
public sealed class WhyOpsHost : IAsyncDisposable
{
    public const string Key = "whyops_test";
    public const string OtherProjectsKey = "whyops_other";
    public const string ReadersKey = "whyops_reader";

    readonly WebApplication _app;

    WhyOpsHost(WebApplication app)
    {
        _app = app;
        Client = new() { BaseAddress = new(app.Urls.First()) };
        Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
    }

    public HttpClient Client { get; }

    internal TempLog Log => (TempLog)_app.Services.GetRequiredService<IEventLog>();

    /// <summary>Every fact of a trace as it reads back, oldest first.</summary>
    public IReadOnlyList<SpanEvent> Trace(string traceId, string project = "main") =>
        [.. Log.Facts.Where(f => f.Stream == StreamName.Trace(project, traceId)).Select(_app.Services.GetRequiredService<FactReader>().Read)];

    public static async Task<WhyOpsHost> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services
            .AddIngestCors()
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new InFlightBudget(64 << 20))
            .AddSingleton<IEventLog>(new TempLog())
            .AddSingleton<IKeyRing, Keys>()
            .AddSingleton(new Subjects(new byte[32]))
            .AddSingleton<Streams>()
            .AddSingleton<Application.Intake.IntakeBook>()
            .AddSingleton<IPayloadReader, WhyOpsPayload>()
            .AddSingleton<FactReader>()
            .AddTransient<IRequestHandler<AppendEvents, IReadOnlyList<Outcome>>, AppendEvents.Handler>()
            .AddTransient<IRequestHandler<InitAgent, AgentVersion>, InitAgent.Handler>()
            .AddTransient<ServiceFactory>(services => type => services.GetService(type)!)
            .AddTransient<IMediator, Mediator>();
        var app = builder.Build();
        app.UseMiddleware<Problems>();
        app.UseWhyOpsPaths();
        app.UseRouting();
        app.UseCors();
        app.UseAccess();
        app.MapIngestion();
        await app.StartAsync();
        return new(app);
    }

    /// <summary>Posts JSON text as it is.</summary>
    public async Task<Answer> PostAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new((int)response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text), response.Headers);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    sealed class Keys : IKeyRing
    {
        public Caller? Find(string key) => key switch
        {
            Key => new("main", "key_1", Scopes.Ingest, "production"),
            OtherProjectsKey => new("other", "key_2", Scopes.Ingest, "production"),
            ReadersKey => new("main", "key_3", Scopes.Read, "production"),
            _ => null,
        };
    }
}

public sealed record Answer(int Status, JsonElement Body, HttpResponseHeaders Headers)
{
    public string Text => Body.ToString();

    public string? Position => Headers.TryGetValues("X-Log-Position", out var values) ? values.Single() : null;
}

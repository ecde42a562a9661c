using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Api.Dialects.Trubrics;
using Hindcast.Api.Native;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Infrastructure.Secrets;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hindcast.Integration;

/// <summary>The ingest doors on a loopback port, over the embedded log; two projects, one key each, and a key that may not write.</summary>
public sealed class DoorHost : IAsyncLifetime
{
    public const string Key = "key-of-one";
    public const string OtherKey = "key-of-two";
    public const string ReadKey = "key-that-reads";

    WebApplication? _app;

    public DoorHost() : this(new TempLog()) { }

    /// <summary>As after a restart: another process over the same log.</summary>
    internal DoorHost(TempLog log) => Log = log;

    internal TempLog Log { get; }
    internal Subjects Subjects { get; } = new(new byte[32]);
    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddIngestCors();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IKeyRing>(new Keys());
        builder.Services.AddSingleton(Subjects);
        builder.Services.AddSingleton<IEventLog>(Log);
        builder.Services.AddSingleton<Streams>();
        builder.Services.AddSingleton<Application.Intake.IntakeBook>();
        builder.Services.AddSingleton(new InFlightBudget());
        builder.Services.AddSingleton<Api.Dialects.OpenTelemetry.OtlpDropped>();
        builder.Services.AddSingleton<IVault>(SqliteVault.Open(Path.Combine(Log.Folder, $"{Guid.NewGuid():n}.db")));
        builder.Services.AddSingleton<IdempotencyKeys>();
        builder.Services.AddSingleton<ServiceFactory>(services => services.GetService!);
        builder.Services.AddSingleton<IMediator, Mediator>();
        builder.Services.AddSingleton<IRequestHandler<AppendEvents, IReadOnlyList<Outcome>>, AppendEvents.Handler>();
        _app = builder.Build();
        _app.UseMiddleware<Problems>();
        _app.UseRouting();
        _app.UseCors();
        _app.UseAccess();
        _app.MapIngestion();
        await _app.StartAsync();
        // Headers as a hostile client sends them, not as this one would rather.
        Http = new(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = new(_app.Urls.Single()) };
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_app is not null) await _app.DisposeAsync();
    }

    public Task<Answer> PostAsync(string path, string body, string? key = Key, string contentType = "application/json", params (string Name, string Value)[] headers) =>
        PostAsync(path, Encoding.UTF8.GetBytes(body), key, contentType, headers);

    public async Task<Answer> PostAsync(
        string path, byte[] body, string? key = Key, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (key is not null) request.Headers.Add("x-api-key", key);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new((int)response.StatusCode, text, response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>What the log holds, read as the projections will read it.</summary>
    internal IReadOnlyList<(Header Header, Domain.Traces.SpanEvent Event)> Facts()
    {
        var reader = new FactReader([new NativePayload(), new TrubricsPayload(), new Api.Dialects.OpenTelemetry.OtlpPayload()]);
        return [.. Log.All.Select(Fact.Of).Select(fact => (fact.Header, reader.Read(fact)))];
    }

    sealed class Keys : IKeyRing
    {
        public Caller? Find(string key) => key switch
        {
            Key => new("one", "k1", Scopes.Ingest, "staging"),
            OtherKey => new("two", "k2", Scopes.Ingest, "development"),
            ReadKey => new("one", "k3", Scopes.Read, "development"),
            _ => null,
        };
    }
}

/// <summary>An answer, read to its end.</summary>
public sealed record Answer(int Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json { get; } = Text.Length > 0 && Text[0] is '{' or '[' ? JsonDocument.Parse(Text, new JsonDocumentOptions { MaxDepth = 256 }).RootElement : default;
}

using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Gateway;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Gateway;

/// <summary>The whole server on a loopback port, with one scripted provider behind both vendors' slugs, and a log that can be made to fail.</summary>
public class GatewayHost : IAsyncLifetime
{
    public const string Key = "an-admin-key-of-24-chars";
    public const string OpenAiKey = "sk-canary-openai-5f2c9a";
    public const string AnthropicKey = "sk-ant-canary-71b0e3";

    readonly TempLog _log = new();
    WebApplication? _app;

    public FakeProvider Provider { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;
    public string Folder => _log.Folder;
    internal TempLog Log => _log;
    public IServiceProvider Services => _app!.Services;
    internal Spool Spool => Services.GetRequiredService<Spool>();

    protected virtual IEnumerable<string> Settings => [];

    protected virtual void Also(IServiceCollection services) { }

    public async ValueTask InitializeAsync()
    {
        Provider = await FakeProvider.StartAsync();
        _app = Hosting.Build(
            [
                $"--Hindcast:DataDirectory={Folder}", $"--Hindcast:AdminKey={Key}", "--urls=http://127.0.0.1:0", "--Hindcast:Projections:Paused=true",
                "--Hindcast:Upstreams:AllowPrivateNetworks=true", "--Hindcast:Otlp:GrpcEndpoint=",
                $"--Hindcast:Upstreams:openai:BaseUrl={Provider.Address}/v1", $"--Hindcast:Upstreams:openai:ApiKey={OpenAiKey}",
                $"--Hindcast:Upstreams:anthropic:BaseUrl={Provider.Address}", $"--Hindcast:Upstreams:anthropic:ApiKey={AnthropicKey}",
                .. Settings,
            ],
            services =>
            {
                services.AddSingleton<IEventLog>(_log);
                Also(services);
            });
        await _app.StartAsync();
        Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = new(_app.Urls.Single()) };
        Http.DefaultRequestHeaders.Authorization = new("Bearer", Key);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        await Provider.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    public static HttpRequestMessage Request(string path, string body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            if (name == "Authorization") request.Headers.Authorization = AuthenticationHeaderValue.Parse(value);
            else request.Headers.TryAddWithoutValidation(name, value);
        }
        return request;
    }

    /// <summary>An answer, read to its end, byte for byte.</summary>
    public async Task<(int Status, byte[] Body, Dictionary<string, string> Headers)> PostAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = Request(path, body, headers);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return (
            (int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken),
            response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
    }

    public async Task<JsonElement> SetAsync(HttpMethod method, string path, string body, int status = 200)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        ((int)response.StatusCode).Should().Be(status, text);
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>A key of another project, with what it may do.</summary>
    public async Task<string> KeyAsync(string project, string scopes = "\"gateway\",\"admin\"", string more = "") =>
        (await SetAsync(HttpMethod.Post, "/api/v1/keys", $$"""{"project_id":"{{project}}","scopes":[{{scopes}}],"plan":"custom"{{more}}}""", 201)).GetProperty("key").GetString()!;

    /// <summary>The facts of a trace, once there are as many; recording does not make callers wait, so whoever looks has to.</summary>
    internal async Task<IReadOnlyList<SpanEvent>> FactsAsync(string trace, int count, string project = "default")
    {
        var reader = Services.GetRequiredService<FactReader>();
        for (var attempt = 0; ; attempt++)
        {
            var facts = _log.Facts.Where(f => f.Stream == StreamName.Trace(project, trace)).Select(reader.Read).ToList();
            if (facts.Count >= count) return facts;
            if (attempt == 500) throw new InvalidOperationException($"Of {trace} there are {facts.Count} facts, not {count}: {string.Join(", ", facts.Select(f => f.GetType().Name))}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public static string Text(byte[] body) => Encoding.UTF8.GetString(body);
}

using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Alerts;

/// <summary>The whole server on a folder of its own, which can end and start again, under a clock that stands until it is moved; timers run on.</summary>
sealed class AlertHost(string? postgres) : IAsyncDisposable
{
    const string Key = "an-admin-key-of-24-chars";

    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-alerts-").FullName;
    WebApplication? _app;
    HttpClient? _http;
    string _written = "0";

    public string Folder => _folder;

    public StandingClock Clock { get; } = new();

    public async Task StartAsync(bool allowPrivate = true)
    {
        _app = Hosting.Build(
            [
                $"--Hindcast:DataDirectory={_folder}", $"--Hindcast:AdminKey={Key}", "--urls=http://127.0.0.1:0", "--Hindcast:Otlp:GrpcEndpoint=",
                $"--Hindcast:Upstreams:AllowPrivateNetworks={allowPrivate}", .. postgres is null ? (string[])[] : [$"--ConnectionStrings:Postgres={postgres}"],
            ],
            services => services.AddSingleton<TimeProvider>(Clock));
        await _app.StartAsync();
        _http = new() { BaseAddress = new(_app.Urls.Single()) };
    }

    public async Task StopAsync()
    {
        _http?.Dispose();
        if (_app is null) return;
        await _app.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    public async Task StartAgainAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public Task<Answer> SendAsync(HttpMethod method, string path, object? body = null, string key = Key) =>
        SendTextAsync(method, path, body is null ? null : JsonSerializer.Serialize(body), key);

    public async Task<Answer> SendTextAsync(HttpMethod method, string path, string? body, string key = Key)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("X-Min-Position", _written);
        using var response = await _http!.SendAsync(request, TestContext.Current.CancellationToken);
        if (path == "/api/v1/events") _written = response.Headers.GetValues("X-Log-Position").Single();
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), new Dictionary<string, string>());
    }

    /// <summary>Calls of models that end now.</summary>
    public async Task CallsAsync(params (string Status, int Ms, string Model)[] calls)
    {
        var answer = await SendAsync(HttpMethod.Post, "/api/v1/events", calls.Select(c => new
        {
            type = "llm_response", trace_id = $"t{Guid.NewGuid():n}", span_id = "s", at = Clock.Now.UtcDateTime, latency_ms = c.Ms, model = c.Model, provider = "openai", status = c.Status,
            usage = new { input = 1000, output = 100 }, attributes = new { team = "red" }, content = "x",
        }));
        answer.Status.Should().Be(202, answer.Text);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

sealed class StandingClock : TimeProvider
{
    long _ticks = new DateTimeOffset(2026, 11, 20, 12, 0, 20, TimeSpan.Zero).Ticks;

    public DateTimeOffset Now
    {
        get => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);
        set => Interlocked.Exchange(ref _ticks, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() => Now;
}

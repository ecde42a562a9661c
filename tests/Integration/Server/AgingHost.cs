using System.Net.Http.Headers;
using System.Text;
using Hindcast.Api;
using Hindcast.Integration.Engines;
using Hindcast.Integration.EventLogs.EventStoreDb;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

/// <summary>The whole server in this process, with a clock that can be put forward.</summary>
public class AgingHost : IAsyncLifetime
{
    public const string Key = "an-admin-key-of-24-chars";

    readonly ShiftedClock _clock = new();
    WebApplication? _app;

    public string Folder { get; } = Directory.CreateTempSubdirectory("hindcast-aging-").FullName;
    public HttpClient Http { get; private set; } = null!;
    public IServiceProvider Services => _app!.Services;
    public string? Written { get; private set; }

    sealed class ShiftedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
    }

    protected virtual Task<string[]> SettingsAsync() => Task.FromResult<string[]>([]);

    public async ValueTask InitializeAsync()
    {
        _app = Hosting.Build(
            [
                $"--Hindcast:DataDirectory={Folder}", $"--Hindcast:AdminKey={Key}", "--urls=http://127.0.0.1:0", "--Hindcast:Otlp:GrpcEndpoint=", "--Hindcast:Limits:RequestsPerMinute=100000000",
                "--Hindcast:Limits:QueriesPerMinute=100000000", .. await SettingsAsync(),
            ],
            services => services.AddSingleton<TimeProvider>(_clock));
        await _app.StartAsync();
        Http = new() { BaseAddress = new(_app.Urls.Single()) };
        while (!(await Http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) await Task.Delay(20);
    }

    public DateTimeOffset Now => _clock.GetUtcNow();

    public void PutForward(TimeSpan by) => _clock.Ahead += by;

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string key = Key, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (method == HttpMethod.Get && Written is not null) request.Headers.Add("X-Min-Position", Written);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        ((int)response.StatusCode).Should().BeLessThan(500, text);
        var answer = new Answer((int)response.StatusCode, text, response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
        if (answer.Headers.TryGetValue("X-Log-Position", out var position) && method == HttpMethod.Post) Written = position;
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}

public sealed class ClearAging : AgingHost
{
    protected override Task<string[]> SettingsAsync() => Task.FromResult<string[]>(["--Hindcast:Sealing=false"]);
}

/// <summary>Over a log of another machine, as far as it can tell.</summary>
public sealed class EventStoreAging : AgingHost, IAsyncLifetime
{
    FakeEventStore _store = null!;

    protected override async Task<string[]> SettingsAsync() => [$"--ConnectionStrings:EventStoreDb={(_store = await FakeEventStore.StartAsync()).ConnectionString}"];

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        await _store.DisposeAsync();
    }
}

public sealed class PostgresAging : AgingHost
{
    protected override async Task<string[]> SettingsAsync() => [$"--ConnectionStrings:Postgres={await PostgresServer.DatabaseAsync()}"];
}

using Hindcast.Api;
using Hindcast.Api.Native;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Hindcast.Integration.Server;

/// <summary>A server that was built where there was no Node: everything but the console works, and who looks for it is told what is missing.</summary>
public sealed class ConsoleAbsentTests : IAsyncLifetime
{
    const string Key = "an-admin-key-of-24-chars";

    readonly string _folder = Directory.CreateTempSubdirectory("hindcast-absent-").FullName;
    WebApplication? _app;
    HttpClient? _http;

    public async ValueTask InitializeAsync()
    {
        // This assembly holds no console, as the server's does not without Node.
        _app = Hosting.Build(
            [$"--Hindcast:DataDirectory={_folder}", $"--Hindcast:AdminKey={Key}", "--urls=http://127.0.0.1:0", "--Hindcast:Otlp:GrpcEndpoint="],
            services => services.AddSingleton(new ConsoleFiles(typeof(ConsoleAbsentTests).Assembly)));
        await _app.StartAsync();
        _http = new() { BaseAddress = new(_app.Urls.Single()) };
        while (!(await _http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) await Task.Delay(20);
    }

    async Task<(int Status, string Type, string Text)> GetAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", accept }, { "Authorization", $"Bearer {Key}" } } };
        using var answer = await _http!.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType ?? "", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/app")]
    [InlineData("/app/traces/some-trace")]
    public async Task A_browser_is_told_what_is_missing_and_where_to_go(string path)
    {
        var (status, type, text) = await GetAsync(path, "text/html,application/xhtml+xml,*/*;q=0.8");
        (status, type).Should().Be((200, "text/html"));
        text.Should().Contain("built without its console").And.Contain("Node.js 20.19 or newer").And.Contain("dotnet run --project src/Api").And.Contain("href=\"/docs\"").And.NotContain("<script");
    }

    [Fact]
    public async Task Everything_else_works()
    {
        (await GetAsync("/", "application/json")).Text.Should().Be("""{"message":"TraceLLM backend running"}""");
        foreach (var path in (string[])["/docs", "/health", "/api/v1/runs", "/app/session"]) (await GetAsync(path, "*/*")).Status.Should().Be(200, path);
        (await GetAsync("/app/assets/index.js", "*/*")).Status.Should().Be(404);
    }

    public async ValueTask DisposeAsync()
    {
        _http!.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

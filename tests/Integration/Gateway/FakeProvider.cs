using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hindcast.Integration.Gateway;

/// <summary>A provider on loopback that does as it is told: pieces wherever they begin and end, stalls, broken connections, errors.</summary>
public sealed class FakeProvider : IAsyncDisposable
{
    readonly WebApplication _app;

    FakeProvider(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>What it does with a request; the number counts from 1.</summary>
    public Func<HttpContext, int, Task> Script { get; set; } = (http, _) => Json(http, 200, "{}");

    public ConcurrentQueue<Seen> Requests { get; } = new();

    /// <summary>When a request was broken off by the one who asked.</summary>
    public TaskCompletionSource Aborted { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    int _count;

    public static async Task<FakeProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(k => k.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var provider = new FakeProvider(app);
        app.Run(provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    public void Reset(Func<HttpContext, int, Task> script)
    {
        (Script, _count, Aborted) = (script, 0, new(TaskCreationOptions.RunContinuationsAsynchronously));
        Requests.Clear();
    }

    public static Task Json(HttpContext http, int status, string body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(body);
    }

    /// <summary>A stream in the pieces given, each on its own.</summary>
    public static async Task Stream(HttpContext http, IEnumerable<byte[]> pieces)
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        await http.Response.StartAsync();
        foreach (var piece in pieces)
        {
            await http.Response.Body.WriteAsync(piece, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    async Task AnswerAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        Requests.Enqueue(new(http.Request.Method, http.Request.Path, Encoding.UTF8.GetString(body.ToArray()), http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        http.RequestAborted.Register(() => Aborted.TrySetResult());
        await Script(http, Interlocked.Increment(ref _count));
    }

    public sealed record Seen(string Method, string Path, string Body, IReadOnlyDictionary<string, string> Headers);
}

using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hindcast.Bench.Gateway;

/// <summary>The baseline: ASP.NET Core and an HttpClient, bytes in and bytes out. No keys, no reading, no limits, no record.</summary>
static class BareForwarder
{
    public static async Task RunAsync(int port, string upstream)
    {
        var http = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, ActivityHeadersPropagator = null });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add($"http://127.0.0.1:{port}");
        app.MapGet("/health/live", () => "ok");
        app.MapPost("/{**path}", async (HttpContext context, string path) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{upstream}/{path}") { Content = new StreamContent(context.Request.Body) };
            request.Content.Headers.ContentLength = context.Request.ContentLength;
            request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer upstream");
            using var response = await http.SendAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            context.Response.ContentLength = response.Content.Headers.ContentLength;
            var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
            var buffer = new byte[16 * 1024];
            for (int read; (read = await body.ReadAsync(buffer, context.RequestAborted)) > 0;)
                await context.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
        });
        await app.RunAsync();
    }
}

/// <summary>A provider that answers at once: a completion of 1 KB, or a stream of 20 chunks.</summary>
static class InstantProvider
{
    public static async Task RunAsync(int port)
    {
        var text = string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{i}"));
        var whole = System.Text.Encoding.UTF8.GetBytes($$$"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"{{{text}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":100,"total_tokens":220} }""");
        var chunks = Enumerable.Range(0, 20).Select(i => System.Text.Encoding.UTF8.GetBytes($$$"""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"word{{{i}}} "},"finish_reason":{{{(i == 19 ? "\"stop\"" : "null")}}}}]}""" + "\n\n")).ToList();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add($"http://127.0.0.1:{port}");
        app.MapGet("/health/live", () => "ok");
        app.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (body.GetBuffer().AsSpan(0, (int)body.Length).IndexOf("\"stream\":true"u8) < 0)
            {
                context.Response.ContentType = "application/json";
                context.Response.ContentLength = whole.Length;
                await context.Response.BodyWriter.WriteAsync(whole);
                return;
            }
            context.Response.ContentType = "text/event-stream";
            foreach (var chunk in chunks) await context.Response.BodyWriter.WriteAsync(chunk);
            await context.Response.BodyWriter.WriteAsync("data: [DONE]\n\n"u8.ToArray());
        });
        await app.RunAsync();
    }
}

using System.Buffers;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Live;

namespace Hindcast.Api.Live;

/// <summary>One stream of server-sent events, from its headers to its end.</summary>
/// <remarks>
/// <para>An event's <c>id</c> is its position, which a browser sends back as <c>Last-Event-ID</c>. A heartbeat is a comment with an id: it moves
/// the place to resume from where nothing was wanted, and no client hears it.</para>
/// <para><b>What ends it from our side</b> is told by a last event of type <c>closed</c>, with the reason and the position to go on from. A client
/// that does not take what is sent within 10 s is cut off.</para>
/// </remarks>
internal sealed class LiveEvents(HttpContext http, ILiveSource source, Credential credential, TimeProvider clock)
{
    const int Unsent = 64 << 10;
    static readonly TimeSpan s_sendTimeout = TimeSpan.FromSeconds(10);
    static readonly TimeSpan s_keyCheck = TimeSpan.FromSeconds(2);

    public async Task RunAsync(CancellationToken stopping)
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no";
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        await using var stop = stopping.UnsafeRegister(static s => ((ILiveSource)s!).Close("the server stops"), source);
        var watching = WatchAsync(gone.Token);
        try
        {
            await http.Response.StartAsync(gone.Token);
            await FlushAsync(gone.Token);
            await SendAsync(gone.Token);
            Write($"event: closed\ndata: {JsonSerializer.Serialize(new { type = "closed", reason = source.Closed, position = source.Position.Value })}\n\n");
            await FlushAsync(gone.Token);
        }
        catch (OperationCanceledException)
        {
            // Nobody is there, or nobody who reads.
            http.Abort();
        }
        finally
        {
            await gone.CancelAsync();
            await watching;
        }
    }

    async Task SendAsync(CancellationToken ct)
    {
        while (true)
        {
            var next = source.NextAsync(ct);
            if (!next.IsCompleted || http.Response.BodyWriter.UnflushedBytes > Unsent) await FlushAsync(ct);
            if (await next is not { } message) return;
            Write($"id: {message.Position}\n");
            if (message.Bytes.IsEmpty) Write(": heartbeat\n\n");
            else
            {
                Write("data: ");
                http.Response.BodyWriter.Write(message.Bytes.Span);
                Write("\n\n");
            }
        }
    }

    void Write(string text) => Encoding.UTF8.GetBytes(text, http.Response.BodyWriter);

    async Task FlushAsync(CancellationToken ct)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(s_sendTimeout);
        await http.Response.BodyWriter.FlushAsync(timeout.Token);
    }

    async Task WatchAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_keyCheck, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
                if (credential.Find() is null) source.Close("the key is revoked or expired");
        }
        catch (OperationCanceledException)
        {
            // It ended otherwise.
        }
    }
}

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
/// that does not take what is sent within 10 s is let go of; it is cut off unless it takes these last words within another four.</para>
/// </remarks>
internal sealed class LiveEvents(HttpContext http, ILiveSource source, Credential credential, TimeProvider clock)
{
    const int Unsent = 64 << 10;
    static readonly TimeSpan s_keyCheck = TimeSpan.FromSeconds(2);

    Task _taking = Task.CompletedTask;

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
            await SendAsync(gone.Token);
            Write($"event: closed\ndata: {JsonSerializer.Serialize(new { type = "closed", reason = source.Closed, position = source.Position.Value })}\n\n");
            if (!await TakenAsync(LiveSocket.LastWord, gone.Token)) http.Abort();
        }
        catch (OperationCanceledException)
        {
            // Nobody is there.
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
            var pause = !next.IsCompleted || http.Response.BodyWriter.UnflushedBytes > Unsent;
            if (pause && source.Closed is null && !await TakenAsync(LiveSocket.Patience, ct)) source.Close(LiveSubscription.TooSlow);
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

    /// <summary>Whether the line takes what was written. What it does not take in time stays on its way: cancelling it would cut the line.</summary>
    async ValueTask<bool> TakenAsync(TimeSpan patience, CancellationToken ct)
    {
        try
        {
            if (!_taking.IsCompleted) await _taking.WaitAsync(patience, clock, ct);
            var taking = http.Response.BodyWriter.FlushAsync(ct);
            if (taking.IsCompleted) await taking;
            else await (_taking = taking.AsTask()).WaitAsync(patience, clock, ct);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or IOException)
        {
            return false;
        }
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

using System.Net.WebSockets;
using System.Text.Json;
using Hindcast.Application.Live;

namespace Hindcast.Api.Live;

/// <summary>One socket of the live feed, from its greeting to its end.</summary>
/// <remarks>
/// <para><paramref name="answer"/> is called with what the client says, null where it has nothing to say. Three loops, and the first that ends ends all: one hears the client, one sends what waits in the subscription's queue (news and answers
/// alike, so that only one ever sends), one looks every two seconds whether the key still works.</para>
/// <para><b>What a client may send</b>: text, JSON, up to 64 KiB, up to 20 messages a second. An object of a type the dialect does not know is
/// ignored. Closed are: bytes 1003, text that is no UTF-8 or no JSON object 1007, too large 1009, too often 1008. Frames that break the
/// protocol close it (1002) below this class.</para>
/// <para><b>What ends it from our side</b>: the queue is full 1013, with the position to go on from; the key is revoked 1008; the server stops
/// 1001. One that does not take a message within 10 s is let go of, and is cut off unless it takes that and its close frame (1013) within another four; a client that
/// is silent for 40 s, pings included, is cut off.</para>
/// </remarks>
internal sealed class LiveSocket(WebSocket socket, ILiveSource heard, Action<JsonElement>? answer, Credential credential, TimeProvider clock)
{
    public static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(20);
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(40);
    public const int LargestMessage = 64 << 10;
    public const int MostMessagesPerSecond = 20;
    /// <summary>So long a message may be on its way.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    /// <summary>And so much longer what ends it.</summary>
    public static readonly TimeSpan LastWord = TimeSpan.FromSeconds(4);
    static readonly TimeSpan s_closeTimeout = TimeSpan.FromSeconds(2);
    static readonly TimeSpan s_keyCheck = TimeSpan.FromSeconds(2);

    public async Task RunAsync(CancellationToken stopping)
    {
        using var end = new CancellationTokenSource();
        await using var stop = stopping.UnsafeRegister(static s => ((ILiveSource)s!).Close("the server stops"), heard);
        Task<Ending>[] loops = [HearAsync(end.Token), SendAsync(stopping, end.Token), WatchAsync(end.Token)];
        var first = await Task.WhenAny(loops);
        var ending = await first;
        // Hearing stops with the close frame; cancelling it would cut the line before the frame is out.
        if (loops[1] != first) heard.Close(ending.Why);
        await Task.WhenAny(loops[1], Task.Delay(s_closeTimeout, clock, CancellationToken.None));
        await CloseAsync(ending, loops[0]);
        await end.CancelAsync();
        await Task.WhenAll(loops);
    }

    /// <param name="Status">Null: the line is dead, and nobody is there to be told.</param>
    readonly record struct Ending(WebSocketCloseStatus? Status, string Why);

    async Task<Ending> HearAsync(CancellationToken ct)
    {
        // Ten thousand wait here, and hardly one has much to say.
        var buffer = new byte[256];
        var (second, count) = (clock.GetTimestamp(), 0);
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (length == buffer.Length)
                    {
                        if (length > LargestMessage) return new(WebSocketCloseStatus.MessageTooBig, $"more than {LargestMessage} bytes");
                        Array.Resize(ref buffer, Math.Min(buffer.Length * 4, LargestMessage + 1));
                    }
                    part = await socket.ReceiveAsync(buffer.AsMemory(length), ct);
                    if (part.MessageType == WebSocketMessageType.Close) return new(WebSocketCloseStatus.NormalClosure, "");
                    if (part.MessageType == WebSocketMessageType.Binary) return new(WebSocketCloseStatus.InvalidMessageType, "text only");
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                if (length > LargestMessage) return new(WebSocketCloseStatus.MessageTooBig, $"more than {LargestMessage} bytes");

                if (clock.GetElapsedTime(second) >= TimeSpan.FromSeconds(1)) (second, count) = (clock.GetTimestamp(), 0);
                if (++count > MostMessagesPerSecond) return new(WebSocketCloseStatus.PolicyViolation, $"more than {MostMessagesPerSecond} messages a second");
                if (!Answered(buffer.AsMemory(0, length))) return new(WebSocketCloseStatus.InvalidPayloadData, "no JSON object");
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            return new(null, "gone");
        }
    }

    bool Answered(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var json = JsonDocument.Parse(message);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return false;
            answer?.Invoke(json.RootElement);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    async Task<Ending> SendAsync(CancellationToken stopping, CancellationToken ct)
    {
        try
        {
            while (await heard.NextAsync(ct) is { } message)
            {
                // The socket has heartbeats of its own.
                if (message.Bytes.IsEmpty) continue;
                var sending = socket.SendAsync(message.Bytes, WebSocketMessageType.Text, endOfMessage: true, ct);
                if (sending.IsCompleted) await sending;
                else await TakenAsync(sending.AsTask(), ct);
            }
            return new(stopping.IsCancellationRequested ? WebSocketCloseStatus.EndpointUnavailable : (WebSocketCloseStatus)1013, $"{heard.Closed}; last position {heard.Position}");
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException or TimeoutException)
        {
            return new(null, "gone");
        }
    }

    /// <summary>Who does not take it in time is let go of; what is on its way may still arrive, and the close frame behind it.</summary>
    async Task TakenAsync(Task sending, CancellationToken ct)
    {
        try
        {
            await sending.WaitAsync(Patience, clock, ct);
        }
        catch (TimeoutException)
        {
            heard.Close(LiveSubscription.TooSlow);
            await sending.WaitAsync(LastWord, clock, ct);
        }
    }

    async Task<Ending> WatchAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_keyCheck, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
                if (credential.Find() is null) return new(WebSocketCloseStatus.PolicyViolation, "the key is revoked or expired");
        }
        catch (OperationCanceledException)
        {
            // The socket ended otherwise.
        }
        return new(null, "gone");
    }

    async Task CloseAsync(Ending ending, Task hearing)
    {
        if (ending.Status is not null && socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            using var patience = new CancellationTokenSource(s_closeTimeout, clock);
            try
            {
                await socket.CloseOutputAsync(ending.Status!.Value, ending.Why, patience.Token);
                // The other side's close frame, or its patience runs out.
                await (hearing.IsCompleted ? DrainAsync(patience.Token) : hearing.WaitAsync(patience.Token));
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
            {
                // It is gone, as it was to be.
            }
        }
        if (socket.State != WebSocketState.Closed) socket.Abort();
    }

    async Task DrainAsync(CancellationToken ct)
    {
        var rest = new byte[4096];
        while (socket.State == WebSocketState.CloseSent) await socket.ReceiveAsync(rest.AsMemory(), ct);
    }
}

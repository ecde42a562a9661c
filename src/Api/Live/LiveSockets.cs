using System.Collections.Concurrent;
using System.Net.WebSockets;
using Hindcast.Application;
using Hindcast.Application.Live;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.Live;

/// <summary>Opens sockets, counts them, and closes them when the server goes.</summary>
internal sealed class LiveSockets(LiveFeed feed, IOptions<HindcastOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    readonly ConcurrentDictionary<string, int> _byKey = new(StringComparer.Ordinal);
    int _all;

    /// <summary>Sockets that are open.</summary>
    public int Count => Volatile.Read(ref _all);

    /// <summary>Serves one socket until it ends. What is no upgrade is refused as any other request.</summary>
    public async Task ServeAsync(HttpContext http, ILiveTalk talk)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.Headers.Upgrade = "websocket";
            throw new BadRequestBody(StatusCodes.Status426UpgradeRequired, "upgrade_required", "This door speaks WebSocket only.");
        }
        var limits = options.Value.Live;
        if (!SameSite.MayOpen(http.Request, limits.Origins)) throw new NotAllowed("origin");
        var caller = http.Caller();
        try
        {
            if (Interlocked.Increment(ref _all) > limits.Sockets) throw new Unavailable("Too many sockets are open.", TimeSpan.FromSeconds(5));
            if (_byKey.AddOrUpdate(caller.KeyId, 1, (_, n) => n + 1) > limits.SocketsPerKey) throw new TooMany($"This key has {limits.SocketsPerKey} sockets open.", TimeSpan.FromSeconds(5));

            using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                KeepAliveInterval = LiveSocket.PingEvery,
                KeepAliveTimeout = LiveSocket.Silence - LiveSocket.PingEvery,
            });
            using var heard = feed.Subscribe(caller.Project, talk.Voice, talk.Wants);
            await new LiveSocket(socket, heard, talk, (Credential)http.Items[typeof(Credential)]!, clock).RunAsync(lifetime.ApplicationStopping);
        }
        finally
        {
            Interlocked.Decrement(ref _all);
            _byKey.AddOrUpdate(caller.KeyId, 0, (_, n) => n - 1);
        }
    }
}

/// <summary>A dialect's side of a socket: what it says first, what it answers, and which news it wants. One instance for each socket.</summary>
internal interface ILiveTalk
{
    ILiveVoice Voice { get; }

    /// <summary>Whether this socket wants a message of the voice's.</summary>
    bool Wants(LiveMessage message);

    /// <summary>Said at once; null: nothing.</summary>
    ReadOnlyMemory<byte>? Greeting { get; }

    /// <summary>The answer to a text message; null: none. What is not JSON never comes here.</summary>
    ReadOnlyMemory<byte>? Answer(System.Text.Json.JsonElement message);
}

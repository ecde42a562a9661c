using System.Collections.Concurrent;
using System.Net.WebSockets;
using Hindcast.Application;
using Hindcast.Application.Live;
using Hindcast.Application.Projects;
using Microsoft.Extensions.Options;

namespace Hindcast.Api.Live;

/// <summary>Opens sockets and event streams, counts them, and closes them when the server goes.</summary>
internal sealed class LiveSockets(LiveFeed feed, IOptions<HindcastOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    readonly ConcurrentDictionary<string, int> _byKey = new(StringComparer.Ordinal);
    int _all;

    /// <summary>Sockets and event streams that are open.</summary>
    public int Count => Volatile.Read(ref _all);

    /// <summary>Serves one socket of the live feed until it ends. What is no upgrade is refused as any other request.</summary>
    public Task ServeAsync(HttpContext http, ILiveTalk talk)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.Headers.Upgrade = "websocket";
            throw new BadRequestBody(StatusCodes.Status426UpgradeRequired, "upgrade_required", "This door speaks WebSocket only.");
        }
        return ServeAsync(http, async socket =>
        {
            using var heard = feed.Subscribe(http.Caller().Project, talk.Voice, talk.Wants);
            if (talk.Greeting is { } greeting) heard.Offer(new(default, greeting), always: true);
            await new LiveSocket(socket, heard, Answer, CredentialOf(http), clock).RunAsync(lifetime.ApplicationStopping);

            void Answer(System.Text.Json.JsonElement message)
            {
                if (talk.Answer(message) is { } answer) heard.Offer(new(default, answer), always: true);
            }
        });
    }

    /// <summary>Serves one socket, or where none is asked for one event stream, from a source.</summary>
    public async Task ServeAsync(HttpContext http, ILiveSource source)
    {
        if (http.WebSockets.IsWebSocketRequest)
            await ServeAsync(http, socket => new LiveSocket(socket, source, null, CredentialOf(http), clock).RunAsync(lifetime.ApplicationStopping));
        else
        {
            using var place = Enter(http.Caller());
            await new LiveEvents(http, source, CredentialOf(http), clock).RunAsync(lifetime.ApplicationStopping);
        }
    }

    async Task ServeAsync(HttpContext http, Func<WebSocket, Task> serve)
    {
        if (!SameSite.MayOpen(http.Request, options.Value.Live.Origins)) throw new NotAllowed("origin");
        using var place = Enter(http.Caller());
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            KeepAliveInterval = LiveSocket.PingEvery,
            KeepAliveTimeout = LiveSocket.Silence - LiveSocket.PingEvery,
        });
        await serve(socket);
    }

    /// <summary>A place among those that are open, until it is disposed of.</summary>
    Place Enter(Caller caller)
    {
        var place = new Place(this, caller.KeyId);
        var limits = options.Value.Live;
        try
        {
            if (_all > limits.Sockets) throw new Unavailable("Too many sockets are open.", TimeSpan.FromSeconds(5));
            if (_byKey[caller.KeyId] > limits.SocketsPerKey) throw new TooMany($"This key has {limits.SocketsPerKey} sockets open.", TimeSpan.FromSeconds(5));
            return place;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    static Credential CredentialOf(HttpContext http) => (Credential)http.Items[typeof(Credential)]!;

    sealed class Place : IDisposable
    {
        readonly LiveSockets _sockets;
        readonly string _key;

        public Place(LiveSockets sockets, string key)
        {
            (_sockets, _key) = (sockets, key);
            Interlocked.Increment(ref sockets._all);
            sockets._byKey.AddOrUpdate(key, 1, (_, n) => n + 1);
        }

        public void Dispose()
        {
            Interlocked.Decrement(ref _sockets._all);
            _sockets._byKey.AddOrUpdate(_key, 0, (_, n) => n - 1);
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

using System.Globalization;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Hindcast.Api;
using Hindcast.Api.Live;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Live;
using Hindcast.Application.Projects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Hindcast.Integration.Live;

/// <summary>
/// A client that stops reading, on a real line: it is let go of when its time is over, told so with its last position if it reads again soon, and cut
/// off if it does not. Time passes when the test says so.
/// </summary>
public sealed class StalledTests : IAsyncLifetime
{
    readonly Waits _waits = new();
    readonly CancellationTokenSource _stopping = new();
    readonly Endless _source = new();
    readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    WebApplication _app = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.UseWebSockets();
        var credential = new Credential(() => new Caller("p", "k", Scopes.Read, "e"));
        _app.Map("/", async http =>
        {
            if (!http.WebSockets.IsWebSocketRequest) await new LiveEvents(http, _source, credential, _waits).RunAsync(_stopping.Token);
            else
            {
                using var socket = await http.WebSockets.AcceptWebSocketAsync();
                await new LiveSocket(socket, _source, null, credential, _waits).RunAsync(_stopping.Token);
            }
            _left.SetResult();
        });
        await _app.StartAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task A_socket_that_reads_again_hears_everything_up_to_the_position_it_is_closed_with()
    {
        using var socket = await OpenAsync();
        await _waits.EndAsync(LiveSocket.Patience);
        while (_source.Closed is null) await Task.Delay(5, Ct);
        var last = await LastAsync(socket);
        ((int)socket.CloseStatus!, socket.CloseStatusDescription).Should().Be((1013, $"too slow; last position {last}"));
    }

    [Fact(Timeout = 60_000)]
    public async Task An_event_stream_that_is_read_again_ends_with_the_position_it_has_come_to()
    {
        using var line = await RequestAsync();
        await _waits.EndAsync(LiveSocket.Patience);
        while (_source.Closed is null) await Task.Delay(5, Ct);
        var said = await RestAsync(line);
        var last = said.Split('\n').Last(l => l.StartsWith("id: ", StringComparison.Ordinal))[4..];
        said.Should().EndWith($$"""data: {"type":"closed","reason":"too slow","position":{{last}}}""" + "\n\n\r\n0\r\n\r\n");
    }

    [Theory(Timeout = 60_000), InlineData(true), InlineData(false)]
    public async Task Who_goes_on_not_reading_is_cut_off(bool sse)
    {
        using var socket = sse ? null : await OpenAsync();
        using var line = sse ? await RequestAsync() : null;
        await _waits.EndAsync(LiveSocket.Patience);
        await _waits.EndAsync(LiveSocket.LastWord);
        await _left.Task;
        if (line is not null) (await RestAsync(line)).Should().NotContain("closed");
        else
        {
            await FluentActions.Awaiting(() => LastAsync(socket!)).Should().ThrowAsync<WebSocketException>();
            socket!.CloseStatus.Should().BeNull();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_socket_is_told_that_the_server_stops()
    {
        using var socket = await OpenAsync();
        _source.Most = 3;
        await _stopping.CancelAsync();
        var last = await LastAsync(socket);
        ((int)socket.CloseStatus!, socket.CloseStatusDescription).Should().Be((1001, $"the server stops; last position {last}"));
    }

    async Task<ClientWebSocket> OpenAsync()
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new(_app.Urls.Single().Replace("http", "ws", StringComparison.Ordinal)), Ct);
        return socket;
    }

    /// <summary>Reads to the end; the last position that came.</summary>
    static async Task<long> LastAsync(ClientWebSocket socket)
    {
        var (last, buffer) = (0L, new byte[Endless.Size]);
        while (true)
        {
            var length = 0;
            for (var ended = false; !ended;)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(length), Ct);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
                    return last;
                }
                (length, ended) = (length + part.Count, part.EndOfMessage);
            }
            last = JsonDocument.Parse(buffer.AsMemory(0, length)).RootElement.GetProperty("position").GetInt64();
        }
    }

    async Task<TcpClient> RequestAsync()
    {
        var (client, address) = (new TcpClient(), new Uri(_app.Urls.Single()));
        await client.ConnectAsync(address.Host, address.Port, Ct);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Ct);
        return client;
    }

    static async Task<string> RestAsync(TcpClient line)
    {
        using var all = new MemoryStream();
        try
        {
            await line.GetStream().CopyToAsync(all, Ct);
        }
        catch (IOException)
        {
            // Reset is an end too.
        }
        return Encoding.UTF8.GetString(all.ToArray());
    }

    /// <summary>More than any line holds, until it is closed.</summary>
    sealed class Endless : ILiveSource
    {
        public const int Size = 64 << 10;

        readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string? _why;

        public string? Closed => Volatile.Read(ref _why);
        public LogPosition Position { get; private set; }
        public long Most { get; set; } = long.MaxValue;

        public async ValueTask<LiveMessage?> NextAsync(CancellationToken ct)
        {
                if (Closed is null && Position.Value >= Most) await _closed.Task;
            if (Closed is not null) return null;
            Position = new(Position.Value + 1);
            var text = string.Create(CultureInfo.InvariantCulture, $$"""{"position":{{Position}}""");
            return new(Position, Encoding.UTF8.GetBytes(text.PadRight(Size - 1) + "}"));
        }

        public void Close(string why)
        {
            if (Interlocked.CompareExchange(ref _why, why, null) is null) _closed.SetResult();
        }
    }

    /// <summary>Waits that end when the test says so, and at no other time.</summary>
    sealed class Waits : TimeProvider
    {
        readonly System.Collections.Concurrent.ConcurrentQueue<(TimeSpan For, Wait Wait)> _all = new();

        /// <summary>Waits until somebody waits for so long, and for nothing else to happen, and ends it.</summary>
        public async Task EndAsync(TimeSpan wait)
        {
            while (true)
            {
                foreach (var (time, one) in _all)
                    if (time == wait && !one.Over)
                    {
                        // The line took it after all: the next may be the one that stays.
                        await Task.Delay(200, Ct);
                        if (one.Over) continue;
                        one.End();
                        return;
                    }
                await Task.Delay(5, Ct);
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var wait = new Wait(() => callback(state));
            _all.Enqueue((dueTime, wait));
            return wait;
        }

        sealed class Wait(Action end) : ITimer
        {
            public bool Over { get; private set; }

            public void End()
            {
                Over = true;
                end();
            }

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => Over = true;

            public ValueTask DisposeAsync()
            {
                Over = true;
                return default;
            }
        }
    }
}

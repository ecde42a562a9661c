using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.TraceLlm;

/// <summary>The live feed on real sockets of the real server.</summary>
public sealed class TraceLlmSocketTests(TraceLlmDoorTests.Shop server) : IClassFixture<TraceLlmDoorTests.Shop>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<ClientWebSocket> OpenAsync(string key, string path = "/ws", params (string Name, string Value)[] headers)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("X-API-Key", key);
        foreach (var (name, value) in headers) socket.Options.SetRequestHeader(name, value);
        await socket.ConnectAsync(new($"ws://{server.Http.BaseAddress!.Authority}{path}"), Ct);
        (await HearAsync(socket))!.Value.GetRawText().Should().Be("""{"type":"system.connected","status":"connected","message":"TraceLLM websocket active"}""");
        return socket;
    }

    /// <summary>The next message; null when the other side closed.</summary>
    static async Task<JsonElement?> HearAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[65_536];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), Ct);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonDocument.Parse(message.ToArray()).RootElement;
        }
    }

    static Task SayAsync(ClientWebSocket socket, string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Ct);

    async Task SaveAsync(string key, string body) => (await server.PostAsync("/traces", body, key)).Status.Should().Be(201);

    [Fact]
    public async Task A_trace_is_created_once_and_then_updated()
    {
        var key = await server.ProjectAsync();
        using var socket = await OpenAsync(key, "/api/ws");
        await SaveAsync(key, """{"trace_id":"a","prompt":"one","response":null}""");
        var created = (await HearAsync(socket))!.Value;
        created.EnumerateObject().Select(m => m.Name).Should().Equal("type", "trace", "position");
        created.Text("type").Should().Be("trace.created");
        created.GetProperty("trace").GetRawText().Should().Be((await server.GetAsync("/traces/a", key)).Text, "the frame shows what the door shows, null and all");
        created.GetProperty("position").GetInt64().Should().Be(long.Parse(server.Written!, System.Globalization.CultureInfo.InvariantCulture));

        await SaveAsync(key, """{"trace_id":"a","prompt":"two"}""");
        var updated = (await HearAsync(socket))!.Value;
        (updated.Text("type"), updated.GetProperty("trace").Text("prompt")).Should().Be(("trace.updated", "two"));

        (await server.PostAsync("/api/v1/events", """{"type":"user_message","trace_id":"b","content":"hi"}""", key)).Status.Should().Be(202);
        (await HearAsync(socket))!.Value.GetProperty("trace").Text("trace_id").Should().Be("b", "whatever dialect wrote it");
    }

    [Fact]
    public async Task Another_project_hears_nothing()
    {
        var (mine, theirs) = (await server.ProjectAsync(), await server.ProjectAsync());
        using var socket = await OpenAsync(theirs);
        for (var i = 0; i < 20; i++) await SaveAsync(mine, $$"""{"trace_id":"m{{i}}"}""");
        await SaveAsync(theirs, """{"trace_id":"t"}""");
        (await HearAsync(socket))!.Value.GetProperty("trace").Text("trace_id").Should().Be("t", "it was the first to be heard here");
    }

    [Fact]
    public async Task Pings_are_answered_with_what_they_brought_and_other_objects_ignored()
    {
        using var socket = await OpenAsync(await server.ProjectAsync());
        await SayAsync(socket, """{"type":"subscribe"}""");
        await SayAsync(socket, """{"type":7}""");
        await SayAsync(socket, """{"type":"ping","ts":{"a":[1.50,"ä"]}}""");
        (await HearAsync(socket))!.Value.GetRawText().Should().Be("""{"type":"system.pong","timestamp":{"a":[1.50,"ä"]}}""");
        await SayAsync(socket, """{"type":"ping"}""");
        (await HearAsync(socket))!.Value.GetRawText().Should().Be("""{"type":"system.pong","timestamp":null}""");
    }

    [Fact]
    public async Task Whatever_one_client_sends_the_others_go_on()
    {
        var key = await server.ProjectAsync();
        using var healthy = await OpenAsync(key);
        foreach (var (text, type, status) in ((byte[], WebSocketMessageType, int)[])[
            ("no json"u8.ToArray(), WebSocketMessageType.Text, 1007), ("[]"u8.ToArray(), WebSocketMessageType.Text, 1007), ("7"u8.ToArray(), WebSocketMessageType.Text, 1007),
            ([], WebSocketMessageType.Text, 1007), (Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("[", 10_000))), WebSocketMessageType.Text, 1007),
            ("""{"type":"ping","ts":"\ud800"}"""u8.ToArray(), WebSocketMessageType.Text, 0), ([1, 2, 3], WebSocketMessageType.Binary, 1003),
            (Encoding.UTF8.GetBytes($$"""{"a":"{{new string('x', 65_536)}}"}"""), WebSocketMessageType.Text, 1009)])
        {
            using var socket = await OpenAsync(key);
            await socket.SendAsync(text, type, endOfMessage: true, Ct);
            var heard = await HearAsync(socket);
            // Half a surrogate pair is JSON to some and none to others: it may be answered, or end this socket, and nothing else.
            if (status == 0) continue;
            heard.Should().BeNull();
            ((int)socket.CloseStatus!).Should().Be(status, Encoding.UTF8.GetString(text)[..Math.Min(40, text.Length)]);
        }
        using (var flood = await OpenAsync(key))
        {
            try
            {
                for (var i = 0; i < 30; i++) await SayAsync(flood, """{"type":"other"}""");
            }
            catch (WebSocketException)
            {
                // Closed while it was still talking.
            }
            (await HearAsync(flood)).Should().BeNull();
            ((int)flood.CloseStatus!).Should().Be(1008);
        }
        foreach (var bytes in (byte[][])[
            [0x81, 0x85, 0, 0, 0, 0, 0xC3, 0x28, 0xA0, 0xA1, 0xFF], [0x81, 0x02, (byte)'{', (byte)'}'], [0xF1, 0x80, 0, 0, 0, 0], [0x83, 0x80, 0, 0, 0, 0],
            [0x89, 0xFE, 0x01, 0x00, 0, 0, 0, 0], [0x80, 0x80, 0, 0, 0, 0], [0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], [0x81]])
            await BreakAsync(key, bytes);

        await SayAsync(healthy, """{"type":"ping","ts":1}""");
        (await HearAsync(healthy))!.Value.GetRawText().Should().Be("""{"type":"system.pong","timestamp":1}""");
    }

    /// <summary>Frames that no client library would send; then the line ends.</summary>
    async Task BreakAsync(string key, byte[] frames)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Http.BaseAddress!.Host, server.Http.BaseAddress.Port, Ct);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), Ct);
        var buffer = new byte[4096];
        Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Ct)).Should().StartWith("HTTP/1.1 101");
        await stream.WriteAsync(frames, Ct);
        client.Client.Shutdown(SocketShutdown.Send);
        try
        {
            while (await stream.ReadAsync(buffer, Ct) > 0) continue;
        }
        catch (IOException)
        {
            // Reset is an end too.
        }
    }

    [Fact]
    public async Task Who_does_not_read_is_closed_and_the_others_hear_everything()
    {
        var key = await server.ProjectAsync();
        using var healthy = await OpenAsync(key);
        using var stalled = await OpenAsync(key);
        // More than the kernel and the queue hold together for one that does not read.
        const int Traces = 150;
        var prompt = new string('x', 100_000);
        var hearing = Task.Run(async () =>
        {
            var ids = new HashSet<string>();
            while (ids.Count < Traces) ids.Add((await HearAsync(healthy))!.Value.GetProperty("trace").Text("trace_id")!);
            return ids.Count;
        }, Ct);
        for (var i = 0; i < Traces; i++) await SaveAsync(key, $$"""{"trace_id":"t{{i}}","prompt":"{{prompt}}"}""");
        (await hearing).Should().Be(Traces);

        // What the kernel held may still be read; then the line ends.
        var (heard, ended) = (0, false);
        try
        {
            while (await HearAsync(stalled) is not null) heard++;
            ended = true;
            stalled.CloseStatusDescription.Should().MatchRegex("^too slow; last position \\d+$");
        }
        catch (WebSocketException)
        {
            ended = true;
        }
        ended.Should().BeTrue();
        heard.Should().BeLessThan(Traces);
    }

    [Fact]
    public async Task A_revoked_key_closes_its_sockets()
    {
        var made = await server.PostAsync("/api/v1/keys", """{"project_id":"revoked","scopes":["read"],"name":"x"}""");
        using var socket = await OpenAsync(made.Json.Text("key")!);
        (await server.SendAsync(HttpMethod.Delete, $"/api/v1/keys/{made.Json.Text("id")}", null, HindcastProcess.Key)).Status.Should().Be(204);
        (await HearAsync(socket)).Should().BeNull();
        ((int)socket.CloseStatus!, socket.CloseStatusDescription).Should().Be((1008, "the key is revoked or expired"));
    }

    [Fact]
    public async Task Strangers_and_other_pages_open_no_socket()
    {
        var key = await server.ProjectAsync();
        (await server.GetAsync("/ws", key: null)).Status.Should().Be(401);
        (await server.GetAsync("/ws", key)).Status.Should().Be(426);
        (await server.GetAsync($"/ws?token={key}", key: null)).Status.Should().Be(401, "a key in the address would be in every log");
        foreach (var origin in (string[])["http://evil.example", "null", $"http://{server.Http.BaseAddress!.Host}:1"])
        {
            var refused = () => OpenAsync(key, "/ws", ("Origin", origin));
            (await refused.Should().ThrowAsync<WebSocketException>()).Which.Message.Should().Contain("403");
        }
        using var own = await OpenAsync(key, "/ws", ("Origin", $"http://{server.Http.BaseAddress.Authority}"));
        using var cookie = new ClientWebSocket();
        cookie.Options.SetRequestHeader("Cookie", $"hindcast_key={key}");
        await cookie.Invoking(c => c.ConnectAsync(new($"ws://{server.Http.BaseAddress.Authority}/ws"), Ct)).Should().ThrowAsync<WebSocketException>("a cookie comes from a page, and the page is named");
        using var page = new ClientWebSocket();
        page.Options.SetRequestHeader("Cookie", $"hindcast_key={key}");
        page.Options.SetRequestHeader("Origin", $"http://{server.Http.BaseAddress.Authority}");
        await page.ConnectAsync(new($"ws://{server.Http.BaseAddress.Authority}/ws"), Ct);
    }
}

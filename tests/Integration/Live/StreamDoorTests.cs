using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Integration.Server;

namespace Hindcast.Integration.Live;

/// <summary><c>/api/v1/stream</c> on the real server, in both its forms.</summary>
public sealed class StreamDoorTests(LiveServer server) : IClassFixture<LiveServer>
{
    /// <summary>The judged form is 1,000.</summary>
    static readonly int s_reconnects = int.Parse(Environment.GetEnvironmentVariable("HINDCAST_TEST_RECONNECTS") ?? "60", CultureInfo.InvariantCulture);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    async Task<string> KeyAsync(string project, params string[] scopes) =>
        (await server.PostAsync("/api/v1/keys", JsonSerializer.Serialize(new { project_id = project, name = "stream", scopes }))).Json.Text("key")!;

    async Task<long> WriteAsync(string key, string body)
    {
        var answer = await server.PostAsync("/api/v1/events", body, key);
        answer.Status.Should().Be(202, answer.Text);
        return long.Parse(answer.Headers["X-Log-Position"], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Cut_at_any_point_and_resumed_the_union_is_what_was_written_once_and_in_order()
    {
        var key = await KeyAsync("cut", "ingest", "read");
        var written = new ConcurrentQueue<long>();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        // 2,000 events a second: 100 every 50 ms.
        var writing = Task.Run(async () =>
        {
            using var every = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            for (var batch = 0; !done.IsCancellationRequested; batch++)
            {
                var events = Enumerable.Range(0, 100).Select(i => new { type = "user_message", trace_id = $"t{(batch + i) % 10}", content = $"{batch}.{i}" });
                written.Enqueue(await WriteAsync(key, JsonSerializer.Serialize(events)));
                await every.WaitForNextTickAsync(Ct);
            }
        }, Ct);

        var (random, heard, at) = (new Random(11), new List<(long Position, string Trace, long Revision)>(), "start");
        for (var cut = 0; cut < s_reconnects; cut++)
        {
            // Some are cut while they read the past, some live, some before a word was said.
            var most = random.Next(4) switch { 0 => random.Next(5), 1 => random.Next(100, 400), _ => random.Next(5, 100) };
            await foreach (var (json, _) in ListenAsync(key, at, sse: cut % 2 == 0))
            {
                if (json.Text("type") == "caught_up") continue;
                heard.Add((json.GetProperty("position").GetInt64(), json.Text("trace_id")!, json.GetProperty("revision").GetInt64()));
                at = heard[^1].Position.ToString(CultureInfo.InvariantCulture);
                if (--most <= 0) break;
            }
        }
        await done.CancelAsync();
        await writing;
        var count = written.Count * 100;
        await foreach (var (json, _) in ListenAsync(key, at, sse: true))
        {
            if (json.Text("type") == "caught_up") break;
            heard.Add((json.GetProperty("position").GetInt64(), json.Text("trace_id")!, json.GetProperty("revision").GetInt64()));
        }
        heard.Should().HaveCount(count).And.BeInAscendingOrder(h => h.Position);
        heard.Select(h => h.Position).Should().OnlyHaveUniqueItems();
        foreach (var trace in heard.GroupBy(h => h.Trace)) trace.Select(h => h.Revision).Should().Equal(Enumerable.Range(0, trace.Count()).Select(i => (long)i), trace.Key);
        TestContext.Current.SendDiagnosticMessage($"{s_reconnects} reconnects, {count} events");
    }

    /// <summary>Messages from a place on until the caller has enough; then the line is cut without a word.</summary>
    async IAsyncEnumerable<(JsonElement Json, string? Id)> ListenAsync(string key, string from, bool sse, string more = "")
    {
        if (sse)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/stream?from=start{more}");
            request.Headers.Add("X-API-Key", key);
            if (from != "start") request.Headers.Add("Last-Event-ID", from);
            using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
            response.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));
            for (string? id = null; await lines.ReadLineAsync(Ct) is { } line;)
            {
                if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
                if (line.StartsWith("data: ", StringComparison.Ordinal)) yield return (JsonDocument.Parse(line[6..]).RootElement, id);
            }
            yield break;
        }
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("X-API-Key", key);
        await socket.ConnectAsync(new($"ws://{server.Http.BaseAddress!.Authority}/api/v1/stream?from={from}{more}"), Ct);
        var buffer = new byte[1 << 16];
        while (true)
        {
            using var message = new MemoryStream();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(), Ct);
                if (part.MessageType == WebSocketMessageType.Close) yield break;
                message.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);
            yield return (JsonDocument.Parse(message.ToArray()).RootElement, null);
        }
    }

    async Task<List<JsonElement>> PastAsync(string key, string from = "start", string more = "")
    {
        var past = new List<JsonElement>();
        await foreach (var (json, id) in ListenAsync(key, from, sse: true, more))
        {
            id.Should().Be(json.GetProperty("position").GetRawText(), "SSE's id is the position");
            if (json.Text("type") == "caught_up") break;
            past.Add(json);
        }
        return past;
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_message_says_where_and_what_and_the_mark_divides_past_from_present(bool sse)
    {
        var (project, trace) = ($"form{(sse ? 1 : 2)}", "a b/ü");
        var key = await KeyAsync(project, "ingest", "read");
        var position = await WriteAsync(key, JsonSerializer.Serialize(new { type = "user_message", trace_id = trace, at = "2026-01-02T03:04:05Z", content = "hi" }));
        await using var heard = ListenAsync(key, "start", sse).GetAsyncEnumerator(Ct);
        await heard.MoveNextAsync();
        var message = heard.Current.Json;
        message.EnumerateObject().Select(m => m.Name).Should().Equal("position", "revision", "trace_id", "type", "at", "data");
        (message.GetProperty("position").GetInt64(), message.GetProperty("revision").GetInt64(), message.Text("trace_id"), message.Text("type"), message.Text("at"), message.GetProperty("data").Text("content"))
            .Should().Be((position, 0, trace, "user_message", "2026-01-02T03:04:05Z", "hi"));
        await heard.MoveNextAsync();
        heard.Current.Json.EnumerateObject().Select(m => m.Name).Should().Equal("type", "position");
        heard.Current.Json.Text("type").Should().Be("caught_up");
        var next = await WriteAsync(key, """{"type":"error","trace_id":"b","content":"no"}""");
        await heard.MoveNextAsync();
        heard.Current.Json.GetProperty("position").GetInt64().Should().Be(next);
    }

    [Fact]
    public async Task It_can_be_narrowed_by_trace_by_type_and_by_the_filter_of_searches()
    {
        var key = await KeyAsync("narrow", "ingest", "read");
        await WriteAsync(key, """
            [{"type":"llm_response","trace_id":"a","name":"ask","usage":{"input_tokens":10,"output_tokens":5},"attributes":{"model":"m","tier":"gold"},"content":{"output":"Good morning"}},
             {"type":"user_message","trace_id":"a","content":"hello"},{"type":"error","trace_id":"b","content":"broken"}]
            """);
        async Task<IEnumerable<string?>> TypesAsync(string more) => (await PastAsync(key, more: more)).Select(m => m.Text("type"));
        (await TypesAsync("")).Should().Equal("llm_response", "user_message", "error");
        (await TypesAsync("&trace_id=b")).Should().Equal("error");
        (await TypesAsync("&types=error,user_message")).Should().Equal("user_message", "error");
        (await TypesAsync("&filter=" + Uri.EscapeDataString("""{"field":"total_tokens","operator":"gte","value":15}"""))).Should().Equal("llm_response");
        (await TypesAsync("&filter=" + Uri.EscapeDataString("""{"operator":"OR","filters":[{"field":"status_code","operator":"eq","value":"ERROR"},{"field":"attributes.tier","operator":"eq","value":"gold"}]}"""))).Should().Equal("llm_response", "error");
        (await TypesAsync("&project_id=narrow&speed=10")).Should().HaveCount(3);
        await WriteAsync(key, """[{"type":"score","trace_id":"a","name":"stars","value":4},{"type":"score","trace_id":"a","name":"stars","value":"2"},{"type":"score","trace_id":"a","name":"mood","value":2}]""");
        (await PastAsync(key, more: "&filter=" + Uri.EscapeDataString("""{"field":"score.stars","operator":"lt","value":4}"""))).Should().ContainSingle().Which.GetProperty("data").Text("value").Should().Be("2");
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_by_name_and_a_place_in_another_log_is_gone()
    {
        var key = await KeyAsync("sense", "ingest", "read");
        await WriteAsync(key, """{"type":"user_message","trace_id":"a","content":"hi"}""");
        foreach (var (query, status) in ((string, int)[])[
            ("from=x", 400), ("from=-1", 400), ("speed=2", 400), ("types=unheard_of", 400), ("filter={", 400), ("filter=[]", 400),
            ("filter=" + Uri.EscapeDataString("""{"field":"input_text","operator":"search","value":"x"}"""), 400), ("filter=" + Uri.EscapeDataString("""{"field":"nope","operator":"eq","value":"x"}"""), 400),
            ("from=99999999999", 410), ($"log_id={Guid.NewGuid()}", 410), ("project_id=other", 403)])
            (await server.GetAsync($"/api/v1/stream?{query}", key)).Status.Should().Be(status, query);
        (await server.GetAsync("/api/v1/stream", key, ("Last-Event-ID", "99999999999"))).Status.Should().Be(410);
    }

    [Fact]
    public async Task Its_description_says_what_it_takes_and_refuses()
    {
        var (key, ingest) = (await KeyAsync("described", "ingest", "read"), await KeyAsync("described", "ingest"));
        var described = (await server.GetAsync("/openapi/v1.json")).Json.GetProperty("paths").GetProperty("/api/v1/stream").GetProperty("get");
        described.GetProperty("parameters").EnumerateArray().Select(p => p.Text("name")).Should().Equal("from", "project_id", "trace_id", "types", "filter", "speed", "log_id");
        var answers = described.GetProperty("responses");
        answers.EnumerateObject().Select(a => a.Name).Should().BeEquivalentTo("101", "200", "400", "401", "403", "410", "429", "503");
        answers.GetProperty("200").GetProperty("content").EnumerateObject().Select(c => c.Name).Should().Equal("text/event-stream");
        foreach (var (query, shown) in ((string, string?)[])[("from=x", key), ("", null), ("", ingest), ("from=99999999999", key)])
        {
            var answer = await server.GetAsync($"/api/v1/stream?{query}", shown);
            answers.GetProperty(answer.Status.ToString(CultureInfo.InvariantCulture)).GetProperty("content").GetProperty("application/json").GetProperty("example").GetProperty("error").Text("code")
                .Should().Be(answer.Json.GetProperty("error").Text("code"));
        }
    }

    [Fact]
    public async Task Only_who_may_read_hears_it_and_only_their_own()
    {
        var (mine, rival, ingest) = (await KeyAsync("walled", "ingest", "read"), await KeyAsync("walled2", "ingest", "read"), await KeyAsync("walled", "ingest"));
        await WriteAsync(mine, """{"type":"user_message","trace_id":"a","content":"secret"}""");
        await WriteAsync(rival, """{"type":"user_message","trace_id":"a","content":"theirs"}""");
        (await PastAsync(rival)).Select(m => m.GetProperty("data").Text("content")).Should().Equal("theirs");
        (await server.GetAsync("/api/v1/stream", ingest)).Status.Should().Be(403);
        (await server.GetAsync("/api/v1/stream", null)).Status.Should().Be(401);
        (await server.GetAsync("/api/v1/stream?project_id=walled", rival)).Status.Should().Be(403);

        var key = await server.PostAsync("/api/v1/keys", """{"project_id":"walled","name":"short","scopes":["read"]}""");
        await using var heard = ListenAsync(key.Json.Text("key")!, "now", sse: true).GetAsyncEnumerator(Ct);
        await heard.MoveNextAsync();
        (await server.SendAsync(HttpMethod.Delete, $"/api/v1/keys/{key.Json.Text("id")}", null, HindcastProcess.Key)).Status.Should().Be(204);
        await heard.MoveNextAsync();
        (heard.Current.Json.Text("type"), heard.Current.Json.Text("reason")).Should().Be(("closed", "the key is revoked or expired"));
        (await heard.MoveNextAsync()).Should().BeFalse();
    }

    [Fact]
    public async Task One_stalled_reader_is_cut_off_and_the_others_go_on()
    {
        var key = await KeyAsync("stalled", "ingest", "read");
        using var stalled = new System.Net.Sockets.TcpClient { ReceiveBufferSize = 4096 };
        await stalled.ConnectAsync(server.Http.BaseAddress!.Host, server.Http.BaseAddress.Port, Ct);
        await stalled.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /api/v1/stream?from=start HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), Ct);
        await using var healthy = ListenAsync(key, "start", sse: false).GetAsyncEnumerator(Ct);
        (await healthy.MoveNextAsync()).Should().BeTrue();
        var content = new string('x', 200_000);
        for (var i = 0; i < 100; i++)
        {
            await WriteAsync(key, $$"""{"type":"user_message","trace_id":"t","content":"{{content}}"}""");
            (await healthy.MoveNextAsync()).Should().BeTrue();
            healthy.Current.Json.GetProperty("revision").GetInt64().Should().Be(i);
        }
        // What it did not read is more than lines hold; when it is cut off, what is on the line comes to an end without all of it.
        await Task.Delay(TimeSpan.FromSeconds(13), Ct);
        var (read, buffer) = (0L, new byte[1 << 16]);
        try
        {
            while (await stalled.GetStream().ReadAsync(buffer, Ct) is > 0 and var part) read += part;
        }
        catch (IOException)
        {
            // Cut with what it had not read.
        }
        read.Should().BeLessThan(100L * content.Length);
    }
}

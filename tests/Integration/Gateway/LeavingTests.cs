using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Gateway;

/// <summary>A caller may leave at any moment: its provider is let go, and what it used by then is known, every time.</summary>
public sealed class LeavingTests(GatewayHost host) : IClassFixture<GatewayHost>
{
    static readonly string[] s_chat =
    [
        """data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""" + "\n\n",
        """data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Once upon "}}]}""" + "\n\n",
        """data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"a time "}}]}""" + "\n\n",
        """data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"find","arguments":"{\"q\":1}"}}]}}]}""" + "\n\n",
        """data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""" + "\n\n",
        """data: {"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":30}}""" + "\n\n",
        "data: [DONE]\n\n",
    ];

    static readonly string[] s_messages =
    [
        "event: message_start\n" + """data: {"type":"message_start","message":{"id":"m","model":"claude-sonnet-4-5","usage":{"input_tokens":12,"output_tokens":1}}}""" + "\n\n",
        "event: content_block_start\n" + """data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""" + "\n\n",
        "event: content_block_delta\n" + """data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Once upon a time"}}""" + "\n\n",
        "event: content_block_stop\n" + """data: {"type":"content_block_stop","index":0}""" + "\n\n",
        "event: message_delta\n" + """data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}""" + "\n\n",
        "event: message_stop\n" + """data: {"type":"message_stop"}""" + "\n\n",
    ];

    static readonly string[] s_whole = ["""{"id":"c","choices":[{"message":""", """{"content":"Once upon a time"},""", "\"finish_reason\":\"stop\"}]"];

    /// <summary>Each protocol, and how many of its chunks the provider has sent when the caller leaves.</summary>
    public static TheoryData<string, int> Boundaries
    {
        get
        {
            var all = new TheoryData<string, int>();
            foreach (var (what, chunks) in (IEnumerable<(string, string[])>)[("chat", s_chat), ("chat with usage", s_chat), ("messages", s_messages), ("whole", s_whole)])
                for (var sent = 0; sent <= chunks.Length; sent++) all.Add(what, sent);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Boundaries))]
    public async Task Whenever_a_caller_leaves_its_provider_is_let_go_and_its_use_is_known(string what, int sent)
    {
        var ct = TestContext.Current.CancellationToken;
        var (chunks, path, question) = what switch
        {
            "chat" => (s_chat, "/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Tell me a story."}],"stream":true}"""),
            "chat with usage" => (s_chat, "/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[],"stream":true,"stream_options":{"include_usage":true}}"""),
            "messages" => (s_messages, "/v1/messages", """{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{"role":"user","content":"Tell me a story."}],"stream":true}"""),
            _ => (s_whole, "/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Tell me a story."}]}"""),
        };
        var (trace, said) = ($"t-{Guid.NewGuid():n}", new TaskCompletionSource());
        host.Provider.Reset(async (http, _) =>
        {
            http.Response.ContentType = what == "whole" ? "application/json" : "text/event-stream";
            foreach (var chunk in chunks.Take(sent))
            {
                await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(chunk), http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
            said.SetResult();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });

        using var leaving = new CancellationTokenSource();
        using var request = GatewayHost.Request(path, question, ("X-Trace-ID", trace));
        var sending = host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        HttpResponseMessage? response = null;
        await said.Task.WaitAsync(TimeSpan.FromSeconds(30), ct);
        // Of a stream it has all there is; an answer that is none begins when it is whole.
        if (what != "whole" && sent > 0)
        {
            response = await sending;
            var stream = await response.Content.ReadAsStreamAsync(ct);
            var passed = string.Concat(chunks.Take(sent).Where(c => what != "chat" || !c.Contains("\"usage\"", StringComparison.Ordinal)));
            var received = new byte[Encoding.UTF8.GetByteCount(passed)];
            await stream.ReadExactlyAsync(received, ct);
            GatewayHost.Text(received).Should().Be(passed);
        }
        var left = Stopwatch.GetTimestamp();
        await leaving.CancelAsync();
        response?.Dispose();
        await sending.ContinueWith(_ => { }, TaskScheduler.Default);

        await host.Provider.Aborted.Task.WaitAsync(TimeSpan.FromSeconds(30), ct);
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}, after {sent} chunks: let go after {Stopwatch.GetElapsedTime(left).TotalMilliseconds:F1} ms");

        var facts = await host.FactsAsync(trace, 2);
        facts.Should().HaveCount(2);
        var answer = facts[1].Should().BeOfType<LlmResponse>().Subject;
        answer.Attributes["ending"].Should().Be("\"caller_gone\"");
        answer.Attributes["usage_source"].Should().Be("\"estimated\"", "how much more the model said nobody knows");
        answer.Usage.Should().NotBeNull();
        answer.Usage!.Input.Should().BePositive();
        answer.Usage.Output.Should().NotBeNull();
    }

    public static TheoryData<string, string, string> Texts => new()
    {
        { "/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[],"stream":true}""", """data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"TEXT"}}]}""" + "\n\n" + """data: {"choices":[{"index":0,"delta":{"content":"TEXT"}}]}""" + "\n\n" },
        { "/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[],"stream":true,"stream_options":{"include_usage":true}}""", """data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"TEXT"}}]}""" + "\n\n" + """data: {"choices":[{"index":0,"delta":{"content":"TEXT"}}]}""" + "\n\n" },
        { "/v1/messages", """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[],"stream":true}""", "event: content_block_start\n" + """data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"TEXT"}}""" + "\n\n" + "event: content_block_delta\n" + """data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}""" + "\n\n" },
    };

    /// <summary>Characters of one to four bytes, and one of several code points.</summary>
    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Wherever_a_character_is_cut_it_passes_and_is_recorded_whole(string path, string question, string stream)
    {
        const string text = "aé€😀👩‍🚀ü";
        var sent = Encoding.UTF8.GetBytes(stream.Replace("TEXT", text, StringComparison.Ordinal));
        for (var cut = 1; cut < sent.Length; cut++)
        {
            // Around characters of one byte there is nothing to cut.
            if (sent[cut - 1] < 0x80 && sent[cut] < 0x80) continue;
            var trace = $"t-{Guid.NewGuid():n}";
            host.Provider.Reset(async (http, _) =>
            {
                await FakeProvider.Stream(http, [sent[..cut]]);
                // So that the two parts are two reads.
                await Task.Delay(5);
                await http.Response.Body.WriteAsync(sent.AsMemory(cut));
            });
            var (status, body, _) = await host.PostAsync(path, question, ("X-Trace-ID", trace));
            status.Should().Be(200);
            body.Should().Equal(sent, $"it was cut at {cut}");
            var output = ((LlmResponse)(await host.FactsAsync(trace, 2))[1]).Output!;
            JsonDocument.Parse(output).RootElement.GetString().Should().Be(text + text, $"it was cut at {cut}");
        }
    }
}

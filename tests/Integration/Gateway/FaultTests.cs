using System.Text;
using System.Text.Json;
using Hindcast.Domain.Traces;

namespace Hindcast.Integration.Gateway;

/// <summary>F21: whatever happens to a call, its caller hears the truth, its provider is let go, and its trace knows.</summary>
public sealed class FaultTests(FaultTests.ImpatientHost host) : IClassFixture<FaultTests.ImpatientHost>
{
    const string Question = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Tell me a long story, please."}],"stream":true}""";
    const string Whole = """{"model":"gpt-4o-mini","messages":[]}""";

    public sealed class ImpatientHost : GatewayHost
    {
        protected override IEnumerable<string> Settings => ["--Hindcast:Gateway:FirstByte=00:00:00.500", "--Hindcast:Gateway:Total=00:00:01.500"];
    }

    static string Trace() => $"t-{Guid.NewGuid():n}";

    static byte[] Piece(int i) => Encoding.UTF8.GetBytes($$$"""data: {"id":"c","choices":[{"index":0,"delta":{"content":"word{{{i}}} "}}]}""" + "\n\n");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task A_caller_that_goes_away_ends_the_providers_work_and_is_recorded(int after)
    {
        var trace = Trace();
        host.Provider.Reset(async (http, _) =>
        {
            http.Response.ContentType = "text/event-stream";
            for (var i = 0; i < after; i++)
            {
                await http.Response.Body.WriteAsync(Piece(i), http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        using (var gone = new CancellationTokenSource())
        {
            using var request = GatewayHost.Request("/v1/chat/completions", Question, ("X-Trace-ID", trace));
            var sending = host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, gone.Token);
            if (after > 0)
            {
                using var response = await sending;
                var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
                await stream.ReadExactlyAsync(new byte[Enumerable.Range(0, after).Sum(i => Piece(i).Length)], TestContext.Current.CancellationToken);
                await gone.CancelAsync();
            }
            else
            {
                while (host.Provider.Requests.IsEmpty) await Task.Delay(5, TestContext.Current.CancellationToken);
                await gone.CancelAsync();
                await sending.ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
        // Our own patience would end it after half a second at the earliest when nothing came, so this is the caller's going.
        await host.Provider.Aborted.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        var said = (LlmResponse)(await host.FactsAsync(trace, 2))[1];
        said.Attributes["ending"].Should().Be("\"caller_gone\"");
        said.Attributes["usage_source"].Should().Be("\"estimated\"");
        said.Usage!.Input.Should().BePositive();
        said.Usage.Output.Should().Be((string.Concat(Enumerable.Range(0, after).Select(i => $"word{i} ")).Length + 3) / 4);
    }

    [Fact]
    public async Task A_provider_that_breaks_off_in_a_stream_is_told_of_in_the_stream()
    {
        var (trace, arrived) = (Trace(), new TaskCompletionSource());
        var sent = (byte[])[.. Piece(0), .. "data: {\"half"u8];
        host.Provider.Reset(async (http, _) =>
        {
            await FakeProvider.Stream(http, [sent]);
            await arrived.Task;
            http.Abort();
        });
        using var request = GatewayHost.Request("/v1/chat/completions", """{"model":"gpt-4o-mini","messages":[],"stream":true,"stream_options":{"include_usage":true}}""", ("X-Trace-ID", trace));
        using var response = await host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var received = new byte[sent.Length];
        await stream.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
        arrived.SetResult();
        var text = GatewayHost.Text(received) + await new StreamReader(stream).ReadToEndAsync(TestContext.Current.CancellationToken);
        text.Should().StartWith(GatewayHost.Text(Piece(0)) + "data: {\"half").And.EndWith("\"code\":\"upstream_error\"}}\n\n").And.NotContain("[DONE]");

        var facts = await host.FactsAsync(trace, 3);
        var said = (LlmResponse)facts[1];
        (said.Status, said.Attributes["ending"], said.Attributes["usage_source"]).Should().Be((SpanStatus.Error, "\"provider_cut\"", "\"estimated\""));
        facts[2].Should().BeOfType<ErrorRaised>().Which.SpanId.Should().Be(said.SpanId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_reset_before_an_answer_is_502(bool stream)
    {
        var trace = Trace();
        host.Provider.Reset((http, _) =>
        {
            http.Abort();
            return Task.CompletedTask;
        });
        var (status, body, _) = await host.PostAsync("/v1/chat/completions", stream ? Question : Whole, ("X-Trace-ID", trace));
        status.Should().Be(502);
        JsonDocument.Parse(body).RootElement.GetProperty("error").GetProperty("code").GetString().Should().Be("upstream_error");
        ((LlmResponse)(await host.FactsAsync(trace, 3))[1]).Status.Should().Be(SpanStatus.Error);
    }

    [Fact]
    public async Task A_stall_before_the_first_byte_is_504()
    {
        var trace = Trace();
        host.Provider.Reset((http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        var (status, _, _) = await host.PostAsync("/v1/chat/completions", Question, ("X-Trace-ID", trace));
        status.Should().Be(504);
        ((LlmResponse)(await host.FactsAsync(trace, 3))[1]).Attributes["ending"].Should().Be("\"timed_out\"");
    }

    [Theory]
    [InlineData(429)]
    [InlineData(529)]
    [InlineData(401)]
    public async Task An_error_of_the_provider_passes_with_its_status_and_body_but_never_with_its_key(int code)
    {
        var trace = Trace();
        host.Provider.Reset((http, _) =>
        {
            http.Response.Headers.RetryAfter = "7";
            http.Response.Headers.SetCookie = "a=b";
            return FakeProvider.Json(http, code, $$$"""{"error":{"message":"No: {{{GatewayHost.OpenAiKey}}}","type":"t","code":"c"}}""");
        });
        var (status, body, headers) = await host.PostAsync("/v1/chat/completions", Question, ("X-Trace-ID", trace));
        status.Should().Be(code);
        GatewayHost.Text(body).Should().Be("""{"error":{"message":"No: ***","type":"t","code":"c"}}""");
        headers["Retry-After"].Should().Be("7");
        headers.Should().NotContainKey("Set-Cookie");

        var facts = await host.FactsAsync(trace, 3);
        ((LlmResponse)facts[1]).Usage.Should().BeNull("what was refused used nothing that anybody knows of");
        var detail = JsonDocument.Parse(((ErrorRaised)facts[2]).Detail!).RootElement;
        detail.GetProperty("status").GetInt32().Should().Be(code);
        detail.GetProperty("body").GetString().Should().Be(GatewayHost.Text(body));
    }

    [Fact]
    public async Task An_error_with_200_passes_and_is_recorded_as_one()
    {
        var trace = Trace();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, """{"error":{"message":"Model overloaded"}}"""));
        var (status, body, _) = await host.PostAsync("/v1/chat/completions", Question, ("X-Trace-ID", trace));
        (status, GatewayHost.Text(body)).Should().Be((200, """{"error":{"message":"Model overloaded"}}"""));
        var said = (LlmResponse)(await host.FactsAsync(trace, 3))[1];
        (said.Status, said.Error).Should().Be((SpanStatus.Error, "Model overloaded"));
    }

    [Fact]
    public async Task A_log_that_is_away_fails_no_call_and_has_everything_when_it_is_back()
    {
        var traces = Enumerable.Range(0, 3).Select(_ => Trace()).ToList();
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, """{"id":"c","choices":[{"index":0,"message":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"""));
        host.Log.Failure = new IOException("No space left on device");
        try
        {
            (await host.PostAsync("/v1/chat/completions", Whole, ("X-Trace-ID", traces[0]))).Status.Should().Be(200);
            while (host.Spool.Records) await Task.Delay(5, TestContext.Current.CancellationToken);
            foreach (var trace in traces.Skip(1))
            {
                var (status, _, headers) = await host.PostAsync("/v1/chat/completions", Whole, ("X-Trace-ID", trace));
                (status, headers["X-Trace-Recorded"]).Should().Be((200, "false"));
            }
        }
        finally
        {
            host.Log.Failure = null;
        }
        foreach (var trace in traces) (await host.FactsAsync(trace, 2)).Should().HaveCount(2);
        host.Spool.Unrecorded.Should().Be(0);
        while (host.Spool.Bytes > 0) await Task.Delay(5, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_project_can_choose_that_what_cannot_be_recorded_is_not_called()
    {
        await host.SetAsync(HttpMethod.Put, "/api/v1/policies/gateway", """{"fail_closed":true}""");
        host.Provider.Reset((http, _) => FakeProvider.Json(http, 200, "{}"));
        host.Log.Failure = new IOException("No space left on device");
        var (status, _, headers) = await host.PostAsync("/v1/chat/completions", Whole);
        host.Log.Failure = null;
        await host.SetAsync(HttpMethod.Put, "/api/v1/policies/gateway", "{}");
        status.Should().Be(503);
        headers.Should().ContainKey("Retry-After");
        host.Provider.Requests.Should().BeEmpty();
    }
}

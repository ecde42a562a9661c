using System.ClientModel;
using System.Diagnostics;
using System.Text.Json;
using Hindcast.Bench;
using Hindcast.Client;
using Hindcast.Integration.Gateway;
using Hindcast.Integration.Server;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;
using OpenAI.Chat;

namespace Hindcast.Integration.Client;

/// <summary>The .NET client against the real server: what the WhyOps page shows, what is lost and what is not, and the ways in from other libraries.</summary>
public sealed class ClientTests(ClientTests.WithProvider server) : IClassFixture<ClientTests.WithProvider>
{
    public sealed class WithProvider : LiveServer, IAsyncDisposable
    {
        public FakeProvider? Provider { get; private set; }

        protected override async Task<Dictionary<string, string>> SettingsAsync()
        {
            Provider = await FakeProvider.StartAsync();
            return new()
            {
                ["Hindcast__Upstreams__AllowPrivateNetworks"] = "true", ["Hindcast__Upstreams__openai__BaseUrl"] = $"{Provider.Address}/v1", ["Hindcast__Upstreams__openai__ApiKey"] = "sk-upstream",
            };
        }

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            await DisposeAsync();
            if (Provider is not null) await Provider.DisposeAsync();
        }
    }

    HindcastOptions Options => new() { BaseAddress = server.Process.Address, ApiKey = HindcastProcess.Key, AgentName = "support-agent", OnLost = (n, why) => _lost.Add($"{n}: {why}") };

    readonly List<string> _lost = [];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_examples_of_the_page_run(bool waiting)
    {
        await using var sdk = new HindcastClient(Options);
        var trace = sdk.Trace($"session-{waiting}");
        ToolCall[] calls = [new("search_orders", new { orderId = "123" })];
        var usage = new TokenUsage { PromptTokens = 42, CompletionTokens = 16, TotalTokens = 58 };
        if (waiting)
        {
            await trace.UserMessageAsync([new("user", "Reset my password.")], options: new() { ExternalUserId = "user_12345" });
            var span = await trace.ToolCallRequestAsync("search_orders", calls, latencyMs: 11);
            await trace.ToolCallResponseAsync("search_orders", span, calls, new { status = "shipped" }, latencyMs: 88);
            await trace.LlmResponseAsync("openai/gpt-4o-mini", "openai", "Your order has shipped.", finishReason: "stop", latencyMs: 390, usage: usage);
        }
        else
        {
            trace.UserMessage([new("user", "Reset my password.")], options: new() { ExternalUserId = "user_12345" });
            var span = trace.ToolCallRequest("search_orders", calls, latencyMs: 11);
            trace.ToolCallResponse("search_orders", span, calls, new { status = "shipped" }, latencyMs: 88);
            trace.LlmResponse("openai/gpt-4o-mini", "openai", "Your order has shipped.", finishReason: "stop", latencyMs: 390, usage: usage);
            await sdk.FlushAsync(TestContext.Current.CancellationToken);
        }

        var tree = await TreeAsync(trace.Id, spans: 3);
        tree.GetProperty("spans").EnumerateArray().Select(s => s.Text("kind")).Should().BeEquivalentTo("message", "tool", "llm");
        var tool = tree.GetProperty("spans").EnumerateArray().Single(s => s.Text("kind") == "tool");
        (tool.Text("name"), tool.GetProperty("duration_ms").GetDouble(), tool.Text("user_id")).Should().Be(("search_orders", 88, "user_12345"));
        tree.GetProperty("totals").GetProperty("tokens").GetProperty("total").GetInt64().Should().Be(58);
        sdk.Lost.Should().Be(0);
    }

    [Fact]
    public async Task Usage_with_a_cache_adds_up_as_the_page_says()
    {
        await using var sdk = new HindcastClient(Options);
        await sdk.Trace("cached").LlmResponseAsync("anthropic/claude-sonnet-4-5", "anthropic", "Done.", latencyMs: 860,
            usage: new() { PromptTokens = 1200, CompletionTokens = 240, TotalTokens = 9940, CacheReadTokens = 8200, CacheCreationTokens = 300 });
        var totals = (await TreeAsync("cached", spans: 1)).GetProperty("totals");
        totals.GetProperty("tokens").GetProperty("total").GetInt64().Should().Be(9940);
        totals.GetProperty("cost").GetProperty("total_usd").GetDecimal().Should().Be(0.010785m);
    }

    [Fact]
    public async Task Every_method_of_the_map_arrives()
    {
        await using var sdk = new HindcastClient(Options);
        var trace = sdk.Trace("map");
        trace.UserMessage([new("user", "Hi")]);
        trace.LlmThinking("hm", "sig");
        trace.LlmResponse("gpt-4o", "openai", "Hello");
        trace.EmbeddingRequest(["a", "b"], new() { SpanId = "e" });
        trace.EmbeddingResponse("text-embedding-3-small", "openai", 2, 1536, totalTokens: 9, latencyMs: 20, options: new() { SpanId = "e" });
        var span = trace.ToolCallRequest("lookup", [new("lookup")]);
        trace.ToolCallResponse("lookup", span, [new("lookup")], new { ok = true });
        trace.ToolResult("lookup", new { ok = true });
        trace.Error("boom", 500, "at x");
        await sdk.FlushAsync(TestContext.Current.CancellationToken);
        _lost.Should().BeEmpty();
        (await FactsAsync("map")).Select(f => f.Text("type")).Should().Equal(
            "user_message", "llm_thinking", "llm_response", "embedding_request", "embedding_response", "tool_call_request", "tool_call_response", "tool_result", "error");
    }

    [Fact]
    public async Task Work_is_a_span_with_what_is_within_under_it()
    {
        await using var sdk = new HindcastClient(Options);
        var trace = sdk.Trace("jobs");
        using (var job = trace.Span("checkout", new { order = 7 }))
        {
            using (var charge = job.Span("charge_card")) charge.Fail(new InvalidOperationException("declined"));
            job.Output = new { state = "waiting" };
        }
        await sdk.FlushAsync(TestContext.Current.CancellationToken);

        var root = (await TreeAsync("jobs", spans: 2)).GetProperty("spans")[0];
        (root.Text("name"), root.Text("status"), root.GetProperty("output").GetRawText()).Should().Be(("checkout", "success", """{"state":"waiting"}"""));
        var child = root.GetProperty("children")[0];
        (child.Text("name"), child.Text("status"), child.Text("error")).Should().Be(("charge_card", "error", "declined"));
    }

    [Fact]
    public async Task What_failed_is_sent_again_and_stored_once()
    {
        var flaky = new Flaky(server.Process.Address);
        await using var sdk = new HindcastClient(new() { BaseAddress = server.Process.Address, ApiKey = HindcastProcess.Key, AgentName = "a", FirstPause = TimeSpan.FromMilliseconds(1) }, new HttpClient(flaky));
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => sdk.Trace("flaky").UserMessageAsync([new("user", $"{i}")])));
        (sdk.Lost, flaky.Failures).Should().Match<(long Lost, int Failures)>(x => x.Lost == 0 && x.Failures > 3);
        (await FactsAsync("flaky")).Should().HaveCount(500);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_told_and_takes_no_neighbour_along()
    {
        await using var sdk = new HindcastClient(Options);
        sdk.Trace(new string('x', 200)).UserMessage([new("user", "too long an id")]);
        sdk.Trace("kept").UserMessage([new("user", "good")]);
        sdk.Trace("kept").ToolResult("x", new Action(() => { }));
        await sdk.FlushAsync(TestContext.Current.CancellationToken);
        sdk.Lost.Should().Be(2);
        _lost.Should().HaveCount(2).And.Contain(l => l.Contains("Trace ID", StringComparison.Ordinal));
        (await FactsAsync("kept")).Should().ContainSingle();
    }

    [Fact]
    public async Task A_full_queue_loses_the_newest_and_never_waits()
    {
        var gate = new TaskCompletionSource();
        var options = new HindcastOptions { BaseAddress = server.Process.Address, ApiKey = HindcastProcess.Key, AgentName = "a", QueueLimit = 10, BatchSize = 1, LastWords = TimeSpan.FromMilliseconds(50), Attempts = 1 };
        var sdk = new HindcastClient(options, new HttpClient(new Gate(gate.Task)));
        for (var i = 0; i < 100; i++) sdk.Trace("full").UserMessage([new("user", $"{i}")]);
        sdk.Lost.Should().BeInRange(88, 90);
        await sdk.DisposeAsync();
        sdk.Lost.Should().Be(100, "whoever ends does not wait for a server that does not answer");
    }

    [Fact]
    public async Task The_official_client_goes_through_the_gateway()
    {
        server.Provider!.Reset((http, _) => FakeProvider.Json(http, 200, """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"""));
        await using var sdk = new HindcastClient(Options);
        var chat = new ChatClient("gpt-4o-mini", new ApiKeyCredential("unused"), sdk.OpenAI(new OpenAIClientOptions(), "checkout-8841"));
        (await chat.CompleteChatAsync("Hi")).Value.Content[0].Text.Should().Be("Hello");
        var trace = sdk.Trace("checkout-8841");
        var span = trace.ToolCallRequest("charge_card", [new("charge_card", new { amount = 4999, currency = "usd" })]);
        trace.ToolCallResponse("charge_card", span, [new("charge_card", new { amount = 4999, currency = "usd" })], new { ok = true });
        await sdk.FlushAsync(TestContext.Current.CancellationToken);

        var tree = await TreeAsync("checkout-8841", spans: 3);
        tree.GetProperty("spans").EnumerateArray().Select(s => (s.Text("kind"), s.Text("agent"))).Should().BeEquivalentTo([("message", "support-agent"), ("llm", "support-agent"), ("tool", "support-agent")]);
    }

    [Fact]
    public async Task Activities_become_spans_with_their_parents()
    {
        using var source = new ActivitySource("Shop.Bridge");
        await using var sdk = new HindcastClient(Options);
        using (sdk.Listen(s => s.Name == source.Name))
        {
            using var order = source.StartActivity("order")!.SetTag(ActivityBridge.TraceIdKey, "bridged").AddBaggage(ActivityBridge.TraceIdKey, "bridged");
            using (var call = source.StartActivity("chat")!) call.SetTag("gen_ai.system", "openai").SetTag("gen_ai.response.model", "gpt-4o").SetTag("gen_ai.usage.input_tokens", 9);
            using (var failed = source.StartActivity("charge")!) failed.SetStatus(ActivityStatusCode.Error, "declined");
        }
        await sdk.FlushAsync(TestContext.Current.CancellationToken);
        var root = (await TreeAsync("bridged", spans: 3)).GetProperty("spans")[0];
        root.Text("name").Should().Be("order");
        root.GetProperty("children").EnumerateArray().Select(c => (c.Text("kind"), c.Text("model"), c.Text("error"))).Should().BeEquivalentTo([("llm", "gpt-4o", null), ("tool", (string?)null, "declined")]);
    }

    [Fact]
    public async Task An_application_has_one_client_and_sends_what_waits_when_it_ends()
    {
        var services = new ServiceCollection();
        services.AddHindcast(o => (o.BaseAddress, o.ApiKey, o.AgentName) = (server.Process.Address, HindcastProcess.Key, "app"));
        services.AddHttpClient("models").ThroughHindcast("from-services");
        await using (var provider = services.BuildServiceProvider())
        {
            provider.GetRequiredService<HindcastClient>().Should().BeSameAs(provider.GetRequiredService<HindcastClient>());
            server.Provider!.Reset((http, _) => FakeProvider.Json(http, 200, """{"object":"list","data":[]}"""));
            (await provider.GetRequiredService<IHttpClientFactory>().CreateClient("models").GetAsync(new Uri("https://api.openai.com/v1/models"), TestContext.Current.CancellationToken)).IsSuccessStatusCode.Should().BeTrue();
            provider.GetRequiredService<HindcastClient>().Trace("ended").UserMessage([new("user", "last words")]);
        }
        (await FactsAsync("ended")).Should().ContainSingle();
    }

    async Task<List<JsonElement>> FactsAsync(string trace) => [.. (await server.GetAsync($"/api/v1/traces/{trace}/timeline?limit=1000")).Json.GetProperty("items").EnumerateArray()];

    async Task<JsonElement> TreeAsync(string trace, int spans)
    {
        for (var attempt = 0; ; attempt++)
        {
            var tree = await server.GetAsync($"/api/v1/traces/{trace}/tree");
            if (tree.Status == 200 && tree.Json.GetProperty("span_count").GetInt32() == spans && !tree.Text.Contains("\"running\"", StringComparison.Ordinal)) return tree.Json;
            if (attempt == 200) throw new TimeoutException(tree.Text);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Every other request reaches the server and its answer is lost; others find it busy.</summary>
    sealed class Flaky(Uri address) : DelegatingHandler(new SocketsHttpHandler())
    {
        int _count;

        public int Failures { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri!.Authority.Should().Be(address.Authority);
            var turn = _count++ % 3;
            if (turn == 2) return await base.SendAsync(request, cancellationToken);
            Failures++;
            if (turn == 0) return new(System.Net.HttpStatusCode.ServiceUnavailable) { Headers = { RetryAfter = new(TimeSpan.Zero) } };
            (await base.SendAsync(request, cancellationToken)).Dispose();
            throw new HttpRequestException("the line went dead");
        }
    }

    sealed class Gate(Task open) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await open.WaitAsync(cancellationToken);
            return new(System.Net.HttpStatusCode.Accepted);
        }
    }
}

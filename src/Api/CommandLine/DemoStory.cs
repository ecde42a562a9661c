namespace Hindcast.Api.CommandLine;

/// <summary>One request of the sample.</summary>
/// <param name="About">What it tells, for whoever watches.</param>
internal sealed record DemoRequest(string Path, object Body, int Events, string About, string? IdempotencyKey = null);

/// <summary>The sample as requests. The same <c>now</c> gives the same bytes.</summary>
internal static class DemoStory
{
    public const string Refund = "demo-refund";
    public const string Failed = "demo-incident";
    public const string Retried = "demo-incident-retry";

    /// <summary>The agent of most of it.</summary>
    public const string Support = "support-agent";

    const string Instructions = "You are the support agent of a small shop. Be brief, be kind, never promise what a tool did not confirm.";

    /// <summary>How long before <c>now</c> the first trace starts, by which a later run finds <c>now</c> again.</summary>
    public static readonly TimeSpan RefundAgo = TimeSpan.FromMinutes(42);

    static readonly string[] s_query = ["refund policy for goods damaged in transit"];

    /// <summary>The refund comes first: what a broken run left can then be told from nothing.</summary>
    public static IReadOnlyList<DemoRequest> Of(DateTimeOffset now) =>
    [
        RefundRun(now - RefundAgo),
        DemoIncident.FailingRun(now.AddHours(-3)),
        DemoIncident.Retry(now.AddHours(-3).AddMinutes(2)),
        .. DemoConversations.Runs(now),
        .. DemoConversations.Threads(now),
        .. DemoVisits.Of(now),
        AgentVersion(),
    ];

    /// <summary>WhyOps' form: an agent that looks things up, calls two tools and answers, its long instructions cached from the second call on.</summary>
    static DemoRequest RefundRun(DateTimeOffset at)
    {
        var run = new DemoRun(Refund, Support, DemoConversations.Ada, at);
        const string model = "claude-sonnet-4-5";
        run.Add("user_message", 0, new
        {
            messages = new object[] { new { role = "user", content = "My order 4711 arrived broken. Can I have my money back?" } },
        }, new { systemPrompt = Instructions, tools = new[] { new { name = "search_orders" }, new { name = "refund_order" } } });

        run.Add("embedding_request", 120, new { input = s_query }, parent: 1, span: "retrieval");
        run.Add("embedding_response", 180, new { @object = "list", embeddingCount = 1, firstEmbeddingDimensions = 1536, encodingFormat = "float" },
            new { model = "text-embedding-3-small", provider = "openai", usage = new { promptTokens = 9, totalTokens = 9 }, latencyMs = 60 }, parent: 1, span: "retrieval");

        run.Add("llm_thinking", 1_900, new { type = "thinking", thinking = "Damaged on arrival: the policy allows a refund within 30 days. I need the order first." }, parent: 1);
        var plan = run.Add("llm_response", 2_400, new
        {
            content = "Let me look at your order.",
            toolCalls = new[] { new { id = "call_1", function = new { name = "search_orders", arguments = """{"order_id":"4711"}""" } } },
            finishReason = "tool_use",
        }, Answer(model, 2_150, input: 1_240, read: 0, write: 8_200, output: 96), parent: 1);
        Tool(run, plan, "search_orders", 2_450, 210, new { order_id = "4711" }, new { status = "delivered", days_ago = 6, total = "49.90 EUR" });

        var decide = run.Add("llm_response", 4_600, new
        {
            content = "Delivered six days ago, so it is within the policy. I am starting the refund.",
            toolCalls = new[] { new { id = "call_2", function = new { name = "refund_order", arguments = """{"order_id":"4711","reason":"damaged"}""" } } },
            finishReason = "tool_use",
        }, Answer(model, 1_850, input: 310, read: 8_200, write: 1_340, output: 118), parent: 1);
        Tool(run, decide, "refund_order", 4_650, 640, new { order_id = "4711", reason = "damaged" }, new { refund_id = "re_9f2c", amount = "49.90 EUR", state = "accepted" });

        run.Add("llm_response", 6_900, new { content = "Done: 49.90 EUR are on their way back to your card (refund re_9f2c). Sorry for the trouble!", finishReason = "end_turn" },
            Answer(model, 1_500, input: 240, read: 9_540, write: 0, output: 64), parent: 1);
        return run.Request("a support agent with tools");
    }

    /// <summary>What the agent is told and what it may use, as WhyOps' SDKs register it.</summary>
    static DemoRequest AgentVersion() => new("/api/entities/init", new
    {
        agentName = Support,
        metadata = new
        {
            systemPrompt = Instructions,
            description = "Answers customers, looks up orders and starts refunds.",
            tools = new[] { new { name = "search_orders", description = "Finds an order by its number." }, new { name = "refund_order", description = "Gives the money back." } },
        },
    }, Events: 0, "the agent's version");

    static void Tool(DemoRun run, int parent, string name, int after, int took, object arguments, object result)
    {
        var calls = new[] { new { name, arguments } };
        run.Add("tool_call_request", after, new { toolCalls = calls }, new { tool = name }, parent, span: name);
        run.Add("tool_call_response", after + took, new { toolCalls = calls, toolResults = result }, new { tool = name, latencyMs = took }, parent, span: name);
    }

    internal static object Answer(string model, int took, int input, int read, int write, int output) => new
    {
        model,
        provider = model.StartsWith("claude", StringComparison.Ordinal) ? "anthropic" : "openai",
        usage = new
        {
            promptTokens = input,
            completionTokens = output,
            totalTokens = input + read + write + output,
            cacheReadTokens = read,
            cacheCreationTokens = write,
        },
        latencyMs = took,
    };
}

/// <summary>The events of one run in WhyOps' form; steps and ids count from 1.</summary>
internal sealed class DemoRun(string trace, string agent, string user, DateTimeOffset start)
{
    readonly List<object> _events = [];

    /// <summary>Answers the step it was given.</summary>
    public int Add(string type, int afterMs, object content, object? metadata = null, int? parent = null, string? span = null)
    {
        var step = _events.Count + 1;
        _events.Add(new
        {
            eventType = type,
            traceId = trace,
            agentName = agent,
            externalUserId = user,
            stepId = step,
            parentStepId = parent,
            spanId = span is null ? null : $"{trace}-{span}",
            timestamp = DemoTime.Of(start.AddMilliseconds(afterMs)),
            idempotencyKey = $"{trace}-{step}",
            content,
            metadata,
        });
        return step;
    }

    public DemoRequest Request(string about) => new("/api/events/ingest", _events, _events.Count, about);
}

internal static class DemoTime
{
    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}

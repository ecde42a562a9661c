using System.Diagnostics;
using System.Globalization;

namespace Hindcast.Client;

/// <summary>
/// Sends what <see cref="Activity"/> sources of the program report: calls of models by the GenAI conventions become model calls, all else spans.
/// The trace is the one named by the baggage or tag <c>hindcast.trace_id</c>, else the activity's own.
/// </summary>
public static class ActivityBridge
{
    /// <summary>The name of the trace, as tag or baggage.</summary>
    public const string TraceIdKey = "hindcast.trace_id";

    /// <summary>Listens until what is returned is disposed of.</summary>
    /// <param name="client">Sends them.</param>
    /// <param name="sources">Which sources; the client's own requests are better left out.</param>
    public static IDisposable Listen(this HindcastClient client, Func<ActivitySource, bool> sources)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = sources,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => Send(client, activity),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    static void Send(HindcastClient client, Activity activity)
    {
        var trace = client.Trace((activity.GetTagItem(TraceIdKey) ?? activity.GetBaggageItem(TraceIdKey) ?? activity.TraceId.ToHexString()).ToString()!);
        var tags = activity.TagObjects.DistinctBy(t => t.Key).ToDictionary(t => t.Key, t => Plain(t.Value));
        var options = new EventOptions
        {
            SpanId = activity.SpanId.ToHexString(),
            ParentSpanId = activity.ParentSpanId == default ? null : activity.ParentSpanId.ToHexString(),
            Timestamp = new DateTimeOffset(activity.StartTimeUtc + activity.Duration),
            ExternalUserId = Text(tags, "user.id", "enduser.id"),
        };
        var took = activity.Duration.TotalMilliseconds;
        if (Text(tags, "gen_ai.response.model", "gen_ai.request.model") is { } model && Text(tags, "gen_ai.provider.name", "gen_ai.system") is { } provider && Text(tags, "gen_ai.operation.name") is not ("embeddings" or "invoke_agent" or "execute_tool"))
            trace.LlmResponse(model, provider, Text(tags, "gen_ai.output.messages"), finishReason: Text(tags, "gen_ai.response.finish_reasons"), usage: UsageOf(tags), latencyMs: took, options: options);
        else
            trace.ToolCallResponse(activity.DisplayName, options.SpanId, [new(activity.DisplayName, tags)], activity.StatusDescription, latencyMs: took, options: options);
        if (activity.Status == ActivityStatusCode.Error)
            trace.Error(activity.StatusDescription ?? Text(tags, "error.type") ?? "error", options: new() { SpanId = options.SpanId, Timestamp = options.Timestamp });
    }

    static TokenUsage UsageOf(Dictionary<string, object?> tags) => new()
    {
        PromptTokens = Tokens(tags, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        CompletionTokens = Tokens(tags, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        CacheReadTokens = Tokens(tags, "gen_ai.usage.cache_read.input_tokens"),
        CacheCreationTokens = Tokens(tags, "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
    };

    static long? Tokens(Dictionary<string, object?> tags, params ReadOnlySpan<string> names) =>
        long.TryParse(Text(tags, names), NumberStyles.None, CultureInfo.InvariantCulture, out var tokens) ? tokens : null;

    static string? Text(Dictionary<string, object?> tags, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (tags.TryGetValue(name, out var value) && value is not null) return value is string[] { Length: > 0 } list ? list[0] : value.ToString();
        return null;
    }

    /// <summary>What JSON has a form for; of anything else its text.</summary>
    static object? Plain(object? value) => value is null or string or bool or int or long or double or string[] or int[] or long[] or double[] or bool[] ? value : value.ToString();
}

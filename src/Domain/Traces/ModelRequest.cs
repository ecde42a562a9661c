namespace Hindcast.Domain.Traces;

/// <summary>
/// What counts as one request: a finished or failed LLM or embedding call that no later attempt replaces. An error event by itself is
/// none, and an agent's span that repeats the usage of its children is none.
/// </summary>
public static class ModelRequest
{
    /// <summary>The attribute of an attempt that another one followed: <c>true</c>.</summary>
    public const string Superseded = "superseded";

    /// <summary>The attribute of an answer from a response cache: <c>true</c>. It costs nothing.</summary>
    public const string CacheHit = "cache_hit";

    /// <summary>The attribute that names the answer as the provider does, by OpenTelemetry's convention: a text such as <c>chatcmpl-…</c>.</summary>
    public const string ResponseId = "gen_ai.response.id";

    public static bool IsRequest(this Span span) =>
        span.Kind is "llm" or "embedding" && span.Status != SpanStatus.Running && !span.IsSuperseded();

    public static bool IsSuperseded(this Span span) => Says(span, Superseded);

    public static bool IsCacheHit(this Span span) => Says(span, CacheHit);

    static bool Says(Span span, string attribute) => span.Attributes.TryGetValue(attribute, out var said) && said.Value == "true";
}

using System.Text;

namespace Hindcast.Bench.Ingest;

/// <summary>Batches of realistic events, about 1 KB each, of many traces at once: ten events a trace, a hundred traces a batch.</summary>
/// <param name="first">Where the numbers of the traces begin: two loads into one server write different traces.</param>
sealed class Load(int batchSize, int first = 0)
{
    const int EventsPerTrace = 10;
    static readonly string s_text = string.Join(' ', Enumerable.Range(0, 110).Select(i => $"word{i}"));

    int _batch;

    public (byte[] Body, int Events) Next()
    {
        var batch = Interlocked.Increment(ref _batch) - 1;
        // Ten batches in a row carry the ten events of the same traces.
        var (group, turn) = (batch / EventsPerTrace, batch % EventsPerTrace);
        var body = new StringBuilder("[");
        for (var i = 0; i < batchSize; i++)
        {
            if (i > 0) body.Append(',');
            var trace = $"run-{first + group}-{i}";
            body.Append(turn switch
            {
                0 => $$"""{"type":"user_message","trace_id":"{{trace}}","user_id":"user-{{i}}","content":[{"role":"user","content":"{{s_text}}"}]}""",
                3 or 6 => $$"""{"type":"tool_call_request","trace_id":"{{trace}}","span_id":"tool-{{turn}}","name":"search","content":{"query":"{{s_text}}"} }""",
                4 or 7 => $$"""{"type":"tool_call_response","trace_id":"{{trace}}","span_id":"tool-{{turn - 1}}","name":"search","latency_ms":88,"content":{"result":"{{s_text}}"} }""",
                _ => $$"""{"type":"llm_response","trace_id":"{{trace}}","provider":"openai","model":"gpt-4o-mini","latency_ms":{{300 + (i * 7)}},"usage":{"input":420,"output":160},"content":"{{s_text}}"}""",
            });
        }
        return (Encoding.UTF8.GetBytes(body.Append(']').ToString()), batchSize);
    }
}

static class Bodies
{
    public static ByteArrayContent Content(this (byte[] Body, int Events) batch) => new(batch.Body) { Headers = { ContentType = new("application/json") } };
}

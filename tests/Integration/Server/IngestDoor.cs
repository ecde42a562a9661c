using System.Text;
using System.Text.Json;
using Hindcast.Bench;

namespace Hindcast.Integration.Server;

/// <summary>An ingest door as the bad-input tests need to know it: a good element in its members, and the form of its refusals.</summary>
public sealed record IngestDoor(string Name, string Path, int Success, string Trace, string Value, (string Name, string Good)[] Members, string[] Ids)
{
    static readonly (string, string)[] s_native = [("type", "\"llm_response\""), ("trace_id", "\"t\""), ("span_id", "\"s\""), ("parent_span_id", "\"p\""),
        ("event_id", "null"), ("at", "\"2026-11-01T00:00:00Z\""), ("name", "\"n\""), ("kind", "\"llm\""), ("user_id", "\"u\""), ("session_id", "\"s\""), ("environment", "\"e\""),
        ("agent", "null"), ("provider", "\"openai\""), ("model", "\"m\""), ("usage", "{\"input\":1}"), ("latency_ms", "1"), ("ttft_ms", "1"), ("status", "\"ok\""), ("error", "null"),
        ("attributes", "{\"a\":1}"), ("content", "\"c\"")];
    static readonly (string, string)[] s_whyOps = [("eventType", "\"llm_response\""), ("traceId", "\"t\""), ("agentName", "\"a\""), ("spanId", "\"s\""), ("stepId", "1"),
        ("timestamp", "\"2026-11-01T00:00:00Z\""), ("externalUserId", "\"u\""), ("content", "{\"content\":\"c\"}"),
        ("metadata", "{\"model\":\"m\",\"provider\":\"p\",\"usage\":{\"promptTokens\":1},\"latencyMs\":1}")];
    static readonly string[] s_nativeIds = ["trace_id", "span_id", "parent_span_id", "event_id", "user_id", "session_id"];
    static readonly string[] s_whyOpsIds = ["traceId", "spanId", "agentName", "externalUserId"];

    public static readonly IReadOnlyDictionary<string, IngestDoor> All = new IngestDoor[]
    {
        new("native", "/api/v1/events", 202, "trace_id", "content", s_native, s_nativeIds),
        new("ndjson", "/api/v1/events", 202, "trace_id", "content", s_native, s_nativeIds),
        new("whyops-ingest", "/api/events/ingest", 202, "traceId", "content", s_whyOps, s_whyOpsIds),
        new("whyops-events", "/api/events", 201, "traceId", "content", s_whyOps, s_whyOpsIds),
        new("trubrics-events", "/api/ingestion/publish_events", 200, "properties", "extra",
            [("user_id", "\"u\""), ("event", "\"e\""), ("timestamp", "\"2026-11-01T00:00:00Z\""), ("properties", "{\"$thread_id\":\"t\"}")], ["user_id"]),
        new("trubrics-llm", "/api/ingestion/publish_llm_events", 200, "thread_id", "prompt",
            [("user_id", "\"u\""), ("prompt", "\"p\""), ("generation", "\"g\""), ("assistant_id", "\"gpt-4o\""), ("thread_id", "\"t\""), ("timestamp", "\"2026-11-01T00:00:00Z\""),
                ("latency", "1.5"), ("properties", "{\"a\":1}"), ("prompt_event_name", "\"P\""), ("generation_event_name", "\"G\"")], ["user_id", "thread_id", "assistant_id"]),
    }.ToDictionary(d => d.Name);

    public int Refused => Name.StartsWith("trubrics", StringComparison.Ordinal) ? 422 : 400;

    public override string ToString() => Name;

    /// <summary>A good element of a trace, but for what is said otherwise; members are raw JSON, and further ones are added.</summary>
    public string Element(string trace, params (string Name, string Raw)[] otherwise)
    {
        var members = Members.ToDictionary(m => m.Name, m => m.Good);
        members[Trace] = Trace == "properties" ? $$"""{"$thread_id":"{{trace}}"}""" : $"\"{trace}\"";
        foreach (var (name, raw) in otherwise) members[name] = raw;
        return $"{{{string.Join(',', members.Select(m => $"\"{m.Key}\":{m.Value}"))}}}";
    }

    public Task<Answer> PostAsync(LiveServer server, params string[] elements) =>
        PostRawAsync(server, Encoding.UTF8.GetBytes(Name == "ndjson" ? string.Join('\n', elements) : $"[{string.Join(',', elements)}]"));

    public Task<Answer> PostRawAsync(LiveServer server, byte[] body, params (string, string)[] headers) =>
        server.SendAsync(HttpMethod.Post, Path, body, HindcastProcess.Key, Name == "ndjson" ? [("Content-Type", "application/x-ndjson"), .. headers] : headers);

    /// <summary>Index and field of each fault of a refusal.</summary>
    public List<(int Index, string Field)> Faults(Answer answer) => Name switch
    {
        "native" or "ndjson" => [.. answer.Json.GetProperty("errors").EnumerateArray().Select(f => (f.GetProperty("index").GetInt32(), f.Text("field")!))],
        ['w', ..] => [.. answer.Json.GetProperty("details").EnumerateArray().Select(f => (f.GetProperty("index").GetInt32(), f.Text("field")!))],
        _ => [.. answer.Json.GetProperty("detail").EnumerateArray().Select(f => f.GetProperty("loc").EnumerateArray().ToList())
            .Select(loc => (loc[1].GetInt32(), string.Join('.', loc.Skip(2).Select(p => p.ToString()))))],
    };

    public static string Stored(Answer answer) => answer.Json.GetProperty("stored").GetRawText();
}

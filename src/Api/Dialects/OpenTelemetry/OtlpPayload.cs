using System.Text.Json;
using Hindcast.Application.Redaction;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// Reads what was kept: <c>{resource, scope, schema_url?}</c> and beside it the span or log record itself as it was received, in <c>json</c> or
/// <c>log_json</c>, or in base64 in <c>protobuf</c> or <c>log_protobuf</c>; of a score that came as an event of a span, <c>event</c> says which.
/// Every generation of the GenAI conventions, OpenInference, OpenLLMetry, Vercel AI and the Observatory's SDKs.
/// </summary>
internal sealed class OtlpPayload : IPayloadReader
{
    public string Dialect => "otlp";

    public int Version => 2;

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var resource = OtlpResource.Of(payload.Member("resource"));
        if (payload.Member("log_protobuf") is { } record) return Read(type, OtlpLog.Of((ReadOnlyMemory<byte>)record.GetBytesFromBase64()), resource, texts);
        if (payload.Member("log_json") is { } log) return Read(type, OtlpLog.Of(log), resource, texts);
        var span = payload.Member("protobuf") is { } bytes ? OtlpSpan.Of((ReadOnlyMemory<byte>)bytes.GetBytesFromBase64()) : OtlpSpan.Of(payload.GetProperty("json"));
        return payload.Member("event") is { } index ? OtlpScores.Read(span.Events[index.GetInt32()].Attributes) : Read(span, resource, texts);
    }

    public ReadOnlyMemory<byte> Redact(ReadOnlyMemory<byte> payload, RedactionPass pass) => RedactedJson.Rewrite(payload, pass, OtlpRedaction.Form);

    public static Reading Read(OtlpSpan span, OtlpResource resource, bool texts)
    {
        var a = span.Attributes;
        var error = OtlpFields.ErrorOf(span);
        var (input, output) = texts ? (OtlpTexts.InputOf(span), OtlpTexts.OutputOf(span)) : default;
        return new()
        {
            Kind = OtlpKinds.Of(span),
            Name = span.Name.Length == 0 ? null : span.Name,
            Provider = OtlpFields.ProviderOf(a),
            Model = OtlpFields.ModelOf(a),
            Usage = OtlpFields.UsageOf(a),
            Environment = a.Text("langfuse.environment", "llm.environment", "deployment.environment.name", "deployment.environment") ?? resource.Environment,
            UserId = UserOf(a),
            SessionId = SessionOf(a),
            Agent = a.Text("gen_ai.agent.name", "agent.name", "gen_ai.workflow.name", "traceloop.workflow.name", "graph.node.name", "genkit:name") ?? resource.Service,
            Latency = LatencyOf(span),
            TimeToFirstToken = OtlpFields.TimeToFirstTokenOf(span),
            Status = error is null ? null : SpanStatus.Error,
            Error = error,
            Input = input,
            Output = output,
            Attributes = texts ? OtlpShown.Of(span) : null,
            Sanitised = span.Sanitised || a.Sanitised,
        };
    }

    public static Reading Read(string type, OtlpLog log, OtlpResource resource, bool texts)
    {
        var a = log.Attributes;
        if (type == "score") return OtlpScores.Read(a);
        var reading = new Reading
        {
            Name = type == "error" ? null : log.Name,
            Provider = OtlpFields.ProviderOf(a),
            Model = OtlpFields.ModelOf(a),
            Usage = OtlpFields.UsageOf(a),
            Environment = a.Text("deployment.environment.name", "deployment.environment") ?? resource.Environment,
            UserId = UserOf(a),
            SessionId = SessionOf(a),
            Agent = a.Text("gen_ai.agent.name") ?? resource.Service,
            Error = type == "error" ? a.Text("exception.message", "exception.type", "error.type") ?? "error" : null,
            Sanitised = a.Sanitised,
        };
        if (!texts) return reading;
        if (type == "error") return reading with { ErrorDetail = OtlpValue.Written(json => new OtlpEvent(log.Name, 0, a).Write(json, timed: false)) };
        var (input, output) = OtlpNotes.TextsOf(log);
        return reading with { Input = input, Output = output };
    }

    static string? UserOf(OtlpAttributes a) => a.Take(
        "user.id", "enduser.id", "traceloop.association.properties.user_id", "gen_ai.user", "llm.user", "llm.user.id", "langfuse.user.id", "ai.telemetry.metadata.userId");

    static string? SessionOf(OtlpAttributes a) => a.Take(
        "gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id", "traceloop.association.properties.chat_id", "llm.session.id",
        "langfuse.session.id", "langsmith.trace.session_id", "ai.telemetry.metadata.sessionId");

    /// <summary>Null while it runs, when no start is told that can be believed, and when it ends before.</summary>
    static TimeSpan? LatencyOf(OtlpSpan span) =>
        !span.Runs && span.End >= span.Start && TimeOf(span.Start) >= TraceRules.EarliestTime ? TimeOf(span.End) - TimeOf(span.Start) : null;

    /// <summary>Whole microseconds, which is what is kept.</summary>
    public static DateTimeOffset TimeOf(ulong nanos) => DateTimeOffset.UnixEpoch.AddTicks((long)(Math.Min(nanos, long.MaxValue) / 1000) * TimeSpan.TicksPerMicrosecond);
}

/// <summary>What the resource says of every span under it.</summary>
internal readonly record struct OtlpResource(string? Service, string? Environment)
{
    public static OtlpResource Of(JsonElement? attributes)
    {
        var sanitised = false;
        return attributes is not { } a ? default
            : new(a.Text("service.name", ref sanitised), a.Text("deployment.environment.name", ref sanitised) ?? a.Text("deployment.environment", ref sanitised));
    }

    public static OtlpResource Of(OtlpAttributes a) => new(a.Text("service.name"), a.Text("deployment.environment.name", "deployment.environment"));
}

/// <summary>Evaluations of the GenAI conventions: a number, else a label.</summary>
internal static class OtlpScores
{
    public const string Event = "gen_ai.evaluation.result";

    public static Reading Read(OtlpAttributes a) => new()
    {
        Name = a.Text("gen_ai.evaluation.name"),
        Output = a.Json("gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"),
        Comment = a.Text("gen_ai.evaluation.explanation", "gen_ai.evaluation.score.label"),
        ScoreSource = "opentelemetry",
        Sanitised = a.Sanitised,
    };
}

/// <summary>What a log record says of the span it names: a message each, or all of a call in one.</summary>
internal static class OtlpNotes
{
    /// <summary>What names no span of its trace stands for itself.</summary>
    public static string TypeOf(OtlpLog log) => log.Name switch
    {
        OtlpScores.Event => "score",
        "gen_ai.client.operation.exception" => "error",
        _ when log.SpanId is not null => "span_noted",
        "gen_ai.choice" or "gen_ai.content.completion" or "gen_ai.client.inference.operation.details" => "llm_response",
        _ => "user_message",
    };

    public static (string? Input, string? Output) TextsOf(OtlpLog log)
    {
        var (a, sanitised) = (log.Attributes, false);
        return log.Name switch
        {
            "gen_ai.choice" or "gen_ai.content.completion" => (null, Message(log, "assistant")),
            "gen_ai.user.message" or "gen_ai.content.prompt" => (Message(log, "user"), null),
            "gen_ai.system.message" or "gen_ai.assistant.message" or "gen_ai.tool.message" => (Message(log, log.Name.Split('.')[1]), null),
            _ => (OtlpTexts.MessagesOf(a) ?? a.Json("gen_ai.prompt"), a.Json("gen_ai.output.messages", "gen_ai.completion") ?? (log.Body.IsEmpty ? null : log.Body.Json(ref sanitised))),
        };
    }

    /// <summary>The body, else the attributes; who speaks is in the event's name when it is not said.</summary>
    static string Message(OtlpLog log, string role) => OtlpValue.Written(json =>
    {
        var (sanitised, members) = (false, log.Body.Named().ToList());
        json.WriteStartArray();
        json.WriteStartObject();
        if (!members.Exists(m => m.Name is "role" or "message")) json.WriteString("role", role);
        foreach (var (name, value) in members)
        {
            json.WritePropertyName(name);
            value.Write(json, ref sanitised);
        }
        if (log.Body.IsEmpty) log.Attributes.Write(json, "role");
        else if (members.Count == 0)
        {
            json.WritePropertyName("content");
            log.Body.Write(json, ref sanitised);
        }
        json.WriteEndObject();
        json.WriteEndArray();
    });
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.OpenTelemetry;

/// <summary>
/// Reads spans as they were kept: <c>{resource, scope, json}</c> or <c>{resource, scope, protobuf}</c>, the span itself as it was received
/// (protobuf in base64). Every generation of the GenAI conventions, OpenInference, OpenLLMetry, Vercel AI and the Observatory's SDKs.
/// </summary>
internal sealed class OtlpPayload : IPayloadReader
{
    public string Dialect => "otlp";

    public int Version => 1;

    public Reading Read(string type, JsonElement payload, bool texts)
    {
        var span = payload.Member("protobuf") is { } bytes ? OtlpSpan.Of(bytes.GetBytesFromBase64()) : OtlpSpan.Of(payload.GetProperty("json"));
        return Read(span, payload.Member("resource"), texts);
    }

    public static Reading Read(OtlpSpan span, JsonElement? resourceAttributes, bool texts)
    {
        var a = span.Attributes;
        var resource = OtlpResource.Of(resourceAttributes);
        var (failure, type) = (span.Events.LastOrDefault(e => e.Name is "exception" or "gen_ai.client.operation.exception").Attributes, a.Text("error.type"));
        var failed = span.Failed || a.Text("langfuse.observation.level") == "ERROR";
        var start = TimeOf(span.Start);
        return new()
        {
            Kind = OtlpKinds.Of(span),
            Name = span.Name.Length == 0 ? null : span.Name,
            Provider = OtlpFields.ProviderOf(a),
            Model = OtlpFields.ModelOf(a),
            Usage = OtlpFields.UsageOf(a),
            Environment = a.Text("langfuse.environment", "llm.environment", "deployment.environment.name", "deployment.environment") ?? resource.Environment,
            UserId = a.Text("user.id", "enduser.id", "traceloop.association.properties.user_id", "gen_ai.user", "llm.user", "llm.user.id", "langfuse.user.id",
                "ai.telemetry.metadata.userId"),
            SessionId = a.Text("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id", "traceloop.association.properties.chat_id",
                "llm.session.id", "langfuse.session.id", "langsmith.trace.session_id", "ai.telemetry.metadata.sessionId"),
            Agent = a.Text("gen_ai.agent.name", "agent.name", "gen_ai.workflow.name", "traceloop.workflow.name") ?? resource.Service,
            StartedAt = span.End == 0 ? null : start,
            Latency = span.End >= span.Start && span.End != 0 ? TimeOf(span.End) - start : null,
            TimeToFirstToken = OtlpFields.TimeToFirstTokenOf(a),
            Status = failed ? SpanStatus.Error : null,
            Error = !failed ? null : Filled(span.StatusMessage) ?? a.Text("langfuse.observation.status_message") ?? failure?.Text("exception.message") ?? failure?.Text("exception.type") ?? type ?? "error",
            Input = texts ? OtlpFields.InputOf(span)?.ToJsonString() : null,
            Output = texts ? OtlpFields.OutputOf(span)?.ToJsonString() : null,
            Attributes = texts ? a.ToDictionary(x => x.Key, x => x.Value?.ToJsonString() ?? "null") : null,
        };
    }

    /// <summary>Whole microseconds, which is what is kept.</summary>
    public static DateTimeOffset TimeOf(ulong nanos) => DateTimeOffset.UnixEpoch.AddTicks((long)(Math.Min(nanos, long.MaxValue) / 1000) * TimeSpan.TicksPerMicrosecond);

    static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;
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
}

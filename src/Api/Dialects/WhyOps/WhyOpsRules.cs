using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.WhyOps;

/// <summary>
/// The validation of the original, field by field with its messages and codes (WhyOps contract, 2.2). Where the original only says
/// <c>invalid_union</c> about the whole body (wrong type, missing field, unknown event type), the code stays and the field is named.
/// Beyond the table are refused: ids with NUL or unpaired surrogates, token counts that are no counts, and models or providers too long for a name.
/// </summary>
internal static partial class WhyOpsRules
{
    public const int LongestTraceId = TraceRules.LongestTraceId;
    public const int LongestSpanId = TraceRules.LongestSpanId;
    public const int LongestAgentName = TraceRules.LongestName;
    public const int LongestUser = TraceRules.LongestUser;
    public const int LongestIdempotencyKey = 128;
    /// <summary>Leaves room above it for the steps that the server counts on from there.</summary>
    public const int HighestStep = 2_000_000_000;
    public const string MissingModel = "missing_model";
    public const string MissingProvider = "missing_provider";

    const string Union = "invalid_union";
    static readonly string[] TimestampForms = ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"];

    /// <summary>Reads an element whose JSON is sound. Null when <paramref name="faults"/> got something to say.</summary>
    /// <param name="type">Stands for whatever <c>eventType</c> says; null: the element says it.</param>
    public static WhyOpsEvent? Read(JsonElement element, string? type, List<Fault> faults)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new("", Union, $"Invalid input: expected an event object, received {element.TypeName()}"));
            return null;
        }
        var fields = new WhyOpsFields(element, faults);
        type ??= TypeOf(element, faults);
        var e = new WhyOpsEvent
        {
            Type = type ?? "",
            TraceId = fields.Text(
                "traceId", "Trace ID", LongestTraceId, "Trace ID must be between 1 and 128 characters", "String must contain at least 1 character(s)") ?? "",
            AgentName = fields.Text("agentName", "agentName", LongestAgentName, whenEmpty: "agentName is required") ?? "",
            SpanId = fields.Text("spanId", "Span ID", LongestSpanId, "Span ID must be at most 128 characters"),
            ParentSpanId = fields.Text("parentSpanId", "Parent Span ID", LongestSpanId, "Parent Span ID must be at most 128 characters"),
            Step = fields.Step("stepId", "Step ID"),
            ParentStep = fields.Step("parentStepId", "Parent Step ID"),
            At = Timestamp(element.Get("timestamp"), faults),
            ExternalUserId = fields.Text("externalUserId", "externalUserId", LongestUser),
            IdempotencyKey = fields.Text(
                "idempotencyKey", "Idempotency Key", LongestIdempotencyKey, "Idempotency Key must be at most 128 characters"),
        };
        foreach (var (field, name) in ScopeIds)
            if (element.Get(field) is { ValueKind: not JsonValueKind.Undefined } id) CheckUuid(field, name, id, faults);
        CheckMetadata(type, element.Get("metadata"), faults);
        return faults.Count == 0 ? e : null;
    }

    /// <summary>Ids of the original's scopes. They must be well formed and change nothing: the key alone says where an event belongs.</summary>
    public static readonly IReadOnlyList<(string Field, string Name)> ScopeIds =
        [("userId", "User ID"), ("projectId", "Project ID"), ("environmentId", "Environment ID"), ("providerId", "Provider ID")];

    public static Fault? UuidFault(string field, string name, string? id) =>
        id is { Length: 36 } && Guid.TryParseExact(id, "D", out _) ? null : new(field, "invalid_string", $"Invalid {name} format (UUID required)");

    static void CheckUuid(string field, string name, JsonElement id, List<Fault> faults)
    {
        if (id.ValueKind != JsonValueKind.String) faults.Add(WhyOpsFields.WrongType(field, "a string", id));
        else if (UuidFault(field, name, LenientText.IsClean(id) ? id.GetString() : null) is { } fault) faults.Add(fault);
    }

    static string? TypeOf(JsonElement element, List<Fault> faults)
    {
        var given = element.Get("eventType");
        // Comparing throws on half a surrogate pair.
        if (given.ValueKind == JsonValueKind.String && LenientText.IsClean(given))
            foreach (var type in WhyOpsEvent.Types)
                if (given.ValueEquals(type)) return type;
        var what = given.ValueKind == JsonValueKind.Undefined ? "eventType is required and must be" : "eventType must be";
        faults.Add(new("eventType", Union, $"Invalid input: {what} one of {string.Join(", ", WhyOpsEvent.Types)}"));
        return null;
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\z")]
    private static partial Regex Timestamp();

    /// <summary>A fraction may have any length; what lies below 100 ns is cut.</summary>
    static DateTimeOffset? Timestamp(JsonElement given, List<Fault> faults)
    {
        if (given.ValueKind == JsonValueKind.Undefined) return null;
        if (given.ValueKind != JsonValueKind.String)
        {
            faults.Add(WhyOpsFields.WrongType("timestamp", "a string", given));
            return null;
        }
        const int WithSevenDigits = 27;
        var text = LenientText.IsClean(given) ? given.GetString()! : "";
        if (Timestamp().IsMatch(text))
        {
            if (text.Length > WithSevenDigits + 1) text = $"{text[..WithSevenDigits]}Z";
            if (DateTimeOffset.TryParseExact(text, TimestampForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
                return at;
        }
        faults.Add(new("timestamp", "invalid_string", "Invalid timestamp format (ISO 8601 required)"));
        return null;
    }

    static void CheckMetadata(string? type, JsonElement metadata, List<Fault> faults)
    {
        if (metadata.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Object))
        {
            faults.Add(WhyOpsFields.WrongType("metadata", "an object", metadata));
            return;
        }
        if (type is "tool_call_request" or "tool_call_response" && !metadata.Get("tool").Says())
            faults.Add(new(
                "metadata.tool", "custom", "metadata.tool is required for tool_call_request and tool_call_response. See /api/events/help."));
        foreach (var name in (ReadOnlySpan<string>)["model", "provider"])
            if (metadata.Get(name) is { ValueKind: JsonValueKind.String } text && TooLong(text))
                faults.Add(new($"metadata.{name}", "too_big", $"String must contain at most {TraceRules.LongestName} character(s)"));
        if (type is not ("llm_response" or "embedding_response")) return;

        WhyOpsUsage.Check(metadata, faults);
        // The original asks for these two only after its validation.
        if (faults.Count > 0) return;
        if (Missing(metadata.Get("model")))
            faults.Add(new("metadata.model", MissingModel, $"MISSING_MODEL: {type} events require \"model\" in metadata"));
        else if (Missing(metadata.Get("provider")))
            faults.Add(new("metadata.provider", MissingProvider, $"MISSING_PROVIDER: {type} events require \"provider\" in metadata"));
    }

    static bool Missing(JsonElement name)
    {
        var sanitised = false;
        return name.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(LenientText.Of(name, ref sanitised));
    }

    static bool TooLong(JsonElement text)
    {
        var sanitised = false;
        return LenientText.Of(text, ref sanitised).Length > TraceRules.LongestName;
    }
}

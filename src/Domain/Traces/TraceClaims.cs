using System.Globalization;

namespace Hindcast.Domain.Traces;

/// <summary>
/// What a sender says of a whole trace, instead of leaving it to be added up: attributes of the span that stands for the trace. Who says
/// <see cref="Status"/> speaks for the trace; the other claims are optional.
/// </summary>
public sealed record TraceClaims(Span Speaker)
{
    /// <summary><c>"success"</c>, <c>"warning"</c> or <c>"error"</c>.</summary>
    public const string Status = "trace.status";
    public const string Retries = "trace.retry_count";
    public const string Slow = "trace.slow";
    /// <summary>A name for people.</summary>
    public const string ProjectName = "trace.project_name";

    /// <summary>Null of a span that only speaks for itself. Of two that speak for one trace the later word stands.</summary>
    public static TraceClaims? Later(TraceClaims? held, Span span) =>
        span.Attributes.Count > 0 && span.Attributes.TryGetValue(Status, out var said) && (held is null || said.By > held.Speaker.Attributes[Status].By)
            ? new(span)
            : held;

    public SpanStatus? ClaimedStatus => Text(Status) switch
    {
        "success" => SpanStatus.Success,
        "warning" => SpanStatus.Warning,
        "error" => SpanStatus.Error,
        _ => null,
    };

    public int? ClaimedRetries => int.TryParse(Json(Retries), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;

    public bool? ClaimedSlow => Json(Slow) switch { "true" => true, "false" => false, _ => null };

    public string? ClaimedProjectName => Text(ProjectName);

    string? Json(string name) => Speaker.Attributes.TryGetValue(name, out var said) ? said.Value : null;

    string? Text(string name) => Json(name) is ['"', ..] text ? System.Text.Json.JsonSerializer.Deserialize<string>(text) : null;
}

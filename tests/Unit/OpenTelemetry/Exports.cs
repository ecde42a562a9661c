using System.Globalization;
using System.Text;
using System.Text.Json;
using Hindcast.Api.Dialects.OpenTelemetry;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Projects;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Unit.OpenTelemetry;

/// <summary>Exports as JSON, and what they become: the events of the intake, read back as the projections read them.</summary>
static class Exports
{
    public const string TraceId = "5b8efff798038103d269b633813fc60c";
    const ulong Start = 1_767_225_600_000_000_000;

    /// <summary>A span of 1 s that begins <paramref name="at"/> s after the others; its id is <paramref name="id"/> in hex.</summary>
    public static string Span(int id, int? parent = null, string name = "work", double at = 0, double? took = 1, object? attributes = null, object[]? events = null, object? status = null) =>
        JsonSerializer.Serialize(new
        {
            traceId = TraceId,
            spanId = Id(id),
            parentSpanId = parent is { } p ? Id(p) : "",
            name,
            startTimeUnixNano = Nanos(at),
            endTimeUnixNano = took is { } seconds ? Nanos(at + seconds) : null,
            attributes = Pairs(attributes),
            events,
            status,
        });

    public static object Event(string name, object? attributes = null, double at = 0.1) => new { name, timeUnixNano = Nanos(at), attributes = Pairs(attributes) };

    public static string Nanos(double seconds) => (Start + (ulong)(seconds * 1e9)).ToString(CultureInfo.InvariantCulture);

    public static string Id(int id) => id.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>A dictionary's members as attributes, each in the form of its kind.</summary>
    public static object[] Pairs(object? attributes) =>
        [.. ((attributes as Dictionary<string, object>) ?? []).Select(a => new { key = a.Key, value = Value(a.Value) })];

    static object Value(object value) => value switch
    {
        string text => new { stringValue = text },
        bool truth => new { boolValue = truth },
        int whole => new { intValue = whole.ToString(CultureInfo.InvariantCulture) },
        double number => new { doubleValue = number },
        string[] list => new { arrayValue = new { values = list.Select(Value) } },
        _ => throw new ArgumentOutOfRangeException(nameof(value)),
    };

    public static byte[] Traces(params string[] spans) => Body("resourceSpans", "scopeSpans", "spans", spans);

    public static byte[] Logs(params string[] records) => Body("resourceLogs", "scopeLogs", "logRecords", records);

    static byte[] Body(string resources, string scopes, string items, string[] texts) => Encoding.UTF8.GetBytes(
        $$$"""{"{{{resources}}}":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"deployment.environment.name","value":{"stringValue":"production"}}]},"{{{scopes}}}":[{"{{{items}}}":[{{{string.Join(',', texts)}}}]}]}]}""");

    public static OtlpIntake Take(OtlpSignal signal, byte[] body)
    {
        var intake = new OtlpIntake(new Caller("p", "k", Scopes.Ingest, "development"));
        foreach (var item in OtlpBatch.Of(signal, body, json: true)) intake.Take(signal, item);
        return intake;
    }

    /// <summary>The facts, with the fields a header takes from the door.</summary>
    public static List<SpanEvent> Facts(params OtlpIntake[] intakes)
    {
        var reader = new FactReader([new OtlpPayload()]);
        return [.. intakes.SelectMany(i => i.Events).Select(e => reader.Read(new Fact(
            new()
            {
                Type = e.Type, Project = "p", EventId = e.EventId!.Value, At = e.At!.Value, Source = new("otlp", e.Reader.Version, "k"), TraceId = e.TraceId,
                SpanId = e.SpanId ?? (e.Type == "score" ? null : EventIds.SpanOf(e.EventId.Value)), ParentSpanId = e.ParentSpanId, Kind = e.Reading.Kind, Provider = e.Reading.Provider,
                Model = e.Reading.Model, Usage = e.Reading.Usage, Environment = e.Reading.Environment,
            },
            e.Content.Join(), StreamName.Trace("p", e.TraceId), 0, new(1))))];
    }

    public static Trace Fold(params OtlpIntake[] intakes) => Trace.Of(TraceId, Facts(intakes));

    public static Trace Fold(params string[] spans) => Fold(Take(OtlpSignal.Traces, Traces(spans)));

    /// <summary>The one span with these attributes.</summary>
    public static Domain.Traces.Span Read(Dictionary<string, object> attributes, string name = "work", object[]? events = null, object? status = null) =>
        Fold(Span(1, name: name, attributes: attributes, events: events, status: status)).Spans.Values.Single();
}

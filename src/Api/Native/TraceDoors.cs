using System.Globalization;
using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Traces;
using MediatR;

namespace Hindcast.Api.Native;

/// <summary>One trace: as it stands, as it came to be, as it stood, and what came between (<c>native.md</c>, "Traces beyond the five systems").</summary>
internal static class TraceDoors
{
    const int MostItems = 1_000;

    internal static readonly JsonWriterOptions Deep = new() { MaxDepth = int.MaxValue, SkipValidation = true, Encoder = Envelope.Json.Encoder };

    public static async Task Tree(string traceId, HttpContext http, IMediator app, CancellationToken ct) =>
        await WriteAsync(http, TreeJson.Write, await app.Send(new GetTraceTree(http.Caller(), traceId), ct), ct);

    /// <summary>Needs <c>as_of_revision</c> or <c>as_of</c> (ISO 8601 in UTC).</summary>
    public static async Task State(string traceId, HttpContext http, IMediator app, CancellationToken ct)
    {
        var (revision, time) = (Whole(http, "as_of_revision"), Moment(http, "as_of"));
        if ((revision is null) == (time is null)) throw new BadRequest("as_of_revision", "Give either as_of_revision or as_of.");
        await WriteAsync(http, TreeJson.Write, await app.Send(new GetTraceState(http.Caller(), traceId, revision, time), ct), ct);
    }

    /// <summary>Needs <c>from_revision</c>, exclusive; <c>to_revision</c> is by default the newest.</summary>
    public static async Task Diff(string traceId, HttpContext http, IMediator app, CancellationToken ct)
    {
        var from = Whole(http, "from_revision") ?? throw new BadRequest("from_revision", "Give from_revision, the revision to compare with.");
        var to = Whole(http, "to_revision");
        if (to < from) throw new BadRequest("to_revision", "to_revision must not be less than from_revision.");
        await WriteAsync(http, DiffJson.Write, await app.Send(new GetTraceDiff(http.Caller(), traceId, from, to), ct), ct);
    }

    /// <summary><c>after_revision</c> (default: from the first) and <c>limit</c> (1..1000, default 100).</summary>
    public static async Task Timeline(string traceId, HttpContext http, IMediator app, CancellationToken ct)
    {
        var limit = Whole(http, "limit") ?? 100;
        if (limit is < 1 or > MostItems) throw new BadRequest("limit", $"limit must be between 1 and {MostItems}.");
        var timeline = await app.Send(new GetTimeline(http.Caller(), traceId, Whole(http, "after_revision") ?? -1, (int)limit), ct);
        await WriteAsync(http, TimelineJson.Write, timeline, ct);
    }

    static async Task WriteAsync<T>(HttpContext http, Action<Utf8JsonWriter, T> write, T answer, CancellationToken ct)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Deep);
        write(json, answer);
        await json.FlushAsync(ct);
    }

    static long? Whole(HttpContext http, string name) => http.Request.Query[name] is not [{ Length: > 0 } text] ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw new BadRequest(name, $"{name} must be a whole number, 0 or more.");

    static DateTimeOffset? Moment(HttpContext http, string name) => http.Request.Query[name] is not [{ Length: > 0 } text] ? null
        : Times.TryParse(text, out var time) ? time
        : throw new BadRequest(name, $"{name} must be an ISO 8601 time with Z or an offset.");
}

internal static class TimelineJson
{
    public static void Write(Utf8JsonWriter json, Timeline timeline)
    {
        json.WriteStartObject();
        Items(json, timeline.Items);
        json.WriteNumber("next_revision", timeline.NextRevision);
        json.WriteBoolean("has_more", timeline.HasMore);
        json.WriteEndObject();
    }

    public static void Items(Utf8JsonWriter json, IReadOnlyList<TimelineItem> items)
    {
        json.WriteStartArray("items");
        foreach (var (fact, payload, late) in items)
        {
            json.WriteStartObject();
            json.WriteNumber("revision", fact.Revision);
            json.WriteNumber("position", fact.Position.Value);
            json.WriteString("event_id", fact.Header.EventId);
            json.WriteString("type", fact.Header.Type);
            json.WriteString("at", fact.Header.At.UtcDateTime);
            json.WriteString("recorded_at", fact.Header.RecordedAt.UtcDateTime);
            json.WriteBoolean("late", late);
            json.WriteString("span_id", fact.Header.SpanId);
            json.WriteString("dialect", fact.Header.Source.Dialect);
            if (fact.Header.Marks is { } marks) HeaderJson.WriteMarks(json, marks);
            json.WritePropertyName("data");
            Data(json, payload);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>The payload as it was received; NUL and halves of pairs show as U+FFFD. Null when it is erased, or no JSON.</summary>
    public static void Data(Utf8JsonWriter json, ReadOnlyMemory<byte>? received)
    {
        if (received is not { } bytes)
        {
            json.WriteNullValue();
            return;
        }
        try
        {
            using var payload = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 1024 });
            var sanitised = false;
            json.WriteRawValue(Application.Payloads.LenientText.JsonOf(payload.RootElement, ref sanitised), skipInputValidation: true);
        }
        catch (JsonException)
        {
            json.WriteNullValue();
        }
    }
}

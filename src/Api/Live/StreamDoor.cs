using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Hindcast.Api.Dialects.Observatory;
using Hindcast.Api.Native;
using Hindcast.Application;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Live;
using Hindcast.Application.Pricing;
using Hindcast.Application.Search;
using Hindcast.Application.Traces;
using Hindcast.Domain.Pricing;
using MediatR;

namespace Hindcast.Api.Live;

/// <summary>
/// <c>/api/v1/stream</c>: the facts of traces from any position on and then live, as server-sent events, and as a WebSocket where one is
/// asked for (<c>native.md</c>, "Traces beyond the five systems").
/// </summary>
/// <remarks>
/// Parameters: <c>from</c> (a position, exclusive; <c>start</c>; <c>now</c>, the default; <c>Last-Event-ID</c> wins), <c>project_id</c>, <c>trace_id</c>, <c>types</c> (with commas),
/// <c>filter</c> (the filter of searches, as JSON, asked of what a fact alone says of its span), <c>speed</c> (<c>max</c>, <c>1</c>, <c>10</c>), <c>log_id</c> (the
/// <c>X-Log-Id</c> that a position came with). A position that is not of this log is 410.
/// </remarks>
internal static class StreamDoor
{
    public static async Task ServeAsync(HttpContext http, LiveSockets sockets, FactTail tail, IEventLog log, IMediator app, TimeProvider clock, CancellationToken ct)
    {
        var given = new QueryValues(http.Request.Query);
        var asked = await AskedAsync(http, given, app, clock.GetUtcNow(), ct);
        var from = await FromAsync(http, given, log, ct);
        int? speed = given.Text("speed") switch
        {
            null or "max" => null,
            "1" => 1,
            "10" => 10,
            _ => throw new BadRequest("speed", "speed must be max, 1 or 10"),
        };
        http.Response.Headers["X-Log-Id"] = log.Id.ToString();
        await using var stream = new FactStream(log, tail, asked, from, speed, CaughtUp, clock);
        await sockets.ServeAsync(http, stream);
    }

    static async Task<FactQuestion> AskedAsync(HttpContext http, QueryValues given, IMediator app, DateTimeOffset now, CancellationToken ct)
    {
        var projects = ObservatoryQuery.Reach(http.Caller(), given.Text("project_id"));
        var types = given.Text("types")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
        if (types?.FirstOrDefault(t => !FactReader.Types.Contains(t)) is { } unknown) throw new BadRequest("types", $"types: there is no '{unknown}'");
        var filter = FilterOf(given.Text("filter"), now);
        var prices = projects is [var one] && filter is not All { Filters.Count: 0 } ? await app.Send(new GetPrices(http.Caller() with { Project = one }), ct) : BuiltInPrices.Book;
        return new(projects, given.Text("trace_id"), types, filter, prices);
    }

    static Filter FilterOf(string? text, DateTimeOffset now)
    {
        if (text is null) return Filter.Everything;
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 128 });
            var filter = new ObservatoryFilter(SpanCatalogue.Instance, now).Read(json.RootElement);
            return filter.Conditions.Any(c => c is Searches) ? throw new BadRequest("filter", "Invalid filter: words are searched in what is stored; use contains or regex on a stream") : filter;
        }
        catch (JsonException)
        {
            throw new BadRequest("filter", "filter must be JSON, as the member filter of a search");
        }
    }

    /// <exception cref="OfAnotherLog">Nothing of this log stands there.</exception>
    static async Task<LogPosition> FromAsync(HttpContext http, QueryValues given, IEventLog log, CancellationToken ct)
    {
        if (given.Text("log_id") is { } id && id != log.Id.ToString()) throw new OfAnotherLog();
        var text = http.Request.Headers["Last-Event-ID"] is [{ Length: > 0 } last] ? last : given.Text("from");
        if (text == "start") return LogPosition.Start;
        if (text is null or "now") return await log.HeadAsync(ct);
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position)) throw new BadRequest("from", "from must be a position, start or now");
        return position == 0 || await log.IsPlaceAsync(new(position), ct) ? new(position) : throw new OfAnotherLog();
    }

    static ReadOnlyMemory<byte> CaughtUp(LogPosition position) => JsonSerializer.SerializeToUtf8Bytes(new { type = "caught_up", position = position.Value });

    /// <summary>A fact as all who stream it get it.</summary>
    public static ReadOnlyMemory<byte> Words(StreamedFact fact)
    {
        var buffer = new ArrayBufferWriter<byte>(fact.Record.Content.Length + 256);
        using var json = new Utf8JsonWriter(buffer, TraceDoors.Deep);
        json.WriteStartObject();
        json.WriteNumber("position", fact.Record.Position.Value);
        json.WriteNumber("revision", fact.Record.Revision);
        json.WriteString("trace_id", fact.TraceId);
        json.WriteString("type", fact.Record.Type);
        if (fact.Fact is { } known) json.WriteString("at", known.Header.At.UtcDateTime);
        else json.WriteNull("at");
        json.WritePropertyName("data");
        TimelineJson.Data(json, fact.Payload);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }
}

using System.Text.Json;
using Hindcast.Application;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Native;

/// <summary>
/// The body of <c>POST /api/v1/events</c> in its elements, whichever of the three forms it has. Elements point into the body and are gone
/// with it. A line that is no JSON is one bad element; an array that breaks has none that could be trusted.
/// </summary>
internal sealed class EventBatch : IDisposable
{
    public const int MostEvents = 1_000;

    readonly List<IDisposable> _parsed = [];
    readonly List<(JsonElement Element, ReadOnlyMemory<byte> Raw, Fault? Fault)> _elements = [];

    /// <summary>One object, and no list of one.</summary>
    public bool IsSingle { get; private init; }

    public IReadOnlyList<(JsonElement Element, ReadOnlyMemory<byte> Raw, Fault? Fault)> Elements => _elements;

    /// <exception cref="MalformedBody">Neither an array nor an object.</exception>
    /// <exception cref="BadRequest">More than <see cref="MostEvents"/>.</exception>
    public static EventBatch Of(HttpRequest request, ReadOnlyMemory<byte> body) => IsLines(request) ? OfLines(body) : OfJson(body);

    static EventBatch OfJson(ReadOnlyMemory<byte> body)
    {
        var json = JsonBatch.Parse(body);
        var batch = new EventBatch { IsSingle = !json.IsArray };
        batch._parsed.Add(json);
        if (json.Elements.Count > MostEvents) throw batch.TooMany($"{json.Elements.Count}");
        for (var i = 0; i < json.Elements.Count; i++) batch._elements.Add((json.Elements[i], json.RawOf(i), null));
        return batch;
    }

    static EventBatch OfLines(ReadOnlyMemory<byte> body)
    {
        var batch = new EventBatch();
        foreach (var line in JsonBatch.ParseLines(body))
        {
            batch._parsed.Add(line);
            if (batch._elements.Count == MostEvents) throw batch.TooMany("more");
            batch._elements.Add((line.Element, line.Raw, line.Fault));
        }
        return batch;
    }

    BadRequest TooMany(string count)
    {
        Dispose();
        return new("body", $"A batch has at most {MostEvents} events; this one has {count}.");
    }

    static bool IsLines(HttpRequest request) =>
        request.ContentType is { } type
        && type.Split(';', 2)[0].Trim().ToLowerInvariant() is "application/x-ndjson" or "application/ndjson" or "application/jsonl";

    public void Dispose()
    {
        foreach (var parsed in _parsed) parsed.Dispose();
        _parsed.Clear();
    }
}

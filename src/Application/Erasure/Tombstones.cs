using System.Reflection;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.ReadModels;
using Hindcast.Application.Traces;
using Hindcast.Domain;
using Hindcast.Domain.Traces;

namespace Hindcast.Application.Erasure;

/// <summary>
/// The facts that say something was erased. Their keys are destroyed before they are written, so whoever comes to one in the log finds
/// everything before it erased already, and folding it again gives the rows a rebuild would give.
/// </summary>
public static class Tombstones
{
    public static readonly string Trace = NameOf<TraceErased>();
    public static readonly string Part = NameOf<PartErased>();

    public static readonly string Expired = NameOf<TraceExpired>();

    public static readonly string User = NameOf<UserErased>();

    public static byte[] Said(UserErased said) => System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { traces = said.Traces, shared = said.Shared });

    public static bool Is(Fact fact) => Marks(fact.Header);

    public static bool Marks(Header header) => header.Type == Trace || header.Type == Part || header.Type == Expired;

    /// <summary>Behind a whole trace's tombstone nothing stands.</summary>
    public static Stamped Stamp(Draft draft, Running before)
    {
        var counted = Streams.Count(draft, before);
        return draft.Header.Type == Trace || draft.Header.Type == Expired ? counted with { Running = counted.Running with { Closed = true } } : counted;
    }

    /// <summary>The trace has expired: for every door it is as if it had never been.</summary>
    public static async Task<bool> HasExpiredAsync(this Streams streams, string project, string traceId, CancellationToken ct) =>
        (await streams.LastAsync(StreamName.Trace(project, traceId), ct))?.Header.Type == Expired;

    /// <summary>The facts of a trace that stand before a position, as they can be read now.</summary>
    internal static async Task<IReadOnlyList<(Fact Fact, SpanEvent Event)>> ReadAgainAsync(
        Streams streams, FactReader reader, TraceKey trace, LogPosition before, CancellationToken ct)
    {
        var facts = new List<(Fact, SpanEvent)>();
        await foreach (var fact in streams.ReadReadableAsync(StreamName.Trace(trace.Project, trace.TraceId), 0, ct))
        {
            if (fact.Position >= before) break;
            if (!Is(fact) && reader.ReadOrNull(fact) is { } read) facts.Add((fact, read.Event));
        }
        return facts;
    }

    static string NameOf<T>() => typeof(T).GetCustomAttribute<EventNameAttribute>()!.Name;
}

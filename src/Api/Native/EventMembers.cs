using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Hindcast.Application.Payloads;

namespace Hindcast.Api.Native;

/// <summary>The members that our own form of an event knows.</summary>
internal enum EventMember
{
    Type, TraceId, EventId, SpanId, ParentSpanId, At, Name, Kind, UserId, SessionId, Environment, Agent, Provider, Model, LatencyMs, TtftMs,
    Status, Error, Attributes, Usage, Content, Comment, Source, Value,
}

/// <summary>
/// The known members of one event, found in one walk: asking for each by its name would walk the object as often as there are names. A member
/// that is null is as good as absent.
/// </summary>
internal struct EventMembers
{
    /// <summary>As they are written, in the order of <see cref="EventMember"/>.</summary>
    static readonly string[] s_texts =
    [
        "type", "trace_id", "event_id", "span_id", "parent_span_id", "at", "name", "kind", "user_id", "session_id", "environment", "agent", "provider",
        "model", "latency_ms", "ttft_ms", "status", "error", "attributes", "usage", "content", "comment", "source", "value",
    ];

    static readonly byte[][] s_names = [.. s_texts.Select(Encoding.UTF8.GetBytes)];

    [InlineArray(24)]
    struct Found
    {
        JsonElement _first;
    }

    Found _found;

    public static EventMembers Of(JsonElement element)
    {
        var members = new EventMembers();
        if (element.ValueKind != JsonValueKind.Object) return members;
        foreach (var member in element.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null) continue;
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            var sanitised = false;
            if (name.Contains((byte)'\\')) name = Encoding.UTF8.GetBytes(LenientText.NameOf(member, ref sanitised));
            for (var i = 0; i < s_names.Length; i++)
            {
                if (!name.SequenceEqual(s_names[i])) continue;
                members._found[i] = member.Value;
                break;
            }
        }
        return members;
    }

    /// <summary>As it is written in the event.</summary>
    public static string NameOf(EventMember member) => s_texts[(int)member];

    public readonly JsonElement? this[EventMember member] => _found[(int)member] is { ValueKind: not JsonValueKind.Undefined } value ? value : null;

    /// <summary>A member that is a text and not empty.</summary>
    public readonly string? Text(EventMember member, ref bool sanitised) =>
        this[member] is { ValueKind: JsonValueKind.String } text && LenientText.Of(text, ref sanitised) is { Length: > 0 } said ? said : null;
}

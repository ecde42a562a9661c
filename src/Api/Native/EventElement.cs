using System.Text.Json;
using Hindcast.Application.EventSourcing;
using Hindcast.Application.Payloads;
using Hindcast.Application.Traces;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>An element of <c>POST /api/v1/events</c> that was found good; <paramref name="GivenId"/> is the sender's own word for it.</summary>
internal sealed record EventElement(NewEvent Event, string? GivenId)
{
    static readonly NativePayload Reader = new();
    static readonly HashSet<string> Types = new(FactReader.Types, StringComparer.Ordinal);
    static readonly string TypesInWords = string.Join(", ", FactReader.Types);

    /// <summary>Null when there were faults; all of the element's are named, each with the dotted path of its field.</summary>
    /// <param name="spareId">The id of an element that brings none; null lets the append give a fresh one.</param>
    public static EventElement? Read(JsonElement element, ReadOnlyMemory<byte> raw, Guid? spareId, List<Fault> faults)
    {
        // Bytes first: an element that is too deep is not looked into.
        if (raw.Length > IngestedJson.MostBytes) faults.Add(new("", "too_large", $"An element has at most {IngestedJson.MostBytes} bytes."));
        else if (PayloadRules.Check(raw.Span) is { } fault) faults.Add(fault);
        else if (element.ValueKind != JsonValueKind.Object) faults.Add(new("", "wrong_type", "An event must be an object."));
        if (faults.Count > 0) return null;

        var members = EventMembers.Of(element);
        var fields = new EventFields(members, faults);
        var type = fields.Word(EventMember.Type);
        if (type is not null && !Types.Contains(type)) faults.Add(new("type", "unknown_type", $"Must be one of {TypesInWords}."));
        var traceId = fields.Id(EventMember.TraceId, TraceRules.LongestTraceId, required: true);
        var eventId = fields.Id(EventMember.EventId, TraceRules.LongestEventId);
        var spanId = fields.Id(EventMember.SpanId, TraceRules.LongestSpanId);
        var parentId = fields.Id(EventMember.ParentSpanId, TraceRules.LongestSpanId, emptyIsNone: true);
        fields.Id(EventMember.UserId, TraceRules.LongestUser, emptyIsNone: true);
        fields.Id(EventMember.SessionId, TraceRules.LongestUser, emptyIsNone: true);
        var agent = fields.Id(EventMember.Agent, TraceRules.LongestName, emptyIsNone: true);
        foreach (var name in (ReadOnlySpan<EventMember>)[EventMember.Name, EventMember.Kind, EventMember.Environment, EventMember.Provider, EventMember.Model]) fields.Name(name);
        fields.Milliseconds(EventMember.LatencyMs);
        fields.Milliseconds(EventMember.TtftMs);
        fields.Status();
        fields.Error();
        fields.Attributes();
        if (type == "score") fields.Score();
        if (members[EventMember.Usage] is { } usage) NativeUsage.Check(usage, faults);
        var at = fields.At();
        if (faults.Count > 0) return null;

        return new(
            new NewEvent
            {
                Type = type!,
                TraceId = traceId!,
                EventId = eventId is null ? spareId : EventIds.Of(eventId),
                At = at,
                SpanId = spanId,
                ParentSpanId = parentId,
                Reading = NativePayload.Read(type!, members, texts: false),
                Reader = Reader,
                Content = new(raw, default),
                Agent = agent,
                RefuseOtherContent = true,
            },
            eventId);
    }
}

using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// Looks at the members of one event and notes what is wrong with each. Null is as good as absent. Codes: <c>required</c>, <c>wrong_type</c>,
/// <c>too_short</c>, <c>too_long</c>, <c>invalid_text</c> (NUL or half a surrogate pair in an id), <c>out_of_range</c>, <c>invalid_time</c>,
/// <c>unknown_status</c>, <c>too_many</c>, <c>too_deep</c>.
/// </summary>
internal readonly struct EventFields(EventMembers members, List<Fault> faults)
{
    /// <summary>A required word of a closed list, which the caller checks.</summary>
    public string? Word(EventMember member)
    {
        if (members[member] is not { } value)
        {
            faults.Add(new(EventMembers.NameOf(member), "required", "Is required."));
            return null;
        }
        return TextOf(member, value);
    }

    /// <summary>An id: kept as it is or refused, never mended, because two ids that are mended may become one.</summary>
    public string? Id(EventMember member, int longest, bool required = false, bool emptyIsNone = false)
    {
        if (members[member] is not { } value)
        {
            if (required) faults.Add(new(EventMembers.NameOf(member), "required", "Is required."));
            return null;
        }
        if (value.ValueKind == JsonValueKind.String && !LenientText.IsClean(value))
        {
            faults.Add(new(EventMembers.NameOf(member), "invalid_text", "Must not contain NUL or half of a surrogate pair."));
            return null;
        }
        if (TextOf(member, value) is not { } id) return null;
        if (id.Length == 0 && emptyIsNone) return null;
        if (id.Length == 0) faults.Add(new(EventMembers.NameOf(member), "too_short", "Must not be empty."));
        if (id.Length > longest) faults.Add(new(EventMembers.NameOf(member), "too_long", $"Must have at most {longest} characters."));
        return id;
    }

    public void Name(EventMember member)
    {
        if (members[member] is { } value && TextOf(member, value) is { Length: > TraceRules.LongestName })
            faults.Add(new(EventMembers.NameOf(member), "too_long", $"Must have at most {TraceRules.LongestName} characters."));
    }

    public DateTimeOffset? At()
    {
        if (members[EventMember.At] is not { } value || TextOf(EventMember.At, value) is not { } text) return null;
        if (Times.TryParse(text, out var at)) return at;
        faults.Add(new("at", "invalid_time", "Must be an ISO 8601 time with Z or an offset, such as 2026-01-31T12:00:00.123Z."));
        return null;
    }

    public void Milliseconds(EventMember member)
    {
        if (members[member] is not { } value) return;
        if (value.ValueKind != JsonValueKind.Number) faults.Add(new(EventMembers.NameOf(member), "wrong_type", "Must be a number of milliseconds or null."));
        else if (!value.TryGetDouble(out var ms) || ms is not (>= 0 and <= NativePayload.MostMilliseconds))
            faults.Add(new(EventMembers.NameOf(member), "out_of_range", $"Must be from 0 to {NativePayload.MostMilliseconds:0} milliseconds."));
    }

    public void Status()
    {
        if (members[EventMember.Status] is { } value && TextOf(EventMember.Status, value) is { } word && NativePayload.StatusOf(word) is null)
            faults.Add(new("status", "unknown_status", "Must be one of ok, success, warning, error, failed."));
    }

    public void Error()
    {
        if (members[EventMember.Error] is { ValueKind: not (JsonValueKind.String or JsonValueKind.Object) })
            faults.Add(new("error", "wrong_type", "Must be a text or an object with a message."));
    }

    public void Attributes()
    {
        if (members[EventMember.Attributes] is not { } attributes) return;
        if (attributes.ValueKind != JsonValueKind.Object)
        {
            faults.Add(new("attributes", "wrong_type", "Must be an object."));
            return;
        }
        if (attributes.GetPropertyCount() > TraceRules.MostAttributes)
            faults.Add(new("attributes", "too_many", $"Must have at most {TraceRules.MostAttributes} members."));
        else foreach (var attribute in attributes.EnumerateObject())
        {
            var key = IngestedJson.Shown(attribute.Name);
            if (key != attribute.Name)
                faults.Add(new($"attributes.{key}", "too_long", $"A key must have at most {TraceRules.LongestAttributeKey} characters."));
            if (attribute.Value.IsDeeperThan(IngestedJson.DeepestAttribute))
                faults.Add(new($"attributes.{key}", "too_deep", $"Must be nested at most {IngestedJson.DeepestAttribute} deep."));
        }
    }

    public void Score()
    {
        if (members[EventMember.Name] is not { } name || name is { ValueKind: JsonValueKind.String } && name.ValueEquals(""))
            faults.Add(new("name", "required", "A score needs a name."));
        if (NativePayload.ScoreOf(members) is not { } value) faults.Add(new("content.value", "required", "A score needs a value."));
        else if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            faults.Add(new("content.value", "wrong_type", "Must be a number, a text or a boolean."));
    }

    string? TextOf(EventMember member, JsonElement value)
    {
        var sanitised = false;
        if (value.ValueKind == JsonValueKind.String) return LenientText.Of(value, ref sanitised);
        faults.Add(new(EventMembers.NameOf(member), "wrong_type", "Must be a text."));
        return null;
    }
}

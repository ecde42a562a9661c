using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Native;

/// <summary>
/// Looks at the members of one event and notes what is wrong with each. Null is as good as absent. Codes: <c>required</c>, <c>wrong_type</c>,
/// <c>too_short</c>, <c>too_long</c>, <c>invalid_text</c> (NUL or half a surrogate pair in an id), <c>out_of_range</c>, <c>invalid_time</c>,
/// <c>unknown_status</c>, <c>too_many</c>, <c>too_deep</c>.
/// </summary>
internal readonly struct EventFields(JsonElement element, List<Fault> faults)
{
    /// <summary>A required word of a closed list, which the caller checks.</summary>
    public string? Word(string name)
    {
        if (element.Member(name) is not { } value)
        {
            faults.Add(new(name, "required", "Is required."));
            return null;
        }
        return TextOf(name, value);
    }

    /// <summary>An id: kept as it is or refused, never mended, because two ids that are mended may become one.</summary>
    public string? Id(string name, int longest, bool required = false, bool emptyIsNone = false)
    {
        if (element.Member(name) is not { } value)
        {
            if (required) faults.Add(new(name, "required", "Is required."));
            return null;
        }
        if (value.ValueKind == JsonValueKind.String && !LenientText.IsClean(value))
        {
            faults.Add(new(name, "invalid_text", "Must not contain NUL or half of a surrogate pair."));
            return null;
        }
        if (TextOf(name, value) is not { } id) return null;
        if (id.Length == 0 && emptyIsNone) return null;
        if (id.Length == 0) faults.Add(new(name, "too_short", "Must not be empty."));
        if (id.Length > longest) faults.Add(new(name, "too_long", $"Must have at most {longest} characters."));
        return id;
    }

    public void Name(string name)
    {
        if (element.Member(name) is { } value && TextOf(name, value) is { Length: > TraceRules.LongestName })
            faults.Add(new(name, "too_long", $"Must have at most {TraceRules.LongestName} characters."));
    }

    public DateTimeOffset? At()
    {
        if (element.Member("at") is not { } value || TextOf("at", value) is not { } text) return null;
        if (Times.TryParse(text, out var at)) return at;
        faults.Add(new("at", "invalid_time", "Must be an ISO 8601 time with Z or an offset, such as 2026-01-31T12:00:00.123Z."));
        return null;
    }

    public void Milliseconds(string name)
    {
        if (element.Member(name) is not { } value) return;
        if (value.ValueKind != JsonValueKind.Number) faults.Add(new(name, "wrong_type", "Must be a number of milliseconds or null."));
        else if (!value.TryGetDouble(out var ms) || ms is not (>= 0 and <= NativePayload.MostMilliseconds))
            faults.Add(new(name, "out_of_range", $"Must be from 0 to {NativePayload.MostMilliseconds:0} milliseconds."));
    }

    public void Status()
    {
        if (element.Member("status") is { } value && TextOf("status", value) is { } word && NativePayload.StatusOf(word) is null)
            faults.Add(new("status", "unknown_status", "Must be one of ok, success, warning, error, failed."));
    }

    public void Error()
    {
        if (element.Member("error") is { ValueKind: not (JsonValueKind.String or JsonValueKind.Object) })
            faults.Add(new("error", "wrong_type", "Must be a text or an object with a message."));
    }

    public void Attributes()
    {
        if (element.Member("attributes") is not { } attributes) return;
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
        if (element.Member("name") is not { } name || name is { ValueKind: JsonValueKind.String } && name.ValueEquals(""))
            faults.Add(new("name", "required", "A score needs a name."));
        if (NativePayload.ScoreOf(element) is not { } value) faults.Add(new("content.value", "required", "A score needs a value."));
        else if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            faults.Add(new("content.value", "wrong_type", "Must be a number, a text or a boolean."));
    }

    string? TextOf(string name, JsonElement value)
    {
        var sanitised = false;
        if (value.ValueKind == JsonValueKind.String) return LenientText.Of(value, ref sanitised);
        faults.Add(new(name, "wrong_type", "Must be a text."));
        return null;
    }
}

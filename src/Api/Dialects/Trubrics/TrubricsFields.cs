using System.Text.Json;
using Hindcast.Application.Payloads;
using Hindcast.Domain.Traces;

namespace Hindcast.Api.Dialects.Trubrics;

/// <summary>One thing that is wrong, in FastAPI's words: where (<c>["body", index, field]</c>), what, and pydantic's name for it.</summary>
public sealed record TrubricsFault(IReadOnlyList<object> Loc, string Msg, string Type);

/// <summary>Looks at the members of one element, and notes what is wrong with each.</summary>
internal readonly struct TrubricsFields(JsonElement element, int index, List<TrubricsFault> faults)
{
    public void Add(string type, string message, params ReadOnlySpan<object> path) => faults.Add(new(["body", index, .. path], message, type));

    /// <summary>An id is kept as it is or refused, never mended: two ids that are mended may become one.</summary>
    public string? Id(string name, int longest, bool required = false) => Text(name, longest, required, clean: true);

    /// <param name="longest">In characters; null: as long as the element may be.</param>
    public string? Text(string name, int? longest = null, bool required = false, bool clean = false)
    {
        if (!element.TryGetProperty(name, out var value))
        {
            if (required) Add("missing", "Field required", name);
            return null;
        }
        if (value.ValueKind == JsonValueKind.Null && !required) return null;
        return TextOf(value, longest, required && longest is not null, clean, name);
    }

    string? TextOf(JsonElement value, int? longest, bool notEmpty, bool clean, params ReadOnlySpan<object> path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            Add("string_type", "Input should be a valid string", path);
            return null;
        }
        if (clean && !LenientText.IsClean(value))
        {
            Add("string_unicode", "Input should be a valid string, without NUL or half of a surrogate pair", path);
            return null;
        }
        var sanitised = false;
        var text = LenientText.Of(value, ref sanitised);
        if (notEmpty && text.Length == 0) Add("string_too_short", "String should have at least 1 character", path);
        if (text.Length > longest) Add("string_too_long", $"String should have at most {longest} characters", path);
        return text;
    }

    public DateTimeOffset? Timestamp(bool required)
    {
        if (!element.TryGetProperty("timestamp", out var value))
        {
            if (required) Add("missing", "Field required", "timestamp");
            return null;
        }
        if (value.ValueKind == JsonValueKind.Null && !required) return null;
        if (value.ValueKind != JsonValueKind.String)
        {
            Add("datetime_type", "Input should be a valid datetime", "timestamp");
            return null;
        }
        var sanitised = false;
        var text = LenientText.Of(value, ref sanitised);
        if (Times.TryParseAsUtc(text, out var at)) return at;
        if (text.Length <= "2026-01-31".Length) Add("datetime_from_date_parsing", "Input should be a valid datetime or date, in ISO 8601", "timestamp");
        else Add("datetime_parsing", "Input should be a valid datetime, in ISO 8601", "timestamp");
        return null;
    }

    public void Latency()
    {
        if (element.Member("latency") is not { } value) return;
        if (value.ValueKind == JsonValueKind.String)
            Add("float_parsing", "Input should be a valid number, and no text", "latency");
        else if (value.ValueKind != JsonValueKind.Number) Add("float_type", "Input should be a valid number", "latency");
        else if (!value.TryGetDouble(out var seconds) || !double.IsFinite(seconds))
            Add("finite_number", "Input should be a finite number", "latency");
        else if (seconds < 0) Add("greater_than_equal", "Input should be greater than or equal to 0", "latency");
        else if (seconds > TrubricsPayload.MostSeconds)
            Add("less_than_equal", $"Input should be less than or equal to {TrubricsPayload.MostSeconds:0}", "latency");
    }

    /// <summary>Properties become attributes and keep their limits; the thread among them names a stream and keeps that of a trace id.</summary>
    public void Properties()
    {
        if (element.Member("properties") is not { } properties) return;
        if (properties.ValueKind != JsonValueKind.Object)
        {
            Add("dict_type", "Input should be a valid dictionary", "properties");
            return;
        }
        var count = properties.GetPropertyCount();
        if (count > TraceRules.MostAttributes)
        {
            Add("too_long", $"Dictionary should have at most {TraceRules.MostAttributes} items after validation, not {count}", "properties");
            return;
        }
        foreach (var property in properties.EnumerateObject())
        {
            var key = IngestedJson.Shown(property.Name);
            if (key != property.Name)
                Add("string_too_long", $"String should have at most {TraceRules.LongestAttributeKey} characters", "properties", key, "[key]");
            if (property.Value.IsDeeperThan(IngestedJson.DeepestAttribute))
                Add("recursion_loop", $"Input should be nested at most {IngestedJson.DeepestAttribute} deep", "properties", key);
        }
        if (TrubricsPayload.PropertyThread(element) is { ValueKind: JsonValueKind.String } thread)
            TextOf(thread, TraceRules.LongestTraceId, notEmpty: false, clean: true, "properties", "$thread_id");
        else if (TrubricsPayload.PropertyThread(element) is { ValueKind: JsonValueKind.Number } number
            && number.GetRawText().Length > TraceRules.LongestTraceId)
            Add("string_too_long", $"String should have at most {TraceRules.LongestTraceId} characters", "properties", "$thread_id");
    }
}
